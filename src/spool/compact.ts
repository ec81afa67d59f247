/**
 * Writes the live copies of a mostly dead segment again at the end of the log, then drops the segment. The copies count where they came
 * from until the outcome log says that the segment is dropped. Mail in flight may move: a reader keeps the old file open.
 */
import { FRAME_HEAD, lengthOf } from './frame.js';
import { listLive, sliceLive } from './live-tickets.js';
import { acceptName } from './log-names.js';
import type { Entry } from './pending-write.js';
import { wordsFor } from './problems.js';
import { type ReadFrame, readFrame } from './read-frame.js';
import { viewReception } from './reception-view.js';
import { type KeptCopy, rewriteReception } from './rewrite-reception.js';
import { breathe } from './scan.js';
import type { Segment } from './segment.js';

/** A copy that was written elsewhere. */
interface Moved extends KeptCopy {
  readonly ticket: number;
  readonly idHigh: number;
  readonly idLow: number;
  readonly target: Segment;
  readonly offset: number;
  readonly at: number;
  readonly weight: number;
}

/** Frames that are written at a time: reception shares the disk with them. */
const AT_A_TIME = 32;
/** Copies that are taken over before the loop gets its turn: about two milliseconds. */
const TAKEN_OVER = 1000;

/**
 * `isOver` ends the work early. Rejects when the disk fails. Whenever it does not come to its end everything stays where it was: copies that
 * were written in vain are told to be gone, or they would come to life when the segment is dropped some later time.
 */
export async function compactSegment(segment: Segment, isOver: () => boolean): Promise<void> {
  const moved: Moved[] = [];
  /** How many came into each segment. */
  const arrived = new Map<Segment, number>();
  let adopted = false;
  try {
    const live = (await listLive(segment.part.stock.table, [segment])).get(segment);
    if (!live) return;
    for (const { tickets } of sliceLive(segment, live)) {
      const byFrame = groupByFrame(segment, tickets);
      for (let at = 0; at < byFrame.length; at += AT_A_TIME) {
        if (isOver() || segment.damaged) return;
        const done = await Promise.allSettled(byFrame.slice(at, at + AT_A_TIME).map((group) => moveFrame(segment, group, moved, arrived)));
        for (const result of done) if (result.status === 'rejected') throw result.reason;
        await breathe();
      }
    }
    adopted = !segment.damaged;
  } finally {
    if (adopted) await adoptMoved(segment, moved);
    else for (const { target, offset, at } of moved) segment.part.outcomes.records.gone(target.number, offset, at);
    segment.part.outcomes.touch();
    for (const [target, copies] of arrived) {
      target.incoming -= copies;
      segment.part.upkeep.lessLive(target);
    }
  }
}

/** The tickets that still lie there, those of one frame together. */
function groupByFrame(segment: Segment, tickets: Uint32Array): number[][] {
  const { table } = segment.part.stock;
  const { offset: offsets, index } = table;
  const there = [...tickets].filter((ticket) => table.has(ticket) && table.slot[ticket] === segment.slot);
  there.sort((a, b) => (offsets[a] as number) - (offsets[b] as number) || (index[a] as number) - (index[b] as number));
  const groups: number[][] = [];
  let last = -1;
  for (const ticket of there) {
    const offset = offsets[ticket] as number;
    if (offset === last) groups.at(-1)?.push(ticket);
    else groups.push([ticket]);
    last = offset;
  }
  return groups;
}

async function moveFrame(segment: Segment, tickets: readonly number[], moved: Moved[], arrived: Map<Segment, number>): Promise<void> {
  const { stock, accepts } = segment.part;
  const { table } = stock;
  const offset = table.offset[tickets[0] as number] as number;
  const before = tickets.map((ticket) => stock.describe(ticket));
  let frame: ReadFrame;
  try {
    frame = await readFrame(segment, offset);
  } catch (error) {
    // What cannot be read stays where it is, and the segment with it.
    segment.damaged = true;
    segment.part.options.log(
      'warning',
      `${tickets.length} messages stay in ${acceptName(segment.number)} at ${offset}: ${wordsFor(error)}`,
    );
    return;
  }
  const { bytes, head } = frame;
  const dataAt = FRAME_HEAD + head.metaLength;
  const view = viewReception(bytes.subarray(FRAME_HEAD, dataAt));
  const alive = tickets
    .map((ticket, i) => ({ ticket, about: before[i] }))
    .filter(({ ticket, about }) => about !== undefined && isStill(segment, ticket, about))
    .map(({ ticket }) => ({ ticket, ...stock.describe(ticket) }));
  if (alive.length === 0) return;
  const rewritten = rewriteReception(view, bytes.subarray(dataAt, lengthOf(head)), alive, segment.number);
  const weight = Math.ceil(rewritten.length / alive.length);
  await new Promise<void>((done, failed) => {
    const entry: Entry = {
      frame: rewritten,
      placed(target, to) {
        target.incoming += alive.length;
        arrived.set(target, (arrived.get(target) ?? 0) + alive.length);
        alive.forEach((copy, at) => void moved.push({ ...copy, target, offset: to, at, weight }));
      },
      done,
      failed,
    };
    accepts.append(entry);
  });
}

/** Whether the ticket is still the message that lay there. */
function isStill(segment: Segment, ticket: number, about: { idHigh: number; idLow: number }): boolean {
  const { table } = segment.part.stock;
  return (
    table.has(ticket) && table.slot[ticket] === segment.slot && table.idHigh[ticket] === about.idHigh && table.idLow[ticket] === about.idLow
  );
}

/**
 * The table points to the new places, some copies a turn. Until the segment is dropped a start finds them where they came from, so whatever
 * becomes of them meanwhile is recorded for both places (`Part.former`); only then is it told that the segment is dropped. Once begun it
 * goes to its end.
 */
async function adoptMoved(segment: Segment, moved: readonly Moved[]): Promise<void> {
  const { part } = segment;
  const { outcomes } = part;
  for (let at = 0; at < moved.length; at += TAKEN_OVER) {
    for (const copy of moved.slice(at, at + TAKEN_OVER)) adoptOne(segment, copy);
    outcomes.touch();
    await breathe();
  }
  // What tells that copies are dead at their new places has to be on the medium before these count. On a disk that fails it stays in
  // memory with what follows, in order.
  await outcomes.sync().catch(() => {});
  outcomes.records.drop(segment.number);
  part.former.clear();
  part.upkeep.drop(segment);
}

/** One copy counts where it lies now, as soon as the segment is dropped. */
function adoptOne(segment: Segment, copy: Moved): void {
  const { stock, outcomes, former } = segment.part;
  const { table } = stock;
  const { ticket, target, offset, at, weight } = copy;
  if (!isStill(segment, ticket, copy)) {
    outcomes.records.gone(target.number, offset, at);
    return;
  }
  const attempts = table.attempts[ticket] as number;
  const next = table.next[ticket] as number;
  const reply = stock.replies.at(table.reply[ticket] as number);
  const place = stock.places.at(table.place[ticket] as number);
  if (attempts !== copy.attempts || next !== copy.next || reply !== copy.reply)
    outcomes.records.change({ segment: target.number, offset, index: at }, attempts, next, reply);
  if (place !== copy.place) outcomes.records.move({ segment: target.number, offset, index: at }, place);
  former.set(ticket, { segment: segment.number, offset: table.offset[ticket] as number, index: table.index[ticket] as number });
  stock.unsettle(ticket);
  stock.settle(ticket, target, offset, at, weight);
}
