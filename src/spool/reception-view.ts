/** A reception's record taken apart without decoding: which fields there are, and where headers and bodies lie in the data part. */
import { type FieldSpan, readFields } from './fields.js';
import { problems } from './problems.js';
import { BODY, COPY, TAG } from './reception-tags.js';

/** Octets of the data part. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface BodyView {
  /** The field itself. */
  readonly field: FieldSpan;
  readonly size: number;
  readonly flags: number;
  /** Name of the body's own file. */
  readonly file: string | undefined;
  readonly crc: number;
  /** Where it lies in the data part; empty for a body in a file. */
  readonly data: Span;
}

/** Numbers of what a copy uses. */
export interface CopyRefs {
  readonly txn: number;
  readonly body: number;
  readonly block: number;
}

export interface ReceptionView {
  readonly meta: Buffer;
  readonly txns: readonly FieldSpan[];
  readonly bodies: readonly BodyView[];
  readonly blocks: readonly Span[];
  readonly copies: readonly FieldSpan[];
  /** Number of the segment that compaction took it from. */
  readonly movedFrom: number | undefined;
  /** Where the ids of copies stand that end with this record. */
  readonly ends: readonly FieldSpan[];
  /** Fields that only a newer version knows. */
  readonly unknown: readonly FieldSpan[];
}

/** Throws RangeError or a coded problem when the record is not whole. */
export function viewReception(meta: Buffer): ReceptionView {
  const txns: FieldSpan[] = [];
  const bodyFields: FieldSpan[] = [];
  const copies: FieldSpan[] = [];
  const ends: FieldSpan[] = [];
  const unknown: FieldSpan[] = [];
  let blocks: readonly Span[] = [];
  let movedFrom: number | undefined;
  let committed = -1;
  let at = 0;
  for (const field of readFields(meta)) {
    if (field.tag === TAG.copy) copies.push(field);
    else if (field.tag === TAG.txn) txns.push(field);
    else if (field.tag === TAG.body) bodyFields.push(field);
    else if (field.tag === TAG.blocks) blocks = viewBlocks(meta, field);
    else if (field.tag === TAG.commit) committed = meta.readUInt32BE(field.from);
    else if (field.tag === TAG.end) ends.push(field);
    else if (field.tag === TAG.movedFrom) movedFrom = meta.readUIntBE(field.from, 6);
    else unknown.push(field);
  }
  if (committed !== copies.length) throw problems.NOT_COMMITTED(String(copies.length), String(committed));
  at = blocks.at(-1)?.to ?? 0;
  const bodies = bodyFields.map((field) => {
    const body = viewBody(meta, field, at);
    at = body.data.to;
    return body;
  });
  return { meta, txns, bodies, blocks, copies, movedFrom, ends, unknown };
}

function viewBlocks(meta: Buffer, field: FieldSpan): Span[] {
  const blocks: Span[] = [];
  let at = 0;
  for (let i = field.from; i < field.to; i += 4) {
    const to = at + meta.readUInt32BE(i);
    blocks.push({ from: at, to });
    at = to;
  }
  return blocks;
}

function viewBody(meta: Buffer, field: FieldSpan, at: number): BodyView {
  let size = 0;
  let flags = 0;
  let crc = 0;
  let file: string | undefined;
  for (const inner of readFields(meta, field.from, field.to)) {
    if (inner.tag === BODY.size) size = meta.readDoubleBE(inner.from);
    else if (inner.tag === BODY.flags) flags = meta.readUInt32BE(inner.from);
    else if (inner.tag === BODY.crc) crc = meta.readUInt32BE(inner.from);
    else if (inner.tag === BODY.file) file = meta.toString('utf8', inner.from, inner.to);
  }
  return { field, size, flags, file, crc, data: { from: at, to: file === undefined ? at + size : at } };
}

export function viewRefs(meta: Buffer, copy: FieldSpan): CopyRefs {
  let txn = 0;
  let body = 0;
  let block = 0;
  for (const inner of readFields(meta, copy.from, copy.to)) {
    if (inner.tag === COPY.txn) txn = meta.readUInt32BE(inner.from);
    else if (inner.tag === COPY.body) body = meta.readUInt32BE(inner.from);
    else if (inner.tag === COPY.block) block = meta.readUInt32BE(inner.from);
  }
  return { txn, body, block };
}
