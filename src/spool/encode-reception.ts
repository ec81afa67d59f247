/** Receptions as octets: what copies share once, then the copies; header blocks and bodies as they are. One frame is one atomic write. */
import path from 'node:path';
import { ID_BYTES } from '../kernel/ids.js';
import type { Address } from '../mail/address.js';
import type { Copy } from '../module/copy.js';
import type { Body, Reception } from '../module/message.js';
import type { Endpoint } from '../module/session.js';
import { FieldWriter } from './fields.js';
import { closeFrame, FRAME_HEAD, KIND } from './frame.js';
import { writeId } from './id-octets.js';
import { FileBody } from './large.js';
import { placeText } from './place-names.js';
import { problems } from './problems.js';
import { BODY, BODY_FLAG, COPY, TAG, TXN } from './reception-tags.js';

/** Both dictionaries of a reception together. */
const MOST_FACTS = 65_536;
/** A copy is named by its number in the frame in 16 bits. */
const MOST_COPIES = 65_535;

const writer = new FieldWriter();

/** A frame ready to be marked and appended. */
export interface EncodedFrame {
  /** Its head, meta part and header blocks. */
  readonly front: Buffer;
  /** Bodies. */
  readonly rest: readonly Uint8Array[];
  readonly length: number;
}

/** The two halves of a copy's id. */
export interface IdNumbers {
  readonly high: number;
  readonly low: number;
}

/** What the copies of a frame share, each thing once, numbered as it came. */
interface Shared {
  readonly receptions: Reception[];
  readonly bodies: Body[];
  readonly blocks: Buffer[];
}

/** Octets of copies; `ends` are copies elsewhere that end with this record. Throws a coded problem when the context is too large. */
export function encodeReception(copies: readonly Copy[], ends: readonly IdNumbers[] = []): EncodedFrame {
  const [first] = copies;
  if (!first) throw new RangeError('a reception without copies');
  if (copies.length > MOST_COPIES) throw problems.TOO_MANY_COPIES(String(copies.length), String(MOST_COPIES));
  writer.clear(FRAME_HEAD);
  for (const { high, low } of ends) {
    const { bytes, at } = writer.space(TAG.end, ID_BYTES);
    bytes.writeUInt32BE(high, at);
    bytes.writeUInt32BE(low, at + 4);
  }
  const shared: Shared = { receptions: [], bodies: [], blocks: [] };
  let facts = 0;
  for (const copy of copies) facts += encodeCopy(copy, shared);
  if (facts > MOST_FACTS) throw problems.TOO_MUCH_CONTEXT(first.id, String(facts), String(MOST_FACTS));
  const lengths = writer.space(TAG.blocks, 4 * shared.blocks.length);
  shared.blocks.forEach((block, i) => void lengths.bytes.writeUInt32BE(block.length, lengths.at + 4 * i));
  writer.u32(TAG.commit, copies.length);
  const metaLength = writer.length - FRAME_HEAD;
  for (const block of shared.blocks) writer.raw(block);
  const front = writer.take();
  const rest: Uint8Array[] = [];
  for (const { resident } of shared.bodies) for (const chunk of resident ?? []) if (chunk.length > 0) rest.push(chunk);
  return { front, rest, length: closeFrame(KIND.reception, front, metaLength, rest) };
}

/** Number of a thing in its list; it joins the list when it is new, and `isNew` is told. */
function numberOf<T>(list: T[], thing: T, isNew?: (thing: T) => void): number {
  const last = list.length - 1;
  if (last >= 0 && list[last] === thing) return last;
  const known = list.indexOf(thing);
  if (known >= 0) return known;
  isNew?.(thing);
  return list.push(thing) - 1;
}

const addressText = (address: Address): string => `${address.local}\n${address.domain}`;

function encodeId(tag: number, text: string): void {
  const { bytes, at } = writer.space(tag, ID_BYTES);
  writeId(text, bytes, at);
}

function encodeEndpoint(tag: number, end: Endpoint | undefined): void {
  if (end) writer.text(tag, `${end.ip} ${end.port}`);
}

/** Answers how many octets of context there were. */
function encodeCopy(copy: Copy, shared: Shared): number {
  let context = 0;
  const txn = numberOf(shared.receptions, copy.reception, (reception) => {
    context += encodeTransaction(reception);
  });
  const body = numberOf(shared.bodies, copy.content, encodeBody);
  const block = numberOf(shared.blocks, copy.headers.bytes());
  const at = writer.begin(TAG.copy);
  encodeId(COPY.id, copy.id);
  writer.text(COPY.recipient, addressText(copy.recipient));
  writer.text(COPY.place, placeText(copy.place));
  if (txn > 0) writer.u32(COPY.txn, txn);
  if (body > 0) writer.u32(COPY.body, body);
  if (block > 0) writer.u32(COPY.block, block);
  if (copy.facts.size > 0) {
    const octets = copy.facts.encode();
    context += octets.length;
    writer.octets(COPY.facts, octets);
  }
  if (copy.notify !== 0) writer.u32(COPY.notify, copy.notify);
  if (copy.originalRecipient !== undefined) writer.text(COPY.original, copy.originalRecipient);
  if (copy.priority !== 0) writer.u32(COPY.priority, copy.priority >>> 0);
  if (copy.attempts !== 0) writer.u32(COPY.attempts, copy.attempts);
  if (copy.nextAttempt !== 0) writer.f64(COPY.next, copy.nextAttempt);
  if (copy.lastReply !== '') writer.text(COPY.reply, copy.lastReply);
  if (copy.quarantined !== undefined) writer.text(COPY.quarantined, copy.quarantined);
  if (copy.notice) writer.u32(COPY.notice, 1);
  writer.end(at);
  return context;
}

function encodeBody(content: Body): void {
  const { file, resident } = content;
  if (file === undefined && resident === undefined) throw new RangeError('a body that is neither in memory nor in a file of the spool');
  const at = writer.begin(TAG.body);
  writer.f64(BODY.size, content.size);
  writer.u32(BODY.flags, (content.dots ? BODY_FLAG.dots : 0) | (content.eightBit ? BODY_FLAG.eightBit : 0));
  if (file !== undefined) {
    writer.text(BODY.file, path.basename(file));
    if (content instanceof FileBody) writer.u32(BODY.crc, content.crc);
  }
  writer.end(at);
}

/** Answers how many octets of context there were. */
function encodeTransaction(reception: Reception): number {
  const at = writer.begin(TAG.txn);
  encodeId(TXN.batch, reception.batchId);
  encodeId(TXN.connection, reception.connectionId);
  writer.text(TXN.protocol, reception.protocol);
  encodeEndpoint(TXN.source, reception.source);
  encodeEndpoint(TXN.local, reception.local);
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
