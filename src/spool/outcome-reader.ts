/** Replays the records of the outcome log. */
import { type FieldSpan, readFields } from './fields.js';
import { CHANGE, ENTRY_BYTES, INDEX, type IndexEntry, MOVE, OUTCOME, PLACE_BYTES, type Spot, SWEEP } from './outcome-tags.js';
import type { Sweep } from './sweep.js';

/** What the log tells, in its order. */
export interface OutcomeReader {
  gone(segment: number, offset: number, index: number): void;
  change(spot: Spot, attempts: number, next: number, reply: string): void;
  move(spot: Spot, place: string): void;
  drop(segment: number): void;
  sweep(sweep: Sweep): void;
  /** `octets` are what `readIndex` reads; they may be kept. */
  index(segment: number, from: number, to: number, octets: Buffer): void;
}

const spotAt = (meta: Buffer, at: number): Spot => ({
  segment: meta.readUIntBE(at, 6),
  offset: meta.readUInt32BE(at + 6),
  index: meta.readUInt16BE(at + 10),
});

/** Throws RangeError when records are cut short, which those of a whole frame never are. */
export function readOutcomes(meta: Buffer, reader: OutcomeReader): void {
  for (const field of readFields(meta)) {
    const { tag, from, to } = field;
    if (tag === OUTCOME.gone) reader.gone(meta.readUIntBE(from, 6), meta.readUInt32BE(from + 6), meta.readUInt16BE(from + 10));
    else if (tag === OUTCOME.change) readChange(meta, field, reader);
    else if (tag === OUTCOME.many) readMany(meta, field, reader);
    else if (tag === OUTCOME.move) readMove(meta, field, reader);
    else if (tag === OUTCOME.drop) reader.drop(meta.readUIntBE(from, 6));
    else if (tag === OUTCOME.sweep) readSweep(meta, field, reader);
    else if (tag === OUTCOME.index) readIndexHead(meta.subarray(from, to), reader);
  }
}

function readMany(meta: Buffer, { from, to }: FieldSpan, reader: OutcomeReader): void {
  const segment = meta.readUIntBE(from, 6);
  for (let at = from + 6; at < to; at += PLACE_BYTES) reader.gone(segment, meta.readUInt32BE(at), meta.readUInt16BE(at + 4));
}

function readChange(meta: Buffer, { from, to }: FieldSpan, reader: OutcomeReader): void {
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

function readMove(meta: Buffer, { from, to }: FieldSpan, reader: OutcomeReader): void {
  let spot: Spot | undefined;
  let place = '';
  for (const field of readFields(meta, from, to)) {
    if (field.tag === MOVE.spot) spot = spotAt(meta, field.from);
    else if (field.tag === MOVE.place) place = meta.toString('utf8', field.from, field.to);
  }
  if (spot) reader.move(spot, place);
}

function readSweep(meta: Buffer, { from, to }: FieldSpan, reader: OutcomeReader): void {
  const where: { group?: string; binding?: string; domain?: string } = {};
  let end: Sweep['end'] | undefined;
  let next = 0;
  let reply = '';
  for (const field of readFields(meta, from, to)) {
    const { tag } = field;
    if (tag === SWEEP.end) end = { segment: meta.readUIntBE(field.from, 6), offset: meta.readUInt32BE(field.from + 6) };
    else if (tag === SWEEP.next) next = meta.readDoubleBE(field.from);
    else {
      const text = meta.toString('utf8', field.from, field.to);
      if (tag === SWEEP.group) where.group = text;
      else if (tag === SWEEP.binding) where.binding = text;
      else if (tag === SWEEP.domain) where.domain = text;
      else if (tag === SWEEP.reply) reply = text;
    }
  }
  if (end) reader.sweep({ end, where, next, reply });
}

function readIndexHead(octets: Buffer, reader: OutcomeReader): void {
  for (const { tag, from } of readFields(octets)) {
    if (tag === INDEX.head) reader.index(octets.readUIntBE(from, 6), octets.readUInt32BE(from + 6), octets.readUInt32BE(from + 10), octets);
  }
}

/** How many entries an index record has. */
export function countIndex(octets: Buffer): number {
  let count = 0;
  for (const { tag, from, to } of readFields(octets)) if (tag === INDEX.entries) count += Math.floor((to - from) / ENTRY_BYTES);
  return count;
}

/** The entries of an index record. */
export function* readIndex(octets: Buffer): Generator<IndexEntry> {
  const places = [''];
  const replies = [''];
  const files: (string | undefined)[] = [undefined];
  for (const { tag, from, to } of readFields(octets)) {
    if (tag === INDEX.place) places.push(octets.toString('utf8', from, to));
    else if (tag === INDEX.reply) replies.push(octets.toString('utf8', from, to));
    else if (tag === INDEX.file) files.push(octets.toString('utf8', from, to));
    else if (tag === INDEX.entries) {
      for (let at = from; at < to; at += ENTRY_BYTES) {
        yield {
          offset: octets.readUInt32BE(at),
          index: octets.readUInt16BE(at + 4),
          idHigh: octets.readUInt32BE(at + 6),
          idLow: octets.readUInt32BE(at + 10),
          receivedAt: octets.readUIntBE(at + 14, 6),
          attempts: octets.readUInt16BE(at + 20),
          next: octets.readUIntBE(at + 22, 6),
          flags: octets.readUInt8(at + 28),
          place: places[octets.readUInt32BE(at + 29)] ?? '',
          reply: replies[octets.readUInt32BE(at + 33)] ?? '',
          file: files[octets.readUInt32BE(at + 37)],
          weight: octets.readUInt32BE(at + 41),
        };
      }
    }
  }
}
