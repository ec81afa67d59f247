/** Counters behind permits: slots in use, and exact rates. They know nothing of who waits. */
import { Rate } from '../kernel/rate.js';
import type { Limit } from '../module/permit.js';

export interface Counter {
  /** Milliseconds until one more may be taken: 0 = now, undefined = when a slot comes free. */
  wait(now: number): number | undefined;
  take(now: number): void;
  /** A permit holds what was taken until it is released. False for a rate that is spent when it is taken. */
  readonly holds: boolean;
  /** Gives back what a permit holds; what was lent of a rate is spent now. */
  release(now: number): void;
  /** Takes back what was lent of a rate and never used. */
  refund(): void;
  /** Adopts a changed limit. */
  adopt(limit: Limit, now: number): void;
  used(now: number): number;
  readonly limit: number;
}

export const makeCounter = (limit: Limit): Counter =>
  limit.kind === 'slots' ? new Slots(limit.limit) : new Pace(limit.count, limit.seconds);

/** Counters for permits that are lent to other processes: these use them later, and say so later still. */
export const makeLentCounter = (limit: Limit): Counter =>
  limit.kind === 'slots' ? new Slots(limit.limit) : new LentPace(limit.count, limit.seconds);

class Slots implements Counter {
  readonly holds = true;
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

  refund(): void {
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
  readonly holds: boolean = false;
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

  release(_now: number): void {}

  refund(): void {}

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

  /** Milliseconds until the oldest take leaves the window; undefined when there is none. */
  protected untilOldestLeaves(now: number): number | undefined {
    return this.#rate.untilOldestLeaves(now);
  }
}

/**
 * "N in any S seconds" when takes are lent. A take that is lent counts as if it were used now, for as long as it is out; it is
 * dated when its use is told, which is never before the use: no window can hold more than N uses.
 */
class LentPace extends Pace {
  override readonly holds = true;
  #out = 0;

  override wait(now: number): number | undefined {
    if (this.limit < 1) return undefined;
    return this.used(now) < this.limit ? 0 : this.untilOldestLeaves(now);
  }

  override take(): void {
    this.#out++;
  }

  override release(now: number): void {
    this.#out--;
    super.take(now);
  }

  override refund(): void {
    this.#out--;
  }

  override used(now: number): number {
    return super.used(now) + this.#out;
  }
}
