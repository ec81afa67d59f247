/** Whether the spool can be written: what refuses mail, what stops deliveries, and who wants to know. */

export class Health {
  readonly #listeners: (() => void)[] = [];
  #accept: string | undefined;
  #outcome: string | undefined;
  #room: string | undefined;
  #behind = false;

  /** Why nothing may be accepted now. */
  get refusing(): string | undefined {
    return this.failing ?? (this.#behind ? 'the disk is behind' : undefined);
  }

  /** Why a write would be useless; a disk that is only behind still takes what is on its way. */
  get failing(): string | undefined {
    return this.#accept ?? this.#outcome ?? this.#room;
  }

  /** Why no delivery may start. */
  get blocked(): string | undefined {
    return this.#outcome;
  }

  get accept(): string | undefined {
    return this.#accept;
  }

  onChange(changed: () => void): void {
    this.#listeners.push(changed);
  }

  /** The accept log takes no writes, in words; undefined when it does. Answers whether that is news. */
  setAccept(trouble: string | undefined): boolean {
    return this.#change(() => void (this.#accept = trouble));
  }

  setOutcome(trouble: string | undefined): boolean {
    return this.#change(() => void (this.#outcome = trouble));
  }

  /** The reserve is not there. */
  setRoom(trouble: string | undefined): boolean {
    return this.#change(() => void (this.#room = trouble));
  }

  setBehind(behind: boolean): boolean {
    if (behind === this.#behind) return false;
    return this.#change(() => void (this.#behind = behind));
  }

  #change(set: () => void): boolean {
    const { refusing, blocked } = this;
    set();
    if (refusing === this.refusing && blocked === this.blocked) return false;
    for (const changed of this.#listeners) changed();
    return true;
  }
}
