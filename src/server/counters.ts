/** What the daemon counts for `summary` and for modules, since its start or the last reset. */
import type { Clock } from '../kernel/clock.js';
import type { Plan } from '../module/plan.js';
import { innerPlan } from './inner-plan.js';

/** Totals of one binding. */
export interface BindingCounts {
  received: number;
  delivered: number;
  deferred: number;
  failed: number;
}

export class Counters {
  readonly #clock: Clock;
  readonly #byBinding = new Map<string, BindingCounts>();
  readonly #named = new Map<string, number>();
  received = 0;
  delivered = 0;
  deferred = 0;
  failed = 0;
  rejected = 0;
  resetAt: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.resetAt = clock.now();
  }

  /** Counts for one binding, too. */
  count(binding: string, what: keyof BindingCounts): void {
    this[what]++;
    let counts = this.#byBinding.get(binding);
    if (!counts) {
      counts = { received: 0, delivered: 0, deferred: 0, failed: 0 };
      this.#byBinding.set(binding, counts);
    }
    counts[what]++;
  }

  byBinding(): ReadonlyMap<string, BindingCounts> {
    return this.#byBinding;
  }

  /** Adds one to a counter of a module. */
  add(name: string, labels: Readonly<Record<string, string>>): void {
    const words = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
    const key = words.length === 0 ? name : `${name}{${words.join(',')}}`;
    this.#named.set(key, (this.#named.get(key) ?? 0) + 1);
  }

  named(): ReadonlyMap<string, number> {
    return this.#named;
  }

  reset(): void {
    this.received = this.delivered = this.deferred = this.failed = this.rejected = 0;
    this.#named.clear();
    this.#byBinding.clear();
    this.resetAt = this.#clock.now();
  }
}

/** The core listens like any module does. */
export const COUNTING = 'core_counters';

/** The plan of the instance that counts. */
export const countingPlan = (counters: Counters): Plan =>
  innerPlan(COUNTING, 'Counts for the summary.', (ctx) => {
    ctx.on('received', (mail) => counters.count(mail.place.binding, 'received'));
    ctx.on('delivered', ({ place }) => counters.count(place.binding, 'delivered'));
    ctx.on('deferred', ({ place }) => counters.count(place.binding, 'deferred'));
    ctx.on('failed', ({ place }) => counters.count(place.binding, 'failed'));
    ctx.on('rejected', () => void counters.rejected++);
  });
