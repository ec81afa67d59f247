/** From octets back to messages: the shared parts of a frame once, then one copy at a time. */
import { decodeId } from '../kernel/ids.js';
import { Address } from '../mail/address.js';
import { Facts } from '../mail/facts.js';
import { Headers } from '../mail/headers.js';
import { Copy, ResidentBody } from '../module/copy.js';
import type { Body, Protocol, Reception } from '../module/message.js';
import type { Endpoint } from '../module/session.js';
import { type FieldSpan, readFields } from './fields.js';
import type { BodyFacts } from './large.js';
import { readPlace } from './place-names.js';
import { problems } from './problems.js';
import { BODY_FLAG, COPY, TXN } from './reception-tags.js';
import { type BodyView, type ReceptionView, viewReception } from './reception-view.js';
import { clampPriority } from './table.js';

/** Opens a body that has a file of its own. */
export type OpenFile = (file: string, facts: BodyFacts) => Body;

/** A frame whose copies can be read one by one. What copies share is the same object for all of them, but for the headers: these can be changed. */
export class DecodedReception {
  readonly view: ReceptionView;
  /** Octets of the record. */
  readonly length: number;
  readonly #receptions: readonly Reception[];
  readonly #bodies: readonly Body[];
  readonly #blocks: readonly Buffer[];

  /** Throws RangeError or a coded problem when the record cannot be understood. */
  constructor(meta: Buffer, data: Buffer, openFile: OpenFile) {
    const view = viewReception(meta);
    this.view = view;
    this.length = meta.length + data.length;
    this.#receptions = view.txns.map((field) => decodeTransaction(meta, field));
    this.#bodies = view.bodies.map((body) => decodeBody(body, data, openFile));
    this.#blocks = view.blocks.map(({ from, to }) => data.subarray(from, to));
  }

  /** The copy of that number. */
  copy(index: number): Copy {
    const { meta, copies } = this.view;
    const field = copies[index];
    if (!field) throw problems.NOT_COMMITTED(String(copies.length), String(index));
    const own = decodeOwn(meta, field);
    const reception = this.#receptions[own.txn];
    const content = this.#bodies[own.body];
    const block = this.#blocks[own.block];
    if (!reception || !content || !block) throw problems.NOT_COMMITTED(String(copies.length), String(index));
    const copy = new Copy(own.id, reception, [own.recipient], new Headers(block), content, own.facts ?? new Facts());
    copy.notify = own.notify;
    copy.originalRecipient = own.originalRecipient;
    copy.priority = own.priority;
    copy.attempts = own.attempts;
    copy.nextAttempt = own.nextAttempt;
    copy.lastReply = own.lastReply;
    copy.quarantined = own.quarantined;
    copy.notice = own.notice;
    copy.place = { ...readPlace(own.place), index: -1 };
    return copy;
  }
}

const text = (meta: Buffer, { from, to }: FieldSpan): string => meta.toString('utf8', from, to);

function readAddress(words: string): Address {
  const at = words.indexOf('\n');
  return new Address(words.slice(0, at), words.slice(at + 1));
}

function readEndpoint(words: string): Endpoint {
  const at = words.indexOf(' ');
  return { ip: words.slice(0, at), port: Number(words.slice(at + 1)) };
}

function decodeBody({ file, size, flags, crc, data: span }: BodyView, data: Buffer, openFile: OpenFile): Body {
  const dots = (flags & BODY_FLAG.dots) !== 0;
  const eightBit = (flags & BODY_FLAG.eightBit) !== 0;
  if (file !== undefined) return openFile(file, { size, dots, eightBit, crc });
  return new ResidentBody([data.subarray(span.from, span.to)], size, dots, eightBit);
}

function decodeTransaction(meta: Buffer, { from, to }: FieldSpan): Reception {
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

const NOBODY = new Address('', '');

/** What a copy has for itself, and the numbers of what it shares. */
class Own {
  id = '';
  recipient = NOBODY;
  facts: Facts | undefined;
  place = '';
  notify = 0;
  originalRecipient: string | undefined;
  priority = 0;
  attempts = 0;
  nextAttempt = 0;
  lastReply = '';
  quarantined: string | undefined;
  notice = false;
  txn = 0;
  body = 0;
  block = 0;
}

function decodeOwn(meta: Buffer, { from, to }: FieldSpan): Own {
  const own = new Own();
  for (const field of readFields(meta, from, to)) {
    if (field.tag === COPY.id) own.id = decodeId(meta, field.from);
    else if (field.tag === COPY.recipient) own.recipient = readAddress(text(meta, field));
    else if (field.tag === COPY.place) own.place = text(meta, field);
    else if (field.tag === COPY.txn) own.txn = meta.readUInt32BE(field.from);
    else if (field.tag === COPY.body) own.body = meta.readUInt32BE(field.from);
    else if (field.tag === COPY.block) own.block = meta.readUInt32BE(field.from);
    else if (field.tag === COPY.facts) own.facts = Facts.decode(meta.subarray(field.from, field.to));
    else if (field.tag === COPY.notify) own.notify = meta.readUInt32BE(field.from);
    else if (field.tag === COPY.original) own.originalRecipient = text(meta, field);
    else if (field.tag === COPY.priority) own.priority = clampPriority(meta.readInt32BE(field.from));
    else if (field.tag === COPY.attempts) own.attempts = meta.readUInt32BE(field.from);
    else if (field.tag === COPY.next) own.nextAttempt = meta.readDoubleBE(field.from);
    else if (field.tag === COPY.reply) own.lastReply = text(meta, field);
    else if (field.tag === COPY.quarantined) own.quarantined = text(meta, field);
    else if (field.tag === COPY.notice) own.notice = true;
  }
  return own;
}
