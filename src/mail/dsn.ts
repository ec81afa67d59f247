/** Delivery status notices (RFC 3461-3464): the octets of a multipart/report from facts. */
import type { Address } from './address.js';
import { formatField } from './headers.js';
import { joinLine, parseOneLine } from './reply.js';

export interface FailedRecipient {
  readonly address: Address;
  /** RFC 3461 ORCPT as `type;address`. */
  readonly original: string | undefined;
  readonly action: 'failed' | 'delayed';
  /** The last reply on one line, code first. */
  readonly reply: string;
  /** Host that gave it; undefined when it was ours. */
  readonly remoteHost: string | undefined;
  /** RFC 5322 date of the last attempt. */
  readonly lastAttempt: string;
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
  readonly boundary: string;
  /** Our name. */
  readonly reportingHost: string;
  readonly envelopeId: string | undefined;
  readonly arrivalDate: string;
  readonly recipient: FailedRecipient;
  /** Header block of the failed message, and its body when it goes along whole. */
  readonly original: { readonly headers: Buffer; readonly body: readonly Uint8Array[] | undefined } | undefined;
}

const NON_ASCII = /[^\0-\x7f]/;
/** RFC 5322 2.1.1, with room for the field name. */
const LONGEST_TEXT = 900;

/** A value inside a report: one line, cut where a line would be too long. */
const clean = (text: string): string => joinLine(text).slice(0, LONGEST_TEXT);

/** RFC 3463 status of a reply; a reply without one gets the class of its code. */
export function statusOf(reply: string): string {
  const read = parseOneLine(reply);
  if (read && read.status !== '') return read.status;
  return read && read.code < 500 ? '4.0.0' : '5.0.0';
}

const xtext = (text: string): string =>
  text.replace(/[^!-*,-<>-~]/g, (c) =>
    [...Buffer.from(c, 'utf8')].map((b) => `+${b.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );

const encodeWord = (text: string): string => (NON_ASCII.test(text) ? `=?utf-8?B?${Buffer.from(text, 'utf8').toString('base64')}?=` : text);

/** `rfc822;a@b`, or RFC 6533's utf-8 type for an address beyond ASCII. */
const typed = (address: Address): string => {
  const text = String(address);
  return NON_ASCII.test(text) ? `utf-8;${text}` : `rfc822;${text}`;
};

/** Header block and body of a notice. */
export function formatNotice(facts: NoticeFacts): { readonly headers: Buffer; readonly body: Buffer; readonly eightBit: boolean } {
  const { recipient, boundary, original } = facts;
  const headers =
    formatField('From', encodeAddressed(facts.from)) +
    formatField('To', String(facts.to)) +
    formatField('Subject', encodeWord(clean(facts.subject))) +
    formatField('Date', facts.date) +
    formatField('Message-ID', facts.messageId) +
    formatField('Auto-Submitted', 'auto-replied') +
    formatField('MIME-Version', '1.0') +
    formatField('Content-Type', `multipart/report; report-type=delivery-status;\r\n\tboundary="${boundary}"`) +
    '\r\n';
  const report =
    formatField('Reporting-MTA', `dns;${facts.reportingHost}`) +
    (facts.envelopeId === undefined ? '' : formatField('Original-Envelope-Id', xtext(facts.envelopeId))) +
    formatField('Arrival-Date', facts.arrivalDate) +
    '\r\n' +
    (recipient.original === undefined ? '' : formatField('Original-Recipient', clean(recipient.original))) +
    formatField('Final-Recipient', clean(typed(recipient.address))) +
    formatField('Action', recipient.action) +
    formatField('Status', statusOf(recipient.reply)) +
    (recipient.remoteHost === undefined ? '' : formatField('Remote-MTA', `dns;${clean(recipient.remoteHost)}`)) +
    formatField('Diagnostic-Code', `smtp;${clean(recipient.reply)}`) +
    formatField('Last-Attempt-Date', recipient.lastAttempt);
  const parts: Buffer[] = [
    Buffer.from(
      `This is a report about a message that could not be delivered.\r\n\r\n--${boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: ${NON_ASCII.test(facts.text) ? '8bit' : '7bit'}\r\n\r\n${facts.text.split(/\r?\n/).map(wrap).join('\r\n')}\r\n\r\n--${boundary}\r\nContent-Type: message/${NON_ASCII.test(report) ? 'global-' : ''}delivery-status\r\n\r\n${report}\r\n`,
      'utf8',
    ),
  ];
  if (original) {
    const whole = original.body !== undefined;
    parts.push(
      Buffer.from(`--${boundary}\r\nContent-Type: ${whole ? 'message/rfc822' : 'text/rfc822-headers'}\r\n\r\n`, 'latin1'),
      original.headers,
    );
    for (const chunk of original.body ?? []) parts.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
    parts.push(Buffer.from('\r\n', 'latin1'));
  }
  parts.push(Buffer.from(`--${boundary}--\r\n`, 'latin1'));
  const body = Buffer.concat(parts);
  return { headers: Buffer.from(headers, 'utf8'), body, eightBit: body.some((octet) => octet >= 0x80) };
}

/** Lines for people are kept below the limit of RFC 5322. */
const wrap = (line: string): string => (line.length <= LONGEST_TEXT ? line : (line.match(/.{1,900}/gs) ?? []).join('\r\n'));

/** Encodes the display name of `Name <address>` where it needs it. */
function encodeAddressed(text: string): string {
  const named = /^(.*?)\s*<([^<>]+)>$/s.exec(text);
  return named?.[1] ? `${encodeWord(named[1].replaceAll('"', ''))} <${named[2]}>` : clean(text);
}
