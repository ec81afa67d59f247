/** Records of the outcome log: what became of copies, named by where they lie, and indexes of what is alive. */
import { FieldWriter, readFields } from './fields.js';
import { type PlaceNames, readPlace } from './reception-record.js';

const TAG = { gone: 1, change: 2, move: 3, drop: 4, index: 6 } as const;
const CHANGE = { spot: 1, attempts: 2, next: 3, reply: 4 } as const;
const MOVE = { spot: 1, place: 2 } as const;
const INDEX = { head: 1, entry: 2, place: 3, reply: 4 } as const;

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
  readonly receivedAt: number;
  readonly attempts: number;
  readonly next: number;
  /** Bit 0: priority, bit 1: the body has a file of its own. */
  readonly flags: number;
  readonly place: string;
  readonly reply: string;
}

/** What replaying the log tells, in order. */
export interface OutcomeReader {
  gone(spot: Spot): void;
  change(spot: Spot, attempts: number, next: number, reply: string): void;
  move(spot: Spot, place: PlaceNames): void;
  /** All live copies of the segment were written again elsewhere. */
  drop(segment: number): void;
  /** Below `upTo` only what follows by `entry` is alive. */
  index(segment: number, upTo: number): void;
  entry(segment: number, entry: IndexEntry): void;
}

const SPOT_BYTES = 10;
const ENTRY_BYTES = 43;

/** `upTo` of an index that covers the whole segment. */
export const WHOLE = 0xffffffff;

export class OutcomeWriter {
  readonly #fields = new FieldWriter();
  readonly #spot = Buffer.alloc(SPOT_BYTES);
  readonly #entry = Buffer.alloc(ENTRY_BYTES);
  #places = new Map<string, number>();
  #replies = new Map<string, number>();

  get length(): number {
    return this.#fields.length;
  }

  take(): Buffer {
    return this.#fields.take();
  }

  gone(segment: number, offset: number, index: number): void {
    this.#fields.octets(TAG.gone, this.#at(segment, offset, index));
  }

  change(segment: number, offset: number, index: number, attempts: number, next: number, reply: string): void {
    const at = this.#fields.begin(TAG.change);
    this.#fields.octets(CHANGE.spot, this.#at(segment, offset, index));
    this.#fields.u32(CHANGE.attempts, attempts);
    this.#fields.f64(CHANGE.next, next);
    if (reply !== '') this.#fields.text(CHANGE.reply, reply);
    this.#fields.end(at);
  }

  move(segment: number, offset: number, index: number, place: PlaceNames): void {
    const at = this.#fields.begin(TAG.move);
    this.#fields.octets(MOVE.spot, this.#at(segment, offset, index));
    this.#fields.text(MOVE.place, `${place.group}\n${place.binding}\n${place.domain}`);
    this.#fields.end(at);
  }

  drop(segment: number): void {
    this.#fields.u32(TAG.drop, segment);
  }

  /** Begins the index of a segment; `addEntry` for each live copy, then `endIndex` with what this answered. */
  beginIndex(segment: number, upTo: number): number {
    const at = this.#fields.begin(TAG.index);
    this.#places = new Map();
    this.#replies = new Map();
    this.#fields.octets(INDEX.head, this.#at(segment, upTo, 0));
    return at;
  }

  addEntry(entry: IndexEntry): void {
    const place = this.#word(INDEX.place, this.#places, entry.place);
    const reply = entry.reply === '' ? 0 : this.#word(INDEX.reply, this.#replies, entry.reply);
    const b = this.#entry;
    b.writeUInt32BE(entry.offset, 0);
    b.writeUInt16BE(entry.index, 4);
    b.writeUInt32BE(entry.idHigh, 6);
    b.writeUInt32BE(entry.idLow, 10);
    b.writeDoubleBE(entry.receivedAt, 14);
    b.writeUInt32BE(entry.attempts, 22);
    b.writeDoubleBE(entry.next, 26);
    b.writeUInt8(entry.flags, 34);
    b.writeUInt32BE(place, 35);
    b.writeUInt32BE(reply, 39);
    this.#fields.octets(INDEX.entry, b);
  }

  endIndex(at: number): void {
    this.#fields.end(at);
  }

  /** Words are numbered from 1 in the order they first come, and stand before their first use. */
  #word(tag: number, words: Map<string, number>, word: string): number {
    const known = words.get(word);
    if (known !== undefined) return known;
    this.#fields.text(tag, word);
    words.set(word, words.size + 1);
    return words.size;
  }

  #at(segment: number, offset: number, index: number): Buffer {
    this.#spot.writeUInt32BE(segment, 0);
    this.#spot.writeUInt32BE(offset >>> 0, 4);
    this.#spot.writeUInt16BE(index, 8);
    return this.#spot;
  }
}

const spotAt = (meta: Buffer, at: number): Spot => ({
  segment: meta.readUInt32BE(at),
  offset: meta.readUInt32BE(at + 4),
  index: meta.readUInt16BE(at + 8),
});

/** Replays records, and yields between them so that the caller may breathe. Throws RangeError when they are cut short, which a whole frame never is. */
export function* readOutcomes(meta: Buffer, reader: OutcomeReader): Generator<void> {
  for (const { tag, from, to } of readFields(meta)) {
    if (tag === TAG.gone) reader.gone(spotAt(meta, from));
    else if (tag === TAG.drop) reader.drop(meta.readUInt32BE(from));
    else if (tag === TAG.change) readChange(meta, from, to, reader);
    else if (tag === TAG.move) readMove(meta, from, to, reader);
    else if (tag === TAG.index) yield* readIndex(meta, from, to, reader);
    yield;
  }
}

function readChange(meta: Buffer, from: number, to: number, reader: OutcomeReader): void {
  let spot: Spot | undefined;
  let attempts = 0;
  let next = 0;
  let reply = '';
  for (const field of readFields(meta, from, to)) {
    if (field.tag === CHANGE.spot) spot = spotAt(meta, field.from);
    else if (field.tag === CHANGE.attempts) attempts = meta.readUInt32BE(field.from);
    else if (field.tag === CHANGE.next) next = meta.readDoubleBE(field.from);
    else if (field.tag === CHANGE.reply) reply = meta.toString('utf8', field.from, field.to);
  }
  if (spot) reader.change(spot, attempts, next, reply);
}

function readMove(meta: Buffer, from: number, to: number, reader: OutcomeReader): void {
  let spot: Spot | undefined;
  for (const field of readFields(meta, from, to)) {
    if (field.tag === MOVE.spot) spot = spotAt(meta, field.from);
    else if (field.tag === MOVE.place && spot) reader.move(spot, readPlace(meta.toString('utf8', field.from, field.to)));
  }
}

function* readIndex(meta: Buffer, from: number, to: number, reader: OutcomeReader): Generator<void> {
  let segment = 0;
  const places = [''];
  const replies = [''];
  for (const field of readFields(meta, from, to)) {
    if (field.tag === INDEX.head) {
      const { segment: number, offset: upTo } = spotAt(meta, field.from);
      segment = number;
      reader.index(segment, upTo);
    } else if (field.tag === INDEX.place) places.push(meta.toString('utf8', field.from, field.to));
    else if (field.tag === INDEX.reply) replies.push(meta.toString('utf8', field.from, field.to));
    else if (field.tag === INDEX.entry) {
      const at = field.from;
      reader.entry(segment, {
        offset: meta.readUInt32BE(at),
        index: meta.readUInt16BE(at + 4),
        idHigh: meta.readUInt32BE(at + 6),
        idLow: meta.readUInt32BE(at + 10),
        receivedAt: meta.readDoubleBE(at + 14),
        attempts: meta.readUInt32BE(at + 22),
        next: meta.readDoubleBE(at + 26),
        flags: meta.readUInt8(at + 34),
        place: places[meta.readUInt32BE(at + 35)] ?? '',
        reply: replies[meta.readUInt32BE(at + 39)] ?? '',
      });
      yield;
    }
  }
}
