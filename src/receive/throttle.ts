/** inbound_throttle_messages: at most N messages in any S seconds, one budget for each scope that wrote the option. */
import type { Clock } from '../kernel/clock.js';
import { Rate } from '../kernel/rate.js';

/** A throttle with the scope it was written in. */
export interface ScopedThrottle {
  readonly count: number;
  readonly seconds: number;
  readonly scopeKey?: string;
}

export class Throttles {
  readonly #clock: Clock;
  readonly #rates = new Map<string, Rate>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes one from the budget; false when it is used up. No throttle always admits. */
  admits(throttle: ScopedThrottle | undefined): boolean {
    if (!throttle || throttle.count <= 0) return true;
    const key = `${throttle.scopeKey ?? 'global'} ${throttle.count}/${throttle.seconds}`;
    let rate = this.#rates.get(key);
    if (!rate) {
      rate = new Rate(throttle.count, throttle.seconds);
      this.#rates.set(key, rate);
    }
    return rate.tryTake(this.#clock.mono()) === 0;
  }
}
