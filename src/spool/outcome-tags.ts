/** Tags of the outcome log's records, and the sizes of what has a fixed form. They are on disks: numbers keep their meaning. */

/** `many` is the ends of many copies of one segment (GONE_RANGE). */
export const OUTCOME = { gone: 1, change: 2, move: 3, drop: 4, index: 5, many: 6, sweep: 7 } as const;
export const CHANGE = { spot: 1, attempts: 2, next: 3, reply: 4 } as const;
export const MOVE = { spot: 1, place: 2 } as const;
/** `group`, `binding`, `domain` are absent where all are meant. */
export const SWEEP = { end: 1, group: 2, binding: 3, domain: 4, next: 5, reply: 6 } as const;
export const INDEX = { head: 1, place: 2, reply: 3, file: 4, entries: 5 } as const;

/** Segment (6), offset of the frame (4), number in the frame (2). */
export const SPOT_BYTES = 12;
/** Offset of the frame and number in it. */
export const PLACE_BYTES = 6;
/** Segment (6), offset (4). */
export const END_BYTES = 10;
/** Segment (6), from (4), to (4). */
export const RANGE_BYTES = 14;
/** offset 4, number 2, id 8, received 6, attempts 2, next 6, flags 1, place 4, reply 4, file 4, weight 4. */
export const ENTRY_BYTES = 45;

/** End of a range that covers the rest of a segment. */
export const WHOLE = 0xffffffff;

/** Where a copy lies: segment, offset of its frame, number in the frame. */
export interface Spot {
  readonly segment: number;
  readonly offset: number;
  readonly index: number;
}

/** A live copy in an index. */
export interface IndexEntry {
  readonly offset: number;
  readonly index: number;
  readonly idHigh: number;
  readonly idLow: number;
  /** Wall milliseconds. */
  readonly receivedAt: number;
  readonly attempts: number;
  readonly next: number;
  /** As FLAG in table.ts has them. */
  readonly flags: number;
  /** Its share of the octets of its frame. */
  readonly weight: number;
  readonly place: string;
  readonly reply: string;
  /** Name of the body's own file. */
  readonly file: string | undefined;
}
