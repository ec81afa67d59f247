/** Gathers the records of the outcome log: what became of copies, named by where they lie, and indexes of what is alive. */
import { FieldWriter } from './fields.js';
import { FRAME_HEAD } from './frame.js';
import {
  CHANGE,
  END_BYTES,
  ENTRY_BYTES,
  INDEX,
  type IndexEntry,
  MOVE,
  OUTCOME,
  PLACE_BYTES,
  RANGE_BYTES,
  SPOT_BYTES,
  type Spot,
  SWEEP,
} from './outcome-tags.js';
import type { Sweep } from './sweep.js';

export class OutcomeWriter {
  readonly #fields = new FieldWriter();

  constructor() {
    this.#fields.clear(FRAME_HEAD);
  }

  /** Octets of records that wait. */
  get length(): number {
    return this.#fields.length - FRAME_HEAD;
  }

  /** The records so far behind the room for a frame's head; begins anew. */
  take(): Buffer {
    const front = this.#fields.take();
    this.#fields.clear(FRAME_HEAD);
    return front;
  }

  gone(segment: number, offset: number, index: number): void {
    this.#spot(OUTCOME.gone, segment, offset, index);
  }

  /** The ends of many copies of one segment: pairs of offset and number in the frame. */
  many(segment: number, spots: readonly number[]): void {
    const { bytes, at } = this.#fields.space(OUTCOME.many, 6 + (spots.length / 2) * PLACE_BYTES);
    bytes.writeUIntBE(segment, at, 6);
    for (let i = 0, to = at + 6; i < spots.length; i += 2, to += PLACE_BYTES) {
      bytes.writeUInt32BE(spots[i] as number, to);
      bytes.writeUInt16BE(spots[i + 1] as number, to + 4);
    }
  }

  change({ segment, offset, index }: Spot, attempts: number, next: number, reply: string): void {
    const at = this.#fields.begin(OUTCOME.change);
    this.#spot(CHANGE.spot, segment, offset, index);
    this.#fields.u32(CHANGE.attempts, attempts);
    this.#fields.f64(CHANGE.next, next);
    if (reply !== '') this.#fields.text(CHANGE.reply, reply);
    this.#fields.end(at);
  }

  /** `place` as place-names.ts joins it. */
  move({ segment, offset, index }: Spot, place: string): void {
    const at = this.#fields.begin(OUTCOME.move);
    this.#spot(MOVE.spot, segment, offset, index);
    this.#fields.text(MOVE.place, place);
    this.#fields.end(at);
  }

  /** One record about all messages of a place. */
  sweep({ end, where, next, reply }: Sweep): void {
    const start = this.#fields.begin(OUTCOME.sweep);
    const { bytes, at } = this.#fields.space(SWEEP.end, END_BYTES);
    bytes.writeUIntBE(end.segment, at, 6);
    bytes.writeUInt32BE(end.offset, at + 6);
    if (where.group !== undefined) this.#fields.text(SWEEP.group, where.group);
    if (where.binding !== undefined) this.#fields.text(SWEEP.binding, where.binding);
    if (where.domain !== undefined) this.#fields.text(SWEEP.domain, where.domain);
    this.#fields.f64(SWEEP.next, next);
    if (reply !== '') this.#fields.text(SWEEP.reply, reply);
    this.#fields.end(start);
  }

  /** The segment holds nothing any more; what was alive in it stands elsewhere. */
  drop(segment: number): void {
    const { bytes, at } = this.#fields.space(OUTCOME.drop, 6);
    bytes.writeUIntBE(segment, at, 6);
  }

  /** Of the frames from `from` up to `to`, exactly these copies are alive, in this state. */
  index(segment: number, from: number, to: number, entries: readonly IndexEntry[]): void {
    const start = this.#fields.begin(OUTCOME.index);
    const range = this.#fields.space(INDEX.head, RANGE_BYTES);
    range.bytes.writeUIntBE(segment, range.at, 6);
    range.bytes.writeUInt32BE(from, range.at + 6);
    range.bytes.writeUInt32BE(to, range.at + 10);
    const places = this.#words(INDEX.place, entries, ({ place }) => place);
    const replies = this.#words(INDEX.reply, entries, ({ reply }) => reply);
    const files = this.#words(INDEX.file, entries, ({ file }) => file ?? '');
    const { bytes, at } = this.#fields.space(INDEX.entries, entries.length * ENTRY_BYTES);
    entries.forEach((entry, i) => {
      const to = at + i * ENTRY_BYTES;
      bytes.writeUInt32BE(entry.offset, to);
      bytes.writeUInt16BE(entry.index, to + 4);
      bytes.writeUInt32BE(entry.idHigh, to + 6);
      bytes.writeUInt32BE(entry.idLow, to + 10);
      bytes.writeUIntBE(milliseconds(entry.receivedAt), to + 14, 6);
      bytes.writeUInt16BE(entry.attempts, to + 20);
      bytes.writeUIntBE(milliseconds(entry.next), to + 22, 6);
      bytes.writeUInt8(entry.flags, to + 28);
      bytes.writeUInt32BE(places.get(entry.place) ?? 0, to + 29);
      bytes.writeUInt32BE(replies.get(entry.reply) ?? 0, to + 33);
      bytes.writeUInt32BE(files.get(entry.file ?? '') ?? 0, to + 37);
      bytes.writeUInt32BE(entry.weight, to + 41);
    });
    this.#fields.end(start);
  }

  /** Writes each text once; they are numbered from 1 in that order, 0 is the empty text. */
  #words(tag: number, entries: readonly IndexEntry[], of: (entry: IndexEntry) => string): ReadonlyMap<string, number> {
    const words = new Map<string, number>();
    for (const entry of entries) {
      const word = of(entry);
      if (word === '' || words.has(word)) continue;
      words.set(word, words.size + 1);
      this.#fields.text(tag, word);
    }
    return words;
  }

  #spot(tag: number, segment: number, offset: number, index: number): void {
    const { bytes, at } = this.#fields.space(tag, SPOT_BYTES);
    bytes.writeUIntBE(segment, at, 6);
    bytes.writeUInt32BE(offset, at + 6);
    bytes.writeUInt16BE(index, at + 10);
  }
}

/** Wall times fit into 6 octets until the year 10889. */
const milliseconds = (time: number): number => Math.min(Math.max(0, Math.floor(time)), 0xffff_ffff_ffff);
