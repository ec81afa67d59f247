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

/**
 * `isOver` ends the work early. Rejects when the disk fails. Whenever it does not come to its end everything stays where it was: copies that
 * were written in vain are told to be gone, or they would come to life when the segment is dropped some later time.
 */
export async function compactSegment(segment: Segment, isOver: () => boolean): Promise<void> {
  const moved: Moved[] = [];
  let adopted = false;
  try {
    const live = (await listLive(segment.part.stock.table, [segment])).get(segment);
    if (!live) return;
    for (const { tickets } of sliceLive(segment, live)) {
      const byFrame = groupByFrame(segment, tickets);
      for (let at = 0; at < byFrame.length; at += AT_A_TIME) {
        if (isOver() || segment.damaged) return;
        const done = await Promise.allSettled(byFrame.slice(at, at + AT_A_TIME).map((group) => moveFrame(segment, group, moved)));
        for (const result of done) if (result.status === 'rejected') throw result.reason;
        await breathe();
      }
    }
    adopted = !segment.damaged;
  } finally {
    if (adopted) adoptMoved(segment, moved);
    else for (const { target, offset, at } of moved) segment.part.outcomes.records.gone(target.number, offset, at);
    segment.part.outcomes.touch();
    for (const { target } of moved) target.incoming--;
    for (const target of new Set(moved.map((copy) => copy.target))) segment.part.upkeep.lessLive(target);
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

async function moveFrame(segment: Segment, tickets: readonly number[], moved: Moved[]): Promise<void> {
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

/** In one turn: the table points to the new places, and the log tells what changed on the way and that the segment is dropped. */
function adoptMoved(segment: Segment, moved: readonly Moved[]): void {
  const { part } = segment;
  const { stock, outcomes } = part;
  const { table } = stock;
  // A segment may hold a hundred thousand: nothing is made for a copy that stayed as it was.
  for (const copy of moved) {
    const { ticket, target, offset, at, weight } = copy;
    if (!isStill(segment, ticket, copy)) {
      outcomes.records.gone(target.number, offset, at);
      continue;
    }
    const attempts = table.attempts[ticket] as number;
    const next = table.next[ticket] as number;
    const reply = stock.replies.at(table.reply[ticket] as number);
    const place = stock.places.at(table.place[ticket] as number);
    if (attempts !== copy.attempts || next !== copy.next || reply !== copy.reply)
      outcomes.records.change({ segment: target.number, offset, index: at }, attempts, next, reply);
    if (place !== copy.place) outcomes.records.move({ segment: target.number, offset, index: at }, place);
    stock.unsettle(ticket);
    stock.settle(ticket, target, offset, at, weight);
  }
  // In the same record as the rest: from here on the copies count where they lie now.
  outcomes.records.drop(segment.number);
  part.upkeep.drop(segment);
}
