/**
 * Wall time of records against monotonic time in memory. Waiting and ages run on the monotonic clock, so a step of the wall clock
 * makes nothing due and nothing old; it only moves the times that are written and shown.
 */
import type { Clock } from '../kernel/clock.js';

/** The two clocks may part by this much before they are tied together anew. */
const STEP_MS = 2000;
/** Beyond this a step is no correction: somebody set the clock, and no age is believed for a while. */
const LARGE_STEP_MS = 60_000;
/** How long expiry rests after a large step. */
const REST_MS = 600_000;

export class Anchor {
  readonly #clock: Clock;
  /** Wall time when the monotonic clock stood at 0. */
  #offset: number;
  #restsUntil = Number.NEGATIVE_INFINITY;
  #steps = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#offset = clock.now() - clock.mono();
  }

  /** Reads the monotonic clock and ties the clocks together anew if they parted. */
  mono(): number {
    const mono = this.#clock.mono();
    const offset = this.#clock.now() - mono;
    const step = Math.abs(offset - this.#offset);
    if (step > STEP_MS) {
      this.#offset = offset;
      this.#steps++;
      if (step > LARGE_STEP_MS) this.#restsUntil = mono + REST_MS;
    }
    return mono;
  }

  /** Wall milliseconds of a monotonic time. */
  wallOf(mono: number): number {
    return Math.round(mono + this.#offset);
  }

  /** Monotonic milliseconds of a wall time. */
  monoOf(wall: number): number {
    return wall - this.#offset;
  }

  /** No mail may expire now: the wall clock was set a moment ago. */
  expiryRests(mono: number): boolean {
    return mono < this.#restsUntil;
  }

  /** How often the clocks were tied together anew. */
  get steps(): number {
    return this.#steps;
  }
}
