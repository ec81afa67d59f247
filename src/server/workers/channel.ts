/** A way for messages between two processes: the real one of child processes, and one in memory for tests. */
import type { ChildProcess } from 'node:child_process';
import type { Clock } from '../../kernel/clock.js';

/** A socket of the system that goes along with a message (libuv's handle, as node sends it). */
export type PassedHandle = object;

export interface Channel {
  /** Never throws; what is sent into a closed channel is lost. */
  send(message: unknown, handle?: PassedHandle): void;
  onMessage(take: (message: unknown, handle?: PassedHandle) => void): void;
  /** The other side is gone. */
  onClose(gone: () => void): void;
}

/** What both ends of node's own channel have. */
interface Speaker {
  readonly connected?: boolean;
  send?(message: unknown, handle: unknown, options: object, done: (error: Error | null) => void): boolean;
  on(event: 'message', take: (message: unknown, handle: unknown) => void): unknown;
  on(event: 'disconnect', gone: () => void): unknown;
}

/** The channel that node opened between a process and its child; the same code on both ends. */
export function processChannel(end: ChildProcess | NodeJS.Process): Channel {
  // The declarations of node differ between the two ends; what is used of them does not.
  const speaker = end as Speaker;
  return {
    send(message, handle) {
      if (!speaker.connected) return;
      // An error is the end of the other side, which `disconnect` tells as well.
      speaker.send?.(message, handle, {}, () => {});
    },
    onMessage(take) {
      speaker.on('message', (message, handle) => take(message, handle === undefined || handle === null ? undefined : Object(handle)));
    },
    onClose(gone) {
      speaker.on('disconnect', gone);
    },
  };
}

export interface MemoryChannel {
  readonly ends: readonly [Channel, Channel];
  /** As if one process had died: both sides are told, nothing that is under way arrives. */
  cut(): void;
}

/** Two ends in one process. A message arrives `delayMs` later, as a copy, in order. */
export function memoryChannel(clock: Clock, delayMs = 0): MemoryChannel {
  const takes: ((message: unknown) => void)[][] = [[], []];
  const gones: (() => void)[] = [];
  let open = true;
  const makeEnd = (own: 0 | 1): Channel => ({
    send(message) {
      if (!open) return;
      const copy: unknown = structuredClone(message);
      clock.after(delayMs, () => {
        if (open) for (const take of takes[1 - own] ?? []) take(copy);
      });
    },
    onMessage: (take) => void takes[own]?.push(take),
    onClose: (gone) => void gones.push(gone),
  });
  return {
    ends: [makeEnd(0), makeEnd(1)],
    cut() {
      if (!open) return;
      open = false;
      for (const gone of gones) gone();
    },
  };
}
