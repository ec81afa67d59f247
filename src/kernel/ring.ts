/** A first-in-first-out queue that grows as needed and takes from its front without moving anything. */

const LEAST_SLOTS = 8;

export class Ring<T> {
  #slots: (T | undefined)[] = new Array<T | undefined>(LEAST_SLOTS);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Puts one behind the last. */
  push(item: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = item;
    this.#length++;
  }

  /** Puts one before the first. */
  unshift(item: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#head = (this.#head - 1) & (this.#slots.length - 1);
    this.#slots[this.#head] = item;
    this.#length++;
  }

  /** Takes the first; undefined when there is none. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#length--;
    // A burst long ago must not hold its memory for ever.
    if (this.#length === 0 && this.#slots.length > 1024) this.clear();
    return item;
  }

  /** The item `index` places behind the first, without taking it. */
  at(index: number): T | undefined {
    return index < 0 || index >= this.#length ? undefined : this.#slots[(this.#head + index) & (this.#slots.length - 1)];
  }

  clear(): void {
    this.#slots = new Array<T | undefined>(LEAST_SLOTS);
    this.#head = 0;
    this.#length = 0;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = 0; i < this.#length; i++) yield this.#slots[(this.#head + i) & (this.#slots.length - 1)] as T;
  }

  #grow(): void {
    const wider = new Array<T | undefined>(this.#slots.length * 2);
    for (let i = 0; i < this.#length; i++) wider[i] = this.#slots[(this.#head + i) & (this.#slots.length - 1)];
    this.#slots = wider;
    this.#head = 0;
  }
}
