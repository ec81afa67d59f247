/** Work on a part's files that must not overlap: one piece after the other, in the order it was asked for. */

export class Maintenance {
  #last: Promise<void> = Promise.resolve();
  readonly #named = new Set<string>();

  /** `task` handles its own errors. */
  add(task: () => Promise<void>): void {
    this.#last = this.#last.then(task);
  }

  /** As `add`, unless work of that name waits already. */
  once(name: string, task: () => Promise<void>): void {
    if (this.#named.has(name)) return;
    this.#named.add(name);
    this.add(() => {
      this.#named.delete(name);
      return task();
    });
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    let last: Promise<void> | undefined;
    while (last !== this.#last) {
      last = this.#last;
      await last;
    }
  }
}
