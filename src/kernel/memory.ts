/** How much of the memory that this process may have is in use. */
import os from 'node:os';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Octets this process may use before somebody ends it: the limit of its control group, or what the machine has. */
export function memoryLimitBytes(): number {
  const constrained = process.constrainedMemory?.() ?? 0;
  const total = os.totalmem();
  return constrained > 0 && constrained < total ? constrained : total;
}

/**
 * The share in use, 0 to 1: of the limit divided among `processes`, or of V8's own limit for its heap, whichever is tighter. Buffers
 * lie outside the heap, so neither figure alone tells.
 */
export function readMemoryShare(processes = 1): number {
  const { used_heap_size: used, heap_size_limit: most } = getHeapStatistics();
  return Math.max(process.memoryUsage.rss() / (memoryLimitBytes() / processes), used / most);
}

/**
 * Collects what a long piece of work left behind: V8 by itself waits until as much again has been made, and keeps that memory. Takes
 * some ten milliseconds, more where much is alive; meant for the end of a start.
 */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') return;
  // Without options: asked for `type: 'major'` V8 of Node 20 leaves half of a big start where it is (measured: 380 MiB, and 276 so).
  collect();
  // Only a collection of what is young makes the room for it small again: after a long start it is at its largest.
  collect({ type: 'minor', execution: 'sync' });
  collect({ type: 'minor', execution: 'sync' });
  // What the first one emptied is given back by the second.
  collect();
}
