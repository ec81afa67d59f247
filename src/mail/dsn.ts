/** Delivery status notices (RFC 3461-3464): the octets of a multipart/report from facts. */
import { isAscii } from 'node:buffer';
import type { Address } from './address.js';
import { encodeMailbox, encodeText } from './encoded-word.js';
import { formatField } from './headers.js';
import { clipOctets, foldLongLines, hasLongLine, wrapLines } from './line-length.js';
import { joinLine, parseOneLine } from './reply.js';

export interface FailedRecipient {
  readonly address: Address;
  /** RFC 3461 ORCPT as `type;address`, decoded from xtext. */
  readonly original: string | undefined;
  readonly action: 'failed' | 'delayed' | 'delivered' | 'relayed';
  /** The last reply on one line, code first. */
  readonly reply: string;
  /** Host that gave it; undefined when it was ours. */
  readonly remoteHost: string | undefined;
  /** RFC 5322 date of the last attempt; undefined when it is not known. */
  readonly lastAttempt: string | undefined;
  /** RFC 5322 date until which a delayed message is tried. */
  readonly retryUntil?: string;
}

export interface NoticeFacts {
  /** `From:` of the notice, an address or a name with an address. */
  readonly from: string;
  readonly to: Address;
  readonly subject: string;
  /** The part for people; lines parted by \n. */
  readonly text: string;
  readonly date: string;
  readonly messageId: string;
  /** Must not occur in the original. */
  readonly boundary: string;
  /** Our name. */
  readonly reportingHost: string;
  /** RFC 3461 ENVID, decoded from xtext. */
  readonly envelopeId: string | undefined;
  readonly arrivalDate: string;
  /** RFC 5322 date by which its sender wanted it delivered (RFC 2852 5). */
  readonly deliverByDate?: string | undefined;
  readonly recipient: FailedRecipient;
  /** Header block of the failed message, and its body when it goes along whole. A body with lines above 998 octets stays out. */
  readonly original: { readonly headers: Buffer; readonly body: readonly Uint8Array[] | undefined } | undefined;
}

export interface NoticeBytes {
  readonly headers: Buffer;
  readonly body: Buffer;
  readonly eightBit: boolean;
}

/** Room that a field name takes in a line. */
const LONGEST_VALUE = 900;

/** A value inside a report: one line, cut where a line would be too long. */
const clean = (text: string): string => clipOctets(joinLine(text), LONGEST_VALUE);

/** RFC 3463 status of a reply; a reply without one gets the class of its code. */
export function statusOf(reply: string): string {
  const read = parseOneLine(reply);
  if (read && read.status !== '') return read.status;
  return !read || read.code >= 500 ? '5.0.0' : read.code < 300 ? '2.0.0' : '4.0.0';
}

/** `rfc822;a@b`, or RFC 6533's utf-8 type for an address beyond ASCII. */
const typed = (address: Address): string => `${address.isInternational ? 'utf-8' : 'rfc822'};${address}`;

const isPlain = (text: string): boolean => isAscii(Buffer.from(text, 'utf8'));

/** Header block and body of a notice. */
export function formatNotice(facts: NoticeFacts): NoticeBytes {
  const { boundary, original } = facts;
  const report = formatReport(facts);
  const text = wrapLines(facts.text);
  const parts: Buffer[] = [
    Buffer.from(
      `This is a report about the delivery of a message, in MIME format.\r\n\r\n--${boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: ${isPlain(text) ? '7bit' : '8bit'}\r\n\r\n${text}\r\n\r\n--${boundary}\r\nContent-Type: message/${isPlain(report) ? '' : 'global-'}delivery-status\r\n${transferEncoding(isPlain(report))}\r\n${report}\r\n`,
      'utf8',
    ),
  ];
  if (original) parts.push(...formatOriginal(original.headers, original.body, boundary));
  parts.push(Buffer.from(`--${boundary}--\r\n`, 'latin1'));
  const body = Buffer.concat(parts);
  return { headers: formatHeaders(facts), body, eightBit: !isAscii(body) };
}

function formatHeaders(facts: NoticeFacts): Buffer {
  return Buffer.from(
    formatField('From', encodeMailbox(clean(facts.from))) +
      formatField('To', String(facts.to)) +
      formatField('Subject', encodeText(clean(facts.subject))) +
      formatField('Date', facts.date) +
      formatField('Message-ID', facts.messageId) +
      formatField('Auto-Submitted', 'auto-replied') +
      formatField('MIME-Version', '1.0') +
      formatField('Content-Type', `multipart/report; report-type=delivery-status;\r\n\tboundary="${facts.boundary}"`) +
      '\r\n',
    'utf8',
  );
}

/** The fields for programs. ENVID and ORCPT stand decoded here (RFC 3461 6.3). */
function formatReport({ recipient, reportingHost, envelopeId, arrivalDate, deliverByDate }: NoticeFacts): string {
  return (
    formatField('Reporting-MTA', `dns;${reportingHost}`) +
    optional('Original-Envelope-Id', envelopeId) +
    formatField('Arrival-Date', arrivalDate) +
    optional('Deliver-By-Date', deliverByDate) +
    '\r\n' +
    optional('Original-Recipient', recipient.original) +
    formatField('Final-Recipient', clean(typed(recipient.address))) +
    formatField('Action', recipient.action) +
    formatField('Status', statusOf(recipient.reply)) +
    optional('Remote-MTA', recipient.remoteHost === undefined ? undefined : `dns;${recipient.remoteHost}`) +
    formatField('Diagnostic-Code', `smtp;${clean(recipient.reply)}`) +
    optional('Last-Attempt-Date', recipient.lastAttempt) +
    optional('Will-Retry-Until', recipient.retryUntil)
  );
}

const optional = (name: string, value: string | undefined): string => (value === undefined ? '' : formatField(name, clean(value)));

const transferEncoding = (plain: boolean): string => (plain ? '' : 'Content-Transfer-Encoding: 8bit\r\n');

/** The original, whole or its headers; the `global` types of RFC 6532 and 6533 where the header block is beyond ASCII. */
function formatOriginal(block: Buffer, body: readonly Uint8Array[] | undefined, boundary: string): Buffer[] {
  const whole = body !== undefined && !hasLongLine(body);
  const headers = foldLongLines(block);
  const plain = isAscii(headers);
  const type = whole ? (plain ? 'message/rfc822' : 'message/global') : plain ? 'text/rfc822-headers' : 'message/global-headers';
  const plainContent = plain && (!whole || body.every((chunk) => isAscii(chunk)));
  const parts = [Buffer.from(`--${boundary}\r\nContent-Type: ${type}\r\n${transferEncoding(plainContent)}\r\n`, 'latin1'), headers];
  if (whole) for (const chunk of body) parts.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
  parts.push(Buffer.from('\r\n', 'latin1'));
  return parts;
}
