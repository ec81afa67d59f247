/** The words in which workers lease permits from the supervisor. */
import type { Limit } from '../../module/permit.js';

/** From a worker. Ids are the worker's own. */
export type LeaseAsk =
  /** All of these or none. One that `stands` waits in line; the others are told at once what is short. */
  | { readonly do: 'want'; readonly id: number; readonly limits: readonly Limit[]; readonly stands: boolean }
  /** Nobody waits for it any more. */
  | { readonly do: 'cancel'; readonly id: number }
  /** Takes of a rate: so many were used, so many never will be. */
  | { readonly do: 'settle'; readonly id: number; readonly used: number; readonly unused: number }
  /** The slots are free again. */
  | { readonly do: 'back'; readonly id: number };

/** From the supervisor. */
export type LeaseAnswer =
  /** `takes`: how many times each rate of the list may be used. */
  | { readonly do: 'grant'; readonly id: number; readonly takes: number }
  /** The counter that was full; `room` follows when it no longer is. */
  | { readonly do: 'short'; readonly id: number; readonly key: string; readonly waitMs: number | undefined }
  | { readonly do: 'room'; readonly key: string }
  /** Another worker waits for a slot of this counter, or none does any more. */
  | { readonly do: 'wanted'; readonly key: string; readonly elsewhere: boolean };

/** Takes of a rate are leased for at most this long, and at most for what the rate allows in this time. */
export const SLICE_MS = 100;

export const isRateOnly = (limits: readonly Limit[]): boolean => limits.every(({ kind }) => kind === 'rate');
