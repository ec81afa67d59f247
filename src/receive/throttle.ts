/** inbound_throttle_messages: at most N messages in any S seconds, one budget for each scope that wrote the option. */
import type { Clock } from '../kernel/clock.js';
import { Rate } from '../kernel/rate.js';
import type { Limit } from '../module/permit.js';

/** As the option has it. */
export type Throttle = { readonly count: number; readonly seconds: number } | 'none' | undefined;

export class Throttles {
  readonly #clock: Clock;
  readonly #joint: ((limit: Limit) => Promise<boolean>) | undefined;
  readonly #rates = new Map<string, Rate>();

  /** `joint` takes one from a budget of all processes. */
  constructor(clock: Clock, joint?: (limit: Limit) => Promise<boolean>) {
    this.#clock = clock;
    this.#joint = joint;
  }

  /**
   * Takes one from the budget; false when it is used up. No throttle always admits. `scope` names the budget and is only asked for
   * when there is one. Where budgets are shared with other processes the answer comes later.
   */
  admits(throttle: Throttle, scope: () => string): boolean | Promise<boolean> {
    if (throttle === undefined || throttle === 'none' || throttle.count <= 0) return true;
    const key = `${scope()} ${throttle.count}/${throttle.seconds}`;
    if (this.#joint) return this.#joint({ kind: 'rate', key: `rate/inbound/${key}`, ...throttle });
    let rate = this.#rates.get(key);
    if (!rate) {
      rate = new Rate(throttle.count, throttle.seconds);
      this.#rates.set(key, rate);
    }
    return rate.tryTake(this.#clock.mono()) === 0;
  }
}
