/** Time as a thing that is handed in: wall time for records, monotonic time for waiting, and timers that a test can turn by hand. */

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall time in milliseconds since the epoch; may jump. */
  now(): number;
  /** Milliseconds that never go backwards; only differences mean anything. */
  mono(): number;
  /** Runs `task` once, `ms` milliseconds from now. A pending timer does not keep the process alive. */
  after(ms: number, task: () => void): Timer;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  mono: () => performance.now(),
  after(ms, task) {
    const handle = setTimeout(task, ms);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Ends after `ms` milliseconds, or at once with the signal's reason when the signal is aborted. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((done, fail) => {
    if (signal?.aborted) return fail(signal.reason);
    const stop = () => {
      timer.cancel();
      fail(signal?.reason);
    };
    const timer = clock.after(ms, () => {
      signal?.removeEventListener('abort', stop);
      done();
    });
    signal?.addEventListener('abort', stop, { once: true });
  });
}
