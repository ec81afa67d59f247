/** "N/S" exactly: at most N takes in any window of S seconds, wherever the window begins. */

const FIRST_SLOTS = 8;

/** Remembers the takes of the last S seconds, N at most; memory follows what was taken, 8 bytes a take. */
export class Rate {
  readonly count: number;
  readonly seconds: number;
  /** Times of takes, a ring: the oldest stands at `#oldest`. */
  #taken: Float64Array;
  #oldest = 0;
  #used = 0;

  /** `count` takes at most in any `seconds` seconds; both above zero. */
  constructor(count: number, seconds: number) {
    this.count = Math.max(1, Math.floor(count));
    this.seconds = seconds;
    this.#taken = new Float64Array(Math.min(this.count, FIRST_SLOTS));
  }

  /** Takes one and answers 0, or takes none and answers the milliseconds until one is allowed. `nowMs` is monotonic. */
  tryTake(nowMs: number): number {
    const wait = this.wait(nowMs);
    if (wait > 0) return wait;
    if (this.#used === this.#taken.length) {
      if (this.#isOver(this.#taken[this.#oldest] ?? 0, nowMs)) this.#dropOldest();
      else this.#grow();
    }
    this.#taken[(this.#oldest + this.#used) % this.#taken.length] = nowMs;
    this.#used++;
    return 0;
  }

  /** Milliseconds until a take is allowed; 0 = now. */
  wait(nowMs: number): number {
    if (this.#used < this.count) return 0;
    return Math.max(0, (this.#taken[this.#oldest] ?? 0) + this.seconds * 1000 - nowMs);
  }

  /** Takes in the window that ends now. */
  used(nowMs: number): number {
    return this.#used - this.#over(nowMs);
  }

  /** Milliseconds until the oldest take in the window leaves it; undefined when the window is empty. */
  untilOldestLeaves(nowMs: number): number | undefined {
    const over = this.#over(nowMs);
    if (over === this.#used) return undefined;
    return (this.#taken[(this.#oldest + over) % this.#taken.length] ?? 0) + this.seconds * 1000 - nowMs;
  }

  /** How many of the remembered takes have left the window. */
  #over(nowMs: number): number {
    let low = 0;
    let high = this.#used;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#isOver(this.#taken[(this.#oldest + middle) % this.#taken.length] ?? 0, nowMs)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The same arithmetic as in `wait`, so that both always agree. */
  #isOver(takenMs: number, nowMs: number): boolean {
    return takenMs + this.seconds * 1000 - nowMs <= 0;
  }

  #dropOldest(): void {
    this.#oldest = (this.#oldest + 1) % this.#taken.length;
    this.#used--;
  }

  #grow(): void {
    const wider = new Float64Array(Math.min(this.count, this.#taken.length * 2));
    for (let i = 0; i < this.#used; i++) wider[i] = this.#taken[(this.#oldest + i) % this.#taken.length] ?? 0;
    this.#taken = wider;
    this.#oldest = 0;
  }
}
