/** Work that has a deadline and an owner: it gets a signal that ends with either. */
import { setMaxListeners } from 'node:events';
import type { Clock } from './clock.js';

/** The reason of a signal whose deadline came. */
export class DeadlineError extends Error {
  readonly ms: number;

  constructor(ms: number) {
    super(`not done within ${ms} ms`);
    this.name = 'DeadlineError';
    this.ms = ms;
  }
}

/** A signal that ends with its time or with its owner. */
export interface Deadline {
  /** Aborts with DeadlineError or with the owner's reason. Any number may listen. */
  readonly signal: AbortSignal;
  /** The work is done: no timer and no listener stays behind, and the signal stays as it is. */
  end(): void;
}

/** Opens a deadline `ms` milliseconds from now; whoever opens it has to end it. */
export function openDeadline(clock: Clock, ms: number, owner: AbortSignal | undefined): Deadline {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  const leave = (): void => abort(owner?.reason);
  const timer = clock.after(ms, () => abort(new DeadlineError(ms)));
  const end = (): void => {
    timer.cancel();
    owner?.removeEventListener('abort', leave);
  };
  const abort = (reason: unknown): void => {
    end();
    controller.abort(reason);
  };
  if (owner?.aborted) leave();
  else owner?.addEventListener('abort', leave, { once: true });
  return { signal: controller.signal, end };
}

/**
 * Runs `work` with a signal that aborts after `ms` milliseconds (reason: DeadlineError) or with the owner's signal (its reason),
 * and rejects with that reason at once, whether the work heeds its signal or not. The timer is gone when the work is done.
 */
export function withDeadline<T>(
  clock: Clock,
  ms: number,
  owner: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (owner?.aborted) return Promise.reject(owner.reason);
  const { signal, end } = openDeadline(clock, ms, owner);
  return new Promise((done, fail) => {
    signal.addEventListener('abort', () => fail(signal.reason), { once: true });
    work(signal).then(done, fail).finally(end);
  });
}
