/** Numbers by where a copy lies (offset of its frame, number in the frame): open addressing in typed arrays, 12 octets a slot. */

const FIRST = 64;

/** Offset and number in the frame as one number. */
export const spotKey = (offset: number, index: number): number => offset * 0x10000 + index;

export class SpotIndex {
  #keys = new Float64Array(FIRST).fill(-1);
  #values = new Uint32Array(FIRST);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  set(key: number, value: number): void {
    let at = this.#find(key);
    if (this.#keys[at] !== key) {
      if ((this.#size + 1) * 2 > this.#keys.length) {
        this.#grow();
        at = this.#find(key);
      }
      this.#keys[at] = key;
      this.#size++;
    }
    this.#values[at] = value;
  }

  /** The number, or undefined. */
  at(key: number): number | undefined {
    const at = this.#find(key);
    return this.#keys[at] === key ? this.#values[at] : undefined;
  }

  has(key: number): boolean {
    return this.#size > 0 && this.#keys[this.#find(key)] === key;
  }

  /** The slot of a key, or the free one where it would go. */
  #find(key: number): number {
    const mask = this.#keys.length - 1;
    // Fibonacci hashing of both halves: offsets are regular, which a plain mask would pile up.
    let at = (Math.imul((key / 0x10000) | 0, 0x9e3779b1) ^ Math.imul(key & 0xffff, 0x85ebca6b)) >>> 7;
    for (at &= mask; ; at = (at + 1) & mask) {
      const found = this.#keys[at] as number;
      if (found === key || found === -1) return at;
    }
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#keys = new Float64Array(keys.length * 2).fill(-1);
    this.#values = new Uint32Array(keys.length * 2);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as number;
      if (key === -1) continue;
      const at = this.#find(key);
      this.#keys[at] = key;
      this.#values[at] = values[i] as number;
    }
  }
}
