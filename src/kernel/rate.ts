/** "N/S" exactly: at most N takes in any window of S seconds, wherever the window begins. */

/** Remembers the last N takes; the next one has to be S seconds after the oldest of them. */
export class Rate {
  readonly count: number;
  readonly seconds: number;
  readonly #taken: Float64Array;
  #next = 0;
  #used = 0;

  /** `count` takes at most in any `seconds` seconds; both above zero. */
  constructor(count: number, seconds: number) {
    this.count = Math.max(1, Math.floor(count));
    this.seconds = seconds;
    this.#taken = new Float64Array(this.count);
  }

  /** Takes one and answers 0, or takes none and answers the milliseconds until one is allowed. `nowMs` is monotonic. */
  tryTake(nowMs: number): number {
    const wait = this.wait(nowMs);
    if (wait > 0) return wait;
    this.#taken[this.#next] = nowMs;
    this.#next = (this.#next + 1) % this.count;
    if (this.#used < this.count) this.#used++;
    return 0;
  }

  /** Milliseconds until a take is allowed; 0 = now. */
  wait(nowMs: number): number {
    if (this.#used < this.count) return 0;
    const oldest = this.#taken[this.#next] ?? 0;
    return Math.max(0, oldest + this.seconds * 1000 - nowMs);
  }

  /** Takes in the window that ends now. */
  used(nowMs: number): number {
    const since = nowMs - this.seconds * 1000;
    let n = 0;
    for (let i = 0; i < this.#used; i++) if ((this.#taken[i] ?? 0) > since) n++;
    return n;
  }
}
