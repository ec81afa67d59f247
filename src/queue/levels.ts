/** Priorities other than 0, and where each level ends on the lists of due mail that has one; nothing is made before the first such mail. */

/** Levels of one sign (RFC 6710: -9 to -1, 1 to 9). */
const MOST = 9;

/** End of a list. */
export const NOBODY = 0xffff_ffff;

export class Levels {
  #levels: Int8Array | undefined;
  /** By list: the last ticket of each level, by its distance from 0. */
  readonly #ends = new Map<number, Uint32Array>();

  /** Bytes that the table takes. */
  get bytes(): number {
    return this.#levels?.length ?? 0;
  }

  /** Priority of a ticket that was given one. */
  of(ticket: number): number {
    return this.#levels?.[ticket] ?? 0;
  }

  /** Gives a ticket, below `capacity`, its priority. */
  set(ticket: number, level: number, capacity: number): void {
    if (!this.#levels || this.#levels.length < capacity) {
      const old = this.#levels;
      this.#levels = new Int8Array(capacity);
      if (old) this.#levels.set(old);
    }
    this.#levels[ticket] = level;
  }

  /** The last ticket of this level on a list. */
  end(key: number, level: number): number {
    return this.#ends.get(key)?.[Math.abs(level) - 1] ?? NOBODY;
  }

  /** The last ticket of all that go before this level on a list. */
  endBefore(key: number, level: number): number {
    const ends = this.#ends.get(key);
    if (!ends) return NOBODY;
    const distance = Math.abs(level);
    // On the list of positive levels the greater distance goes first, on the other the smaller.
    for (let d = level > 0 ? distance + 1 : distance - 1; d >= 1 && d <= MOST; d += level > 0 ? 1 : -1) {
      const end = ends[d - 1] as number;
      if (end !== NOBODY) return end;
    }
    return NOBODY;
  }

  /** A ticket was linked in between two others. */
  link(key: number, ticket: number, next: number): void {
    const level = this.of(ticket);
    if (next !== NOBODY && this.of(next) === level) return;
    let ends = this.#ends.get(key);
    if (!ends) {
      ends = new Uint32Array(MOST).fill(NOBODY);
      this.#ends.set(key, ends);
    }
    ends[Math.abs(level) - 1] = ticket;
  }

  /** A ticket that stood between two others was taken out. */
  unlink(key: number, ticket: number, prev: number, next: number): void {
    if (prev === NOBODY && next === NOBODY) {
      this.#ends.delete(key);
      return;
    }
    const level = this.of(ticket);
    const ends = this.#ends.get(key);
    if (ends?.[Math.abs(level) - 1] === ticket) ends[Math.abs(level) - 1] = prev !== NOBODY && this.of(prev) === level ? prev : NOBODY;
  }
}
