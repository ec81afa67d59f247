/** Waiting for what a daemon under test still has to do, by what it says of itself. */
import type { Daemon } from '../harness/daemon.js';

/** The part of `json summary` that tests look at. */
export interface Summary {
  readonly queued: number;
  readonly activeQueueSize: number;
  readonly delayedQueueSize: number;
  readonly loadingPercent: number;
  readonly spoolDiskBytes: number;
}

export const summaryOf = async (daemon: Daemon): Promise<Summary> => (await daemon.consoleJson('summary')) as Summary;

/** Waits until old mail is loaded, then flushes everything until nothing waits. */
export async function drain(daemon: Daemon, timeoutMs = 60_000, flushEveryMs = 500): Promise<void> {
  let flushed = 0;
  await daemon.waitFor(
    'empty queue',
    async () => {
      const { loadingPercent, queued } = await summaryOf(daemon);
      if (loadingPercent < 100) return false;
      if (queued === 0) return true;
      if (performance.now() - flushed > flushEveryMs) {
        await daemon.console('flush domain all');
        flushed = performance.now();
      }
      return false;
    },
    timeoutMs,
  );
}
