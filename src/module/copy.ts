/** The one class behind Draft and Mail: a record that reception fills, the spool keeps and delivery reads. */
import { isAscii } from 'node:buffer';
import type { Address } from '../mail/address.js';
import type { Facts } from '../mail/facts.js';
import type { Headers } from '../mail/headers.js';
import type { Body, Draft, Mail, Reception, Unspooled } from './message.js';
import type { Place } from './place.js';

/** Ticket of a copy that is in no spool yet. */
export const NO_TICKET = -1;

const NOWHERE: Place = Object.freeze({ group: 'default', binding: 'default', domain: '', index: -1 });

export class Copy implements Draft, Mail {
  readonly id: string;
  readonly reception: Reception;
  headers: Headers;
  content: Body;
  readonly facts: Facts;
  recipients: Address[];
  binding?: string;
  bindingGroup?: string;
  routingDomain?: string;
  #priority = 0;
  line = '';
  /** Undefined again as soon as it is written. */
  unspooled: Unspooled | undefined;
  quarantined: string | undefined;
  place: Place = NOWHERE;
  ticket = NO_TICKET;
  attempts = 0;
  nextAttempt = 0;
  lastReply = '';
  notify = 0;
  originalRecipient: string | undefined;
  notice = false;

  constructor(id: string, reception: Reception, recipients: Address[], headers: Headers, content: Body, facts: Facts) {
    this.id = id;
    this.reception = reception;
    this.recipients = recipients;
    this.headers = headers;
    this.content = content;
    this.facts = facts;
  }

  get priority(): number {
    return this.#priority;
  }

  /** What is no whole number from -9 to 9 is brought there: modules may say anything. */
  set priority(wanted: number) {
    this.#priority = Math.max(-9, Math.min(9, Math.trunc(wanted))) || 0;
  }

  get sender(): Address | null {
    return this.reception.sender;
  }

  get recipient(): Address {
    const [first] = this.recipients;
    if (!first) throw new RangeError(`message ${this.id} has no recipient`);
    return first;
  }

  get size(): number {
    return this.headers.bytes().length + this.content.size;
  }

  setBody(bytes: Uint8Array): void {
    this.content = bodyOf([bytes]);
  }

  quarantine(reason: string): void {
    this.quarantined ??= reason;
  }
}

/** A body in memory. Dots and eight-bit octets are found by looking, so callers that know better hand in a Body of their own. */
export function bodyOf(chunks: readonly Uint8Array[]): Body {
  let size = 0;
  for (const chunk of chunks) size += chunk.length;
  const all = chunks.length === 1 && chunks[0] ? Buffer.from(chunks[0].buffer, chunks[0].byteOffset, size) : Buffer.concat(chunks, size);
  const dots = all[0] === 0x2e || all.includes('\n.');
  const eightBit = !isAscii(all);
  return new ResidentBody([all], size, dots, eightBit);
}

/** A body whose bytes are in memory. */
export class ResidentBody implements Body {
  readonly resident: readonly Uint8Array[];
  readonly size: number;
  readonly dots: boolean;
  readonly eightBit: boolean;
  readonly file = undefined;

  constructor(chunks: readonly Uint8Array[], size: number, dots: boolean, eightBit: boolean) {
    this.resident = chunks;
    this.size = size;
    this.dots = dots;
    this.eightBit = eightBit;
  }

  async *read(): AsyncIterable<Uint8Array> {
    yield* this.resident;
  }
}
