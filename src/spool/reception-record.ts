/** One reception as octets and back: what the copies share, then the copies; header blocks and body as they are. */
import { decodeId, encodeId, ID_BYTES } from '../kernel/ids.js';
import { Address } from '../mail/address.js';
import { Facts } from '../mail/facts.js';
import { Headers } from '../mail/headers.js';
import { Copy, ResidentBody } from '../module/copy.js';
import type { Body, Protocol, Reception } from '../module/message.js';
import type { Endpoint } from '../module/session.js';
import { FieldWriter, readFields } from './fields.js';
import { encodeHead, FRAME_HEAD, KIND } from './frame.js';
import { problems } from './problems.js';

const TAG = { txn: 1, blocks: 2, body: 3, copy: 4, commit: 5, from: 6, end: 7 } as const;
const TXN = {
  batch: 1,
  connection: 2,
  protocol: 3,
  source: 4,
  local: 5,
  receivedAt: 6,
  sender: 7,
  facts: 8,
  helo: 9,
  user: 10,
  pathway: 11,
  utf8: 12,
  envelope: 13,
  ret: 14,
  requireTls: 15,
} as const;
const BODY = { size: 1, flags: 2, file: 3 } as const;
const COPY = {
  id: 1,
  recipient: 2,
  place: 3,
  block: 4,
  facts: 5,
  notify: 6,
  original: 7,
  priority: 8,
  attempts: 9,
  next: 10,
  reply: 11,
  quarantined: 12,
  notice: 13,
} as const;
const FLAG = { dots: 1, eightBit: 2 } as const;

/** Both dictionaries of a reception together. */
const MOST_FACTS = 65_536;

const writer = new FieldWriter();
const idBytes = Buffer.alloc(ID_BYTES);

export interface EncodedReception {
  /** Head, meta, header blocks, body: in the order they are written. */
  readonly parts: readonly Uint8Array[];
  readonly length: number;
}

const id = (tag: number, text: string): void => {
  encodeId(text, idBytes, 0);
  writer.octets(tag, idBytes);
};

const addressText = (address: Address): string => `${address.local}\n${address.domain}`;
const readAddress = (text: string): Address => {
  const at = text.indexOf('\n');
  return new Address(text.slice(0, at), text.slice(at + 1));
};

function endpoint(tag: number, end: Endpoint | undefined): void {
  if (end) writer.text(tag, `${end.ip} ${end.port}`);
}

const readEndpoint = (text: string): Endpoint => {
  const at = text.indexOf(' ');
  return { ip: text.slice(0, at), port: Number(text.slice(at + 1)) };
};

/** Where a copy lies. */
export interface SpotNumbers {
  readonly segment: number;
  readonly offset: number;
  readonly index: number;
}

const spotBytes = Buffer.alloc(10);

/** Octets of copies that share one reception. `movedFrom` marks copies that compaction writes again; `ends` are copies that end with this record. */
export function encodeReception(
  copies: readonly Copy[],
  more: { readonly movedFrom?: number; readonly ends?: readonly SpotNumbers[] } = {},
): EncodedReception {
  const [first] = copies;
  if (!first) throw new RangeError('a reception without copies');
  const { reception, content } = first;
  const blocks: Buffer[] = [];
  writer.clear();
  if (more.movedFrom !== undefined) writer.u32(TAG.from, more.movedFrom);
  for (const end of more.ends ?? []) {
    spotBytes.writeUInt32BE(end.segment, 0);
    spotBytes.writeUInt32BE(end.offset, 4);
    spotBytes.writeUInt16BE(end.index, 8);
    writer.octets(TAG.end, spotBytes);
  }
  let facts = encodeTransaction(reception);
  const body = writer.begin(TAG.body);
  writer.f64(BODY.size, content.size);
  writer.u32(BODY.flags, (content.dots ? FLAG.dots : 0) | (content.eightBit ? FLAG.eightBit : 0));
  if (content.file !== undefined) writer.text(BODY.file, content.file);
  writer.end(body);
  for (const copy of copies) {
    const bytes = copy.headers.bytes();
    let block = blocks.indexOf(bytes);
    if (block < 0) block = blocks.push(bytes) - 1;
    facts += encodeCopy(copy, block);
  }
  if (facts > MOST_FACTS) throw problems.TOO_MUCH_CONTEXT(first.id, String(facts));
  const lengths = Buffer.allocUnsafe(4 * blocks.length);
  for (const [i, block] of blocks.entries()) lengths.writeUInt32BE(block.length, 4 * i);
  writer.octets(TAG.blocks, lengths);
  writer.u32(TAG.commit, copies.length);
  const meta = writer.take();
  const data: Uint8Array[] = content.file === undefined ? [...blocks, ...(content.resident ?? [])] : blocks;
  const head = encodeHead(KIND.reception, meta, data);
  return { parts: [head, meta, ...data], length: FRAME_HEAD + meta.length + head.readUInt32BE(12) };
}

/** Answers how many octets of context there were. */
function encodeTransaction(reception: Reception): number {
  const at = writer.begin(TAG.txn);
  id(TXN.batch, reception.batchId);
  id(TXN.connection, reception.connectionId);
  writer.text(TXN.protocol, reception.protocol);
  endpoint(TXN.source, reception.source);
  endpoint(TXN.local, reception.local);
  writer.f64(TXN.receivedAt, reception.receivedAt);
  if (reception.sender) writer.text(TXN.sender, addressText(reception.sender));
  const facts = reception.facts.size > 0 ? reception.facts.encode() : undefined;
  if (facts) writer.octets(TXN.facts, facts);
  if (reception.helo !== undefined) writer.text(TXN.helo, reception.helo);
  if (reception.user !== undefined) writer.text(TXN.user, reception.user);
  if (reception.pathway !== undefined) writer.text(TXN.pathway, reception.pathway);
  if (reception.smtpUtf8) writer.u32(TXN.utf8, 1);
  if (reception.requireTls) writer.u32(TXN.requireTls, 1);
  if (reception.envelopeId !== undefined) writer.text(TXN.envelope, reception.envelopeId);
  if (reception.returnContent !== undefined) writer.text(TXN.ret, reception.returnContent);
  writer.end(at);
  return facts?.length ?? 0;
}

function encodeCopy(copy: Copy, block: number): number {
  const at = writer.begin(TAG.copy);
  id(COPY.id, copy.id);
  writer.text(COPY.recipient, addressText(copy.recipient));
  writer.text(COPY.place, `${copy.place.group}\n${copy.place.binding}\n${copy.place.domain}`);
  if (block > 0) writer.u32(COPY.block, block);
  const facts = copy.facts.size > 0 ? copy.facts.encode() : undefined;
  if (facts) writer.octets(COPY.facts, facts);
  if (copy.notify !== 0) writer.u32(COPY.notify, copy.notify);
  if (copy.originalRecipient !== undefined) writer.text(COPY.original, copy.originalRecipient);
  if (copy.priority !== 0) writer.u32(COPY.priority, copy.priority);
  if (copy.attempts !== 0) writer.u32(COPY.attempts, copy.attempts);
  if (copy.nextAttempt !== 0) writer.f64(COPY.next, copy.nextAttempt);
  if (copy.lastReply !== '') writer.text(COPY.reply, copy.lastReply);
  if (copy.quarantined !== undefined) writer.text(COPY.quarantined, copy.quarantined);
  if (copy.notice) writer.u32(COPY.notice, 1);
  writer.end(at);
  return facts?.length ?? 0;
}

export interface PlaceNames {
  readonly group: string;
  readonly binding: string;
  readonly domain: string;
}

/** What recovery has to know of a copy. */
export interface CopySketch {
  /** Slot of the id, and its incarnation and counter as one number. */
  readonly idHigh: number;
  readonly idLow: number;
  readonly place: PlaceNames;
  readonly attempts: number;
  readonly nextAttempt: number;
  readonly priority: 0 | 1;
  readonly lastReply: string;
}

export interface ReceptionSketch {
  readonly receivedAt: number;
  /** Segment that compaction took it from. */
  readonly movedFrom: number | undefined;
  /** Name of the body's own file. */
  readonly file: string | undefined;
  readonly copies: readonly CopySketch[];
  /** Copies elsewhere that ended with this record. */
  readonly ends: readonly SpotNumbers[];
}

const text = (meta: Buffer, field: { readonly from: number; readonly to: number }): string => meta.toString('utf8', field.from, field.to);

export function readPlace(words: string): PlaceNames {
  const [group = '', binding = '', domain = ''] = words.split('\n');
  return { group, binding, domain };
}

/** Reads a meta part as far as recovery needs it. Throws RangeError or a problem when it is not whole. */
export function sketchReception(meta: Buffer): ReceptionSketch {
  let receivedAt = 0;
  let movedFrom: number | undefined;
  let file: string | undefined;
  let committed = -1;
  const ends: SpotNumbers[] = [];
  const copies: CopySketch[] = [];
  for (const field of readFields(meta)) {
    if (field.tag === TAG.from) movedFrom = meta.readUInt32BE(field.from);
    else if (field.tag === TAG.end) {
      ends.push({
        segment: meta.readUInt32BE(field.from),
        offset: meta.readUInt32BE(field.from + 4),
        index: meta.readUInt16BE(field.from + 8),
      });
    } else if (field.tag === TAG.commit) committed = meta.readUInt32BE(field.from);
    else if (field.tag === TAG.txn) {
      for (const inner of readFields(meta, field.from, field.to))
        if (inner.tag === TXN.receivedAt) receivedAt = meta.readDoubleBE(inner.from);
    } else if (field.tag === TAG.body) {
      for (const inner of readFields(meta, field.from, field.to)) if (inner.tag === BODY.file) file = text(meta, inner);
    } else if (field.tag === TAG.copy) copies.push(sketchCopy(meta, field.from, field.to));
  }
  if (committed !== copies.length) throw problems.NOT_COMMITTED(String(copies.length), String(committed));
  return { receivedAt, movedFrom, file, copies, ends };
}

function sketchCopy(meta: Buffer, from: number, to: number): CopySketch {
  const sketch = {
    idHigh: 0,
    idLow: 0,
    place: { group: '', binding: '', domain: '' } as PlaceNames,
    attempts: 0,
    nextAttempt: 0,
    priority: 0 as 0 | 1,
    lastReply: '',
  };
  for (const field of readFields(meta, from, to)) {
    if (field.tag === COPY.id) {
      sketch.idHigh = meta.readUInt32BE(field.from);
      sketch.idLow = meta.readUInt32BE(field.from + 4);
    } else if (field.tag === COPY.place) sketch.place = readPlace(text(meta, field));
    else if (field.tag === COPY.attempts) sketch.attempts = meta.readUInt32BE(field.from);
    else if (field.tag === COPY.next) sketch.nextAttempt = meta.readDoubleBE(field.from);
    else if (field.tag === COPY.priority) sketch.priority = meta.readUInt32BE(field.from) === 1 ? 1 : 0;
    else if (field.tag === COPY.reply) sketch.lastReply = text(meta, field);
  }
  return sketch;
}

/** All copies of a reception with their octets. `largeBody` opens a body that has a file of its own. */
export function decodeReception(
  meta: Buffer,
  data: Buffer,
  largeBody: (file: string, size: number, dots: boolean, eightBit: boolean) => Body,
): readonly Copy[] {
  let reception: Reception | undefined;
  let blocks: readonly Headers[] = [];
  let bodyFacts = { size: 0, flags: 0, file: undefined as string | undefined };
  let dataAt = 0;
  for (const field of readFields(meta)) {
    if (field.tag === TAG.txn) reception = readTransaction(meta, field.from, field.to);
    else if (field.tag === TAG.body) bodyFacts = readBody(meta, field.from, field.to);
    else if (field.tag === TAG.blocks) {
      const found: Headers[] = [];
      for (let at = field.from; at < field.to; at += 4) {
        const length = meta.readUInt32BE(at);
        found.push(new Headers(data.subarray(dataAt, dataAt + length)));
        dataAt += length;
      }
      blocks = found;
    }
  }
  if (!reception) throw problems.NOT_COMMITTED('0', '0');
  const dots = (bodyFacts.flags & FLAG.dots) !== 0;
  const eightBit = (bodyFacts.flags & FLAG.eightBit) !== 0;
  const rest = data.subarray(dataAt);
  const content =
    bodyFacts.file === undefined
      ? new ResidentBody([rest], rest.length, dots, eightBit)
      : largeBody(bodyFacts.file, bodyFacts.size, dots, eightBit);
  const copies: Copy[] = [];
  for (const field of readFields(meta))
    if (field.tag === TAG.copy) copies.push(readCopy(meta, field.from, field.to, reception, blocks, content));
  return copies;
}

function readBody(meta: Buffer, from: number, to: number): { size: number; flags: number; file: string | undefined } {
  const body = { size: 0, flags: 0, file: undefined as string | undefined };
  for (const field of readFields(meta, from, to)) {
    if (field.tag === BODY.size) body.size = meta.readDoubleBE(field.from);
    else if (field.tag === BODY.flags) body.flags = meta.readUInt32BE(field.from);
    else if (field.tag === BODY.file) body.file = text(meta, field);
  }
  return body;
}

function readTransaction(meta: Buffer, from: number, to: number): Reception {
  const found: { -readonly [K in keyof Reception]: Reception[K] } = {
    batchId: '',
    connectionId: '',
    protocol: 'esmtp',
    receivedAt: 0,
    sender: null,
    facts: new Facts(),
    smtpUtf8: false,
  };
  for (const field of readFields(meta, from, to)) {
    if (field.tag === TXN.batch) found.batchId = decodeId(meta, field.from);
    else if (field.tag === TXN.connection) found.connectionId = decodeId(meta, field.from);
    else if (field.tag === TXN.protocol) found.protocol = text(meta, field) as Protocol;
    else if (field.tag === TXN.source) found.source = readEndpoint(text(meta, field));
    else if (field.tag === TXN.local) found.local = readEndpoint(text(meta, field));
    else if (field.tag === TXN.receivedAt) found.receivedAt = meta.readDoubleBE(field.from);
    else if (field.tag === TXN.sender) found.sender = readAddress(text(meta, field));
    else if (field.tag === TXN.facts) found.facts = Facts.decode(meta.subarray(field.from, field.to));
    else if (field.tag === TXN.helo) found.helo = text(meta, field);
    else if (field.tag === TXN.user) found.user = text(meta, field);
    else if (field.tag === TXN.pathway) found.pathway = text(meta, field);
    else if (field.tag === TXN.utf8) found.smtpUtf8 = true;
    else if (field.tag === TXN.requireTls) found.requireTls = true;
    else if (field.tag === TXN.envelope) found.envelopeId = text(meta, field);
    else if (field.tag === TXN.ret) found.returnContent = text(meta, field) === 'full' ? 'full' : 'headers';
  }
  return found;
}

function readCopy(meta: Buffer, from: number, to: number, reception: Reception, blocks: readonly Headers[], content: Body): Copy {
  let facts: Facts | undefined;
  let block = 0;
  let recipient: Address | undefined;
  let copyId = '';
  for (const field of readFields(meta, from, to)) {
    if (field.tag === COPY.id) copyId = decodeId(meta, field.from);
    else if (field.tag === COPY.recipient) recipient = readAddress(text(meta, field));
    else if (field.tag === COPY.facts) facts = Facts.decode(meta.subarray(field.from, field.to));
    else if (field.tag === COPY.block) block = meta.readUInt32BE(field.from);
  }
  const headers = blocks[block];
  if (!headers || !recipient) throw problems.NOT_COMMITTED('1', '0');
  const copy = new Copy(copyId, reception, [recipient], headers, content, facts ?? new Facts());
  for (const field of readFields(meta, from, to)) {
    if (field.tag === COPY.notify) copy.notify = meta.readUInt32BE(field.from);
    else if (field.tag === COPY.original) copy.originalRecipient = text(meta, field);
    else if (field.tag === COPY.priority) copy.priority = meta.readUInt32BE(field.from) === 1 ? 1 : 0;
    else if (field.tag === COPY.attempts) copy.attempts = meta.readUInt32BE(field.from);
    else if (field.tag === COPY.next) copy.nextAttempt = meta.readDoubleBE(field.from);
    else if (field.tag === COPY.reply) copy.lastReply = text(meta, field);
    else if (field.tag === COPY.quarantined) copy.quarantined = text(meta, field);
    else if (field.tag === COPY.notice) copy.notice = true;
    else if (field.tag === COPY.place) {
      const { group, binding, domain } = readPlace(text(meta, field));
      copy.place = { group, binding, domain, index: -1 };
    }
  }
  return copy;
}
