/** A handler at its place in a chain, with what it may cost and what it has cost so far. */
import type { Hook, Order, Where } from './hook.js';
import type { Verdict } from './verdict.js';

export interface Placed {
  readonly owner: string;
  readonly instance: string;
  readonly hook: Hook;
  readonly order: Order;
  readonly where: Where;
  readonly run: (...args: readonly unknown[]) => unknown;
  /** A handler that runs in one process only: how the others name it, and what it does. */
  readonly once?: { readonly key: string; readonly run: (...args: readonly unknown[]) => unknown };
  /** Answer when the handler throws, is late or answers nonsense; undefined goes on (the operator asked for it). */
  readonly onError: Verdict;
  /** The handler's own time in milliseconds. */
  readonly limitMs: number;
  /** Context key that switches the handler off for one connection. */
  readonly bypass: string;
  calls: number;
  errors: number;
  readonly latency: Latency;
}

const KEPT = 128;

/** The last few sampled durations in microseconds; asked for percentiles by the console only. */
export class Latency {
  readonly #samples = new Float64Array(KEPT);
  #count = 0;

  add(microseconds: number): void {
    this.#samples[this.#count++ % KEPT] = microseconds;
  }

  /** The share `p` (0..1) of samples is at most this many microseconds; undefined before the first sample. */
  percentile(p: number): number | undefined {
    const n = Math.min(this.#count, KEPT);
    if (n === 0) return undefined;
    const sorted = this.#samples.slice(0, n).sort();
    return sorted[Math.min(n - 1, Math.floor(p * n))];
  }
}

/** One call in this many is timed. */
export const SAMPLE_EVERY = 64;
