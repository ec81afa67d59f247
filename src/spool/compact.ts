/** Writes the live copies of a mostly dead segment again at the end of the log, then drops the segment. */
import { codeOf } from '../kernel/problems.js';
import type { Copy } from '../module/copy.js';
import { encodeReception, readPlace } from './reception-record.js';
import type { Segment } from './segment.js';
import type { SegmentSpool } from './segment-spool.js';

interface Moved {
  readonly ticket: number;
  readonly idHigh: number;
  readonly idLow: number;
  /** Where it was, and its number there. */
  readonly from: { readonly offset: number; readonly index: number };
  readonly index: number;
  readonly target: Segment;
  readonly offset: number;
}

/** Frames that are written at a time, so that a large segment does not fill the backlog. */
const AT_A_TIME = 64;

/** Throws what kept it from writing; what was moved until then counts at its new place. */
export async function compactSegment(spool: SegmentSpool, segment: Segment): Promise<void> {
  const moved: Moved[] = [];
  segment.moving = true;
  try {
    const byFrame = new Map<number, number[]>();
    for (const ticket of spool.ticketsOf(segment.number)) {
      const offset = spool.table.offset[ticket] as number;
      const list = byFrame.get(offset);
      if (list) list.push(ticket);
      else byFrame.set(offset, [ticket]);
    }
    const frames = [...byFrame];
    let trouble: unknown;
    for (let at = 0; at < frames.length && trouble === undefined; at += AT_A_TIME) {
      const group = frames.slice(at, at + AT_A_TIME).map(([offset, tickets]) => moveFrame(spool, segment, offset, tickets, moved));
      for (const result of await Promise.allSettled(group)) if (result.status === 'rejected') trouble ??= result.reason;
    }
    if (trouble !== undefined) throw trouble;
  } finally {
    segment.moving = false;
    adoptMoved(spool, segment, moved);
  }
}

/** Copies that cannot be read stay where they are. */
async function moveFrame(spool: SegmentSpool, segment: Segment, offset: number, tickets: readonly number[], moved: Moved[]): Promise<void> {
  const { table } = spool;
  let read: readonly Copy[];
  try {
    read = await spool.readFrame(segment.number, offset);
  } catch (error) {
    segment.stuck = true;
    spool.options.log('warning', `${tickets.length} messages stay in segment ${segment.number}, at ${offset}: ${codeOf(error)}`);
    return;
  }
  const copies: Copy[] = [];
  const mine: Omit<Moved, 'target' | 'offset'>[] = [];
  for (const ticket of tickets) {
    const index = table.index[ticket] as number;
    const source = read[index];
    if (!table.has(ticket) || table.segment[ticket] !== segment.number || table.offset[ticket] !== offset || !source) continue;
    source.attempts = table.attempts[ticket] as number;
    source.nextAttempt = table.next[ticket] as number;
    source.lastReply = spool.replies.at(table.reply[ticket] as number);
    source.place = { ...readPlace(spool.places.at(table.place[ticket] as number)), index: -1 };
    mine.push({
      ticket,
      idHigh: table.idHigh[ticket] as number,
      idLow: table.idLow[ticket] as number,
      from: { offset, index },
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
        target.pins += copies.length;
        for (const entry of mine) moved.push({ ...entry, target, offset: at });
      },
      done,
      failed: fail,
    }),
  );
}

/** In one turn: the table points to the new places, the log tells the new indexes and drops the old segment. */
function adoptMoved(spool: SegmentSpool, segment: Segment, moved: readonly Moved[]): void {
  const { table } = spool;
  const { records } = spool.outcomes;
  const targets = new Set<Segment>();
  for (const { ticket, idHigh, idLow, from, index, target, offset } of moved) {
    targets.add(target);
    target.pins--;
    const same =
      table.has(ticket) && table.segment[ticket] === segment.number && table.idHigh[ticket] === idHigh && table.idLow[ticket] === idLow;
    // A group that ends it, by where it lies, is on its way to the disk.
    if (!same || spool.replacing.has(ticket)) continue;
    // Needless when the segment goes as a whole, which is told below in the same record.
    records.gone(segment.number, from.offset, from.index);
    table.segment[ticket] = target.number;
    table.offset[ticket] = offset;
    table.index[ticket] = index;
    segment.live--;
    target.live++;
  }
  // The index says what is alive, with its newest state; copies that ended meanwhile are simply not in it.
  for (const target of targets) {
    if (target.sealed && target.live === 0 && target.pins === 0) spool.dropSegment(target);
    else spool.indexSegment(target, records, spool.ticketsOf(target.number));
  }
  spool.outcomes.touch();
  if (segment.live === 0) spool.dropSegment(segment);
}
