/** Some copies of a record written anew, field by field, so that fields of a newer version survive compaction. */

import type { EncodedFrame } from './encode-reception.js';
import { FIELD_HEAD, type FieldSpan, FieldWriter, readFields } from './fields.js';
import { closeFrame, FRAME_HEAD, KIND } from './frame.js';
import { COPY, TAG } from './reception-tags.js';
import { type ReceptionView, type Span, viewRefs } from './reception-view.js';

/** A copy that is kept, with its newest state. */
export interface KeptCopy {
  /** Number in the old frame. */
  readonly index: number;
  readonly place: string;
  readonly attempts: number;
  readonly next: number;
  readonly reply: string;
}

const writer = new FieldWriter();
/** Fields of a copy that are written anew. */
const STATE: ReadonlySet<number> = new Set([COPY.place, COPY.attempts, COPY.next, COPY.reply, COPY.txn, COPY.body, COPY.block]);

/** A frame with `kept` of the record, in that order; `movedFrom` is the segment they come from. */
export function rewriteReception(view: ReceptionView, data: Buffer, kept: readonly KeptCopy[], movedFrom: number): EncodedFrame {
  const { meta } = view;
  const txns = new Numbering();
  const bodies = new Numbering();
  const blocks = new Numbering();
  writer.clear(FRAME_HEAD);
  const from = writer.space(TAG.movedFrom, 6);
  from.bytes.writeUIntBE(movedFrom, from.at, 6);
  for (const field of view.unknown) copyField(meta, field);
  for (const copy of kept) {
    const field = view.copies[copy.index] as FieldSpan;
    const refs = viewRefs(meta, field);
    const txn = txns.of(refs.txn, () => copyField(meta, view.txns[refs.txn] as FieldSpan));
    const body = bodies.of(refs.body, () => copyField(meta, view.bodies[refs.body]?.field as FieldSpan));
    const block = blocks.of(refs.block);
    const at = writer.begin(TAG.copy);
    for (const inner of readFields(meta, field.from, field.to)) if (!STATE.has(inner.tag)) copyField(meta, inner);
    writer.text(COPY.place, copy.place);
    if (copy.attempts !== 0) writer.u32(COPY.attempts, copy.attempts);
    if (copy.next !== 0) writer.f64(COPY.next, copy.next);
    if (copy.reply !== '') writer.text(COPY.reply, copy.reply);
    if (txn > 0) writer.u32(COPY.txn, txn);
    if (body > 0) writer.u32(COPY.body, body);
    if (block > 0) writer.u32(COPY.block, block);
    writer.end(at);
  }
  const spans = blocks.list.map((block) => view.blocks[block] as Span);
  const lengths = writer.space(TAG.blocks, 4 * spans.length);
  spans.forEach((span, i) => void lengths.bytes.writeUInt32BE(span.to - span.from, lengths.at + 4 * i));
  writer.u32(TAG.commit, kept.length);
  const metaLength = writer.length - FRAME_HEAD;
  for (const span of spans) writer.raw(data.subarray(span.from, span.to));
  const front = writer.take();
  const rest = bodies.list
    .map((body) => view.bodies[body]?.data as Span)
    .filter((span) => span.to > span.from)
    .map((span) => data.subarray(span.from, span.to));
  return { front, rest, length: closeFrame(KIND.reception, front, metaLength, rest) };
}

const copyField = (meta: Buffer, { from, to }: FieldSpan): void => writer.raw(meta.subarray(from - FIELD_HEAD, to));

/** New numbers for old ones, in the order they come. */
class Numbering {
  readonly list: number[] = [];

  of(old: number, isNew?: () => void): number {
    const known = this.list.indexOf(old);
    if (known >= 0) return known;
    isNew?.();
    return this.list.push(old) - 1;
  }
}
