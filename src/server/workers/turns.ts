/** One at a time, in the order of asking. */

export class Turns {
  readonly #line: { readonly who: object; readonly go: () => void }[] = [];

  /** Resolves when it is the turn of `who`; it lasts until `end`. */
  take(who: object): Promise<void> {
    return new Promise((go) => {
      this.#line.push({ who, go });
      if (this.#line.length === 1) go();
    });
  }

  /** Ends the turn of `who`, or its place in the line. */
  end(who: object): void {
    const had = this.#line[0]?.who === who;
    const rest = this.#line.filter((each) => each.who !== who);
    this.#line.splice(0, this.#line.length, ...rest);
    if (had) this.#line[0]?.go();
  }
}
