/** Counters behind permits: slots in use, and exact rates. They know nothing of who waits. */
import { Rate } from '../kernel/rate.js';
import type { Limit } from '../module/permit.js';

export interface Counter {
  /** Milliseconds until one more may be taken: 0 = now, undefined = when a slot comes free. */
  wait(now: number): number | undefined;
  take(now: number): void;
  /** Gives back what a permit holds; a rate holds nothing. */
  release(): void;
  /** Adopts a changed limit. */
  adopt(limit: Limit, now: number): void;
  used(now: number): number;
  readonly limit: number;
}

export const makeCounter = (limit: Limit): Counter =>
  limit.kind === 'slots' ? new Slots(limit.limit) : new Pace(limit.count, limit.seconds);

class Slots implements Counter {
  #used = 0;
  limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  wait(): number | undefined {
    return this.#used < this.limit ? 0 : undefined;
  }

  take(): void {
    this.#used++;
  }

  release(): void {
    this.#used--;
  }

  adopt(limit: Limit): void {
    if (limit.kind === 'slots') this.limit = limit.limit;
  }

  used(): number {
    return this.#used;
  }
}

/** "N in any S seconds". */
class Pace implements Counter {
  #rate: Rate;
  /** A count below one allows nothing at all. */
  limit: number;

  constructor(count: number, seconds: number) {
    this.limit = Math.floor(count);
    this.#rate = new Rate(count, seconds);
  }

  wait(now: number): number | undefined {
    return this.limit < 1 ? undefined : this.#rate.wait(now);
  }

  take(now: number): void {
    this.#rate.tryTake(now);
  }

  release(): void {}

  /** What was taken under the old limit counts as taken now: too careful for one window, never too much. */
  adopt(limit: Limit, now: number): void {
    if (limit.kind !== 'rate' || (Math.floor(limit.count) === this.limit && limit.seconds === this.#rate.seconds)) return;
    const used = this.#rate.used(now);
    this.limit = Math.floor(limit.count);
    this.#rate = new Rate(limit.count, limit.seconds);
    for (let i = Math.min(used, this.limit); i > 0; i--) this.#rate.tryTake(now);
  }

  used(now: number): number {
    return this.#rate.used(now);
  }
}
