/** Writes into the outcome log what is alive in a segment, a slice a turn: from then on a start need not read the segment. */
import path from 'node:path';
import { type Live, sliceLive } from './live-tickets.js';
import { breathe } from './scan.js';
import type { Segment } from './segment.js';

/** What a checkpoint tells waits for the disk now and then: a megabyte is on its way at most. */
const SLICES_A_SYNC = 32;

/** Rejects when the disk fails. `isOver` ends the work early; what was written until then holds. */
export async function indexSegment(segment: Segment, live: Live | undefined, isOver: () => boolean): Promise<void> {
  if (!live) return;
  const { stock, outcomes } = segment.part;
  const { table } = stock;
  let nth = 0;
  for (const { from, to, tickets } of sliceLive(segment, live)) {
    if (segment.dropped || segment.pinned || isOver()) return;
    const entries = [];
    for (const ticket of tickets) {
      // Meanwhile it may have ended, and its ticket may be somebody else's.
      const offset = table.offset[ticket] as number;
      if (!table.has(ticket) || table.slot[ticket] !== segment.slot || offset < from || offset >= to) continue;
      const about = stock.describe(ticket);
      entries.push(about.file === undefined ? about : { ...about, file: path.basename(about.file) });
    }
    outcomes.records.index(segment.number, from, to, entries);
    outcomes.touch();
    await (++nth % SLICES_A_SYNC === 0 ? outcomes.sync() : breathe());
  }
}
