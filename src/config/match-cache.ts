/** A bounded memory of answers in two generations: when the young one is full it becomes the old one, and the old one is forgotten. */

/** At most `entries` answers; the ones not asked for lately go first. */
export class MatchCache<V> {
  readonly #half: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();

  constructor(entries: number) {
    this.#half = Math.max(1, Math.ceil(entries / 2));
  }

  recall(key: string): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.remember(key, old);
    return old;
  }

  remember(key: string, value: V): void {
    if (this.#young.size >= this.#half) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }
}
