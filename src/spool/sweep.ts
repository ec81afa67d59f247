/** One record about all messages of a place: what it says, whom it concerns, and how it stands against other records. */
import type { PlaceParts } from '../module/place.js';
import type { IndexEntry } from './outcome-tags.js';
import { readPlace } from './place-names.js';

/** The end of a part's accept log: what was accepted before it lies in an older segment, or in front of the offset. */
export interface LogEnd {
  readonly segment: number;
  readonly offset: number;
}

/** From now on all messages there have this next attempt and this last reply. */
export interface Sweep {
  /** Concerned is what was accepted before. */
  readonly end: LogEnd;
  readonly where: PlaceParts;
  /** Wall milliseconds, or a mark of the queue. */
  readonly next: number;
  readonly reply: string;
}

/** Whether a place, as place-names.ts joins it, is one of those that are meant. */
export function isThere({ group, binding, domain }: PlaceParts, place: string): boolean {
  const names = readPlace(place);
  return (
    (group === undefined || names.group === group) &&
    (binding === undefined || names.binding === binding) &&
    (domain === undefined || names.domain === domain)
  );
}

/** Whether what lies there was accepted before the sweep. */
export const isBefore = ({ end }: Sweep, segment: number, offset: number): boolean =>
  segment < end.segment || (segment === end.segment && offset < end.offset);

/** A message that recovery tells only now, with the sweeps that came meanwhile. */
export function applyLate(entry: IndexEntry, segment: number, sweeps: readonly Sweep[]): IndexEntry {
  let swept = entry;
  for (const sweep of sweeps) {
    if (isBefore(sweep, segment, entry.offset) && isThere(sweep.where, entry.place))
      swept = { ...swept, next: sweep.next, reply: sweep.reply };
  }
  return swept;
}
