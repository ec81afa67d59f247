/** The live messages of segments, found without holding the loop: a part may have a million of them. */
import { HEAD_BYTES } from './file-head.js';
import { WHOLE } from './outcome-tags.js';
import { breathe } from './scan.js';
import type { Segment } from './segment.js';
import type { Table } from './table.js';

/** Tickets that are looked at before the loop gets its turn: less than a millisecond. */
const LOOK = 1 << 17;
/** About so many messages make one slice; those of one frame stay together. */
const SLICE = 1000;

/** What is alive in a segment below an offset; later some of it may have ended. */
export interface Live {
  /** Octets behind this were written later. WHOLE: the segment was sealed. */
  readonly end: number;
  readonly tickets: Uint32Array;
}

/** Some frames of a segment: those that begin in `from` up to `to`. */
export interface Slice {
  readonly from: number;
  readonly to: number;
  readonly tickets: Uint32Array;
}

/** Live tickets by segment. What lands in them meanwhile lies behind `end`. */
export async function listLive(table: Table, segments: readonly Segment[]): Promise<ReadonlyMap<Segment, Live>> {
  const nth = new Map(segments.map(({ slot }, n) => [slot, n]));
  const bySlot = new Int32Array(Math.max(0, ...nth.keys()) + 1).fill(-1);
  for (const [slot, n] of nth) bySlot[slot] = n;
  const ends = segments.map(({ sealed, size }) => (sealed ? WHOLE : size));
  const find = (ticket: number): number => {
    const n = table.has(ticket) ? (bySlot[table.slot[ticket] as number] ?? -1) : -1;
    return n >= 0 && (table.offset[ticket] as number) < (ends[n] as number) ? n : -1;
  };
  const { size } = table;
  const counts = new Uint32Array(segments.length + 1);
  await lookAt(size, (ticket) => {
    const n = find(ticket);
    if (n >= 0) counts[n] = (counts[n] as number) + 1;
  });
  const starts = new Uint32Array(segments.length + 1);
  for (let n = 0; n < segments.length; n++) starts[n + 1] = (starts[n] as number) + (counts[n] as number);
  const tickets = new Uint32Array(starts[segments.length] as number);
  const at = starts.slice();
  await lookAt(size, (ticket) => {
    const n = find(ticket);
    if (n < 0 || at[n] === starts[n + 1]) return;
    tickets[at[n] as number] = ticket;
    at[n] = (at[n] as number) + 1;
  });
  return new Map(segments.map((segment, n) => [segment, { end: ends[n] as number, tickets: tickets.subarray(starts[n], at[n]) }]));
}

async function lookAt(size: number, look: (ticket: number) => void): Promise<void> {
  for (let from = 0; from < size; from += LOOK) {
    for (let ticket = from; ticket < Math.min(from + LOOK, size); ticket++) look(ticket);
    await breathe();
  }
}

/**
 * The slices of a segment in order, without gaps: the first one begins at 0, the others where a frame begins (reading goes on there
 * after a stop between two slices), the last one ends where the list does.
 */
export function* sliceLive(segment: Segment, { tickets, end }: Live): Generator<Slice> {
  const { table } = segment.part.stock;
  const size = end === WHOLE ? Math.max(segment.size, HEAD_BYTES) : end;
  let last: Slice = { from: 0, to: end, tickets: tickets.subarray(0, 0) };
  for (const slice of divide(table.offset, { from: 0, to: size, tickets })) {
    const from = firstFrame(segment, slice);
    if (from === undefined) continue;
    if (last.tickets.length > 0) yield { ...last, to: from };
    last = { from: last.tickets.length > 0 ? from : 0, to: end, tickets: slice.tickets };
  }
  yield last;
}

/** Where the first frame of a slice begins, by what is still alive; undefined when nothing is. */
function firstFrame({ slot, part }: Segment, { from, to, tickets }: Slice): number | undefined {
  const { table } = part.stock;
  let first: number | undefined;
  for (const ticket of tickets) {
    // Meanwhile it may have ended, and its ticket may be somebody else's.
    const offset = table.offset[ticket] as number;
    if (offset < from || offset >= to || offset >= (first ?? to) || !table.has(ticket) || table.slot[ticket] !== slot) continue;
    first = offset;
  }
  return first;
}

/** Divides by offset until no slice is much longer than wanted; no sorting, so that even a full segment takes only milliseconds. */
function* divide(offset: Uint32Array, slice: Slice): Generator<Slice> {
  const { from, to, tickets } = slice;
  const parts = Math.min(Math.ceil(tickets.length / SLICE), to - from);
  if (parts < 2) {
    yield slice;
    return;
  }
  const width = Math.ceil((to - from) / parts);
  const partOf = (ticket: number): number => Math.min(parts - 1, Math.max(0, Math.floor(((offset[ticket] as number) - from) / width)));
  const starts = new Uint32Array(parts + 1);
  for (const ticket of tickets) starts[partOf(ticket) + 1] = (starts[partOf(ticket) + 1] as number) + 1;
  for (let n = 0; n < parts; n++) starts[n + 1] = (starts[n + 1] as number) + (starts[n] as number);
  const sorted = new Uint32Array(tickets.length);
  const at = starts.slice();
  for (const ticket of tickets) {
    const n = partOf(ticket);
    sorted[at[n] as number] = ticket;
    at[n] = (at[n] as number) + 1;
  }
  for (let n = 0; n < parts; n++) {
    const inside = { from: from + n * width, to: Math.min(to, from + (n + 1) * width), tickets: sorted.subarray(starts[n], starts[n + 1]) };
    if (inside.from >= inside.to) continue;
    if (inside.tickets.length > 2 * SLICE && width > 1) yield* divide(offset, inside);
    else yield inside;
  }
}
