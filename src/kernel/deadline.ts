/** Work that has a deadline and an owner: it gets a signal that ends with either. */
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
  return new Promise((done, fail) => {
    const controller = new AbortController();
    const end = (reason: unknown): void => {
      release();
      controller.abort(reason);
      fail(reason);
    };
    const leave = (): void => end(owner?.reason);
    const timer = clock.after(ms, () => end(new DeadlineError(ms)));
    const release = (): void => {
      timer.cancel();
      owner?.removeEventListener('abort', leave);
    };
    owner?.addEventListener('abort', leave, { once: true });
    work(controller.signal).then(
      (result) => {
        release();
        done(result);
      },
      (error: unknown) => {
        release();
        fail(error);
      },
    );
  });
}
