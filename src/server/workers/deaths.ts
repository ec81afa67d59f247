/** What follows when a worker dies: how soon it is started anew, and when it is no longer trusted. Pure. */
import { backoffMs } from '../../kernel/backoff.js';

const FIRST_MS = 100;
const MOST_MS = 10_000;
/** So many deaths in this time are no accident. */
const MANY = 3;
const WINDOW_MS = 60_000;

export interface Consequence {
  /** Until it is started anew. */
  readonly delayMs: number;
  /** Its mail goes one message at a time. */
  readonly onProbation: boolean;
}

/** The deaths of the workers of one number. */
export class Deaths {
  #times: number[] = [];
  #onProbation = false;

  /** It died at a monotonic time. */
  count(nowMs: number): Consequence {
    this.#times = this.#times.filter((time) => nowMs - time < WINDOW_MS);
    this.#times.push(nowMs);
    if (this.#times.length >= MANY) this.#onProbation = true;
    return {
      delayMs: backoffMs(this.#times.length, { firstMs: FIRST_MS, mostMs: MOST_MS, spread: 0 }, 0),
      onProbation: this.#onProbation,
    };
  }

  get onProbation(): boolean {
    return this.#onProbation;
  }

  /** Ends the probation when no death was counted for a while; says whether it did. */
  forgive(nowMs: number): boolean {
    const last = this.#times.at(-1) ?? Number.NEGATIVE_INFINITY;
    if (!this.#onProbation || nowMs - last < WINDOW_MS) return false;
    this.#onProbation = false;
    return true;
  }
}
