/** Writes the live copies of a mostly dead segment again at the end of the log, then drops the segment. */
import type { Copy } from '../module/copy.js';
import { encodeReception, readPlace } from './reception-record.js';
import type { Segment } from './segment.js';
import type { SegmentSpool } from './segment-spool.js';

interface Moved {
  readonly ticket: number;
  readonly idHigh: number;
  readonly idLow: number;
  readonly attempts: number;
  readonly next: number;
  readonly place: number;
  segment: number;
  offset: number;
  index: number;
}

/** Frames that are written at a time, so that a large segment does not fill the backlog. */
const AT_A_TIME = 64;

export async function compactSegment(spool: SegmentSpool, segment: Segment): Promise<void> {
  segment.moving = true;
  try {
    const byFrame = new Map<number, number[]>();
    for (const ticket of spool.ticketsOf(segment.number)) {
      const offset = spool.table.offset[ticket] as number;
      const list = byFrame.get(offset);
      if (list) list.push(ticket);
      else byFrame.set(offset, [ticket]);
    }
    const moved: Moved[] = [];
    let group: Promise<void>[] = [];
    for (const [offset, tickets] of byFrame) {
      group.push(moveFrame(spool, segment, offset, tickets, moved));
      if (group.length < AT_A_TIME) continue;
      await Promise.all(group);
      group = [];
    }
    await Promise.all(group);
    while (!spool.settled) await new Promise<void>((done) => setImmediate(done));
    adoptMoved(spool, segment, moved);
  } finally {
    segment.moving = false;
  }
}

async function moveFrame(spool: SegmentSpool, segment: Segment, offset: number, tickets: readonly number[], moved: Moved[]): Promise<void> {
  const { table } = spool;
  const read = await spool.readFrame(segment.number, offset);
  const copies: Copy[] = [];
  const mine: Moved[] = [];
  for (const ticket of tickets) {
    const source = read[table.index[ticket] as number];
    if (!table.has(ticket) || table.segment[ticket] !== segment.number || !source) continue;
    source.attempts = table.attempts[ticket] as number;
    source.nextAttempt = table.next[ticket] as number;
    source.lastReply = spool.replies.at(table.reply[ticket] as number);
    source.place = { ...readPlace(spool.places.at(table.place[ticket] as number)), index: -1 };
    mine.push({
      ticket,
      idHigh: table.idHigh[ticket] as number,
      idLow: table.idLow[ticket] as number,
      attempts: source.attempts,
      next: source.nextAttempt,
      place: table.place[ticket] as number,
      segment: 0,
      offset: 0,
      index: copies.length,
    });
    copies.push(source);
  }
  if (copies.length === 0) return;
  const record = encodeReception(copies, { movedFrom: segment.number });
  await new Promise<void>((done, fail) =>
    spool.accepts.append({
      record,
      placed: (target, at) => {
        target.copies += copies.length;
        for (const entry of mine) {
          entry.segment = target.number;
          entry.offset = at;
          moved.push(entry);
        }
      },
      done,
      failed: fail,
    }),
  );
}

/** In one turn: the table points to the new places, the log tells the new indexes and drops the old segment. */
function adoptMoved(spool: SegmentSpool, segment: Segment, moved: readonly Moved[]): void {
  const { table } = spool;
  const targets = new Set<number>();
  for (const entry of moved) {
    targets.add(entry.segment);
    const { ticket } = entry;
    const same =
      table.has(ticket) &&
      table.segment[ticket] === segment.number &&
      table.idHigh[ticket] === entry.idHigh &&
      table.idLow[ticket] === entry.idLow;
    if (!same) continue;
    table.segment[ticket] = entry.segment;
    table.offset[ticket] = entry.offset;
    table.index[ticket] = entry.index;
    segment.live--;
    const target = spool.segments.get(entry.segment);
    if (target) target.live++;
  }
  const tickets = spool.ticketsBySegment();
  // The index says what is alive, with its newest state; copies that ended meanwhile are simply not in it.
  for (const number of targets) {
    const target = spool.segments.get(number);
    if (!target) continue;
    spool.indexSegment(target, spool.outcomes.records, tickets.get(number) ?? []);
    if (target.sealed && target.live === 0) spool.dropSegment(target);
  }
  spool.outcomes.touch();
  if (segment.live === 0) spool.dropSegment(segment);
}
