/** When a client has been silent or slow for too long, and when to look again. Times are coarse monotonic milliseconds. */
import type { InboundValues } from '../../config/snapshot.js';

/** The coarse clock may be this late. */
export const SLACK_MS = 250;
/** A sender may fall behind min_data_rate by this long before it counts. */
const RATE_GRACE_SECONDS = 60;
const RATE_CHECK_MS = 10_000;

export interface Progress {
  /** Last input; octets of a command line count when it is complete, or its first ones. */
  readonly inputAt: number;
  /** The message that is coming in. */
  readonly content: { readonly startedAt: number; readonly size: number } | undefined;
  /** Octets of a chunk that was refused, which are thrown away. */
  readonly drained?: { readonly startedAt: number; readonly size: number } | undefined;
  /** It is us who keep the client waiting. */
  readonly resting: boolean;
}

export type Lateness = 'silent' | 'long' | 'slow';

/** What the client is late with, if anything. */
export function findLateness(
  { idle_time, data_timeout, min_data_rate }: InboundValues,
  progress: Progress,
  now: number,
): Lateness | undefined {
  const { inputAt, resting } = progress;
  const content = progress.content ?? progress.drained;
  if (idle_time > 0 && !resting && now - inputAt >= idle_time * 1000 + SLACK_MS) return 'silent';
  if (!content) return undefined;
  const seconds = (now - content.startedAt) / 1000;
  if (seconds >= data_timeout) return 'long';
  return min_data_rate > 0 && content.size < min_data_rate * (seconds - RATE_GRACE_SECONDS) ? 'slow' : undefined;
}

/** When `findLateness` is to be asked again; 0 = not before something else happens. */
export function nextLook(
  { idle_time, data_timeout }: InboundValues,
  { content, drained, inputAt, resting }: Progress,
  now: number,
): number {
  const idle = idle_time > 0 && !resting ? inputAt + idle_time * 1000 + SLACK_MS : 0;
  const startedAt = (content ?? drained)?.startedAt;
  if (startedAt === undefined) return idle;
  const look = Math.min(now + RATE_CHECK_MS, startedAt + data_timeout * 1000) + SLACK_MS;
  return idle > 0 ? Math.min(idle, look) : look;
}
