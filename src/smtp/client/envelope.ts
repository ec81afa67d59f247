/** The command lines of a transaction, from a batch and what the server can do. */
import { formatByTime, readDeliverBy } from '../../mail/deliver-by.js';
import { encodeXtext } from '../../mail/xtext.js';
import type { Copy } from '../../module/copy.js';
import { NOTIFY } from '../../module/message.js';
import type { Batch } from './batch.js';
import type { Capabilities } from './capabilities.js';
import type { ClientTerms } from './terms.js';
import { WORDS } from './words.js';

const NON_ASCII = /[^\0-\x7f]/;

const isEightBit = (bytes: Uint8Array): boolean => bytes.some((octet) => octet >= 0x80);

/** RFC 6531: the message can only go to a server that says SMTPUTF8. The flag of the reception alone does not make it so. */
function needsUtf8(batch: Batch): boolean {
  const [first] = batch.mails;
  if (!first) return false;
  if (first.sender?.isInternational || batch.mails.some((mail) => mail.recipient.isInternational)) return true;
  return first.reception.smtpUtf8 && isEightBit(first.headers.bytes());
}

/** The content has to be rewritten before this server gets it. */
export const needsDowngrade = (batch: Batch, can: Capabilities, terms: ClientTerms): boolean =>
  terms.downgrade !== 'no' && !can.eightBitMime && batch.mails[0]?.content.eightBit === true;

/** Why this batch may not go to this server at all, code first; undefined when it may. `now`: wall milliseconds. `isProven`: it is encrypted, and the host it should be. */
export function findObstacle(batch: Batch, can: Capabilities, terms: ClientTerms, now: number, isProven = false): string | undefined {
  const [first] = batch.mails;
  if (!first) return undefined;
  if (first.reception.requireTls) {
    if (!terms.vouched) return WORDS.requireTlsUnproven;
    if (!isProven || !can.requireTls) return WORDS.requireTlsMissing;
  }
  if (!can.smtpUtf8 && needsUtf8(batch)) return WORDS.utf8Missing;
  if (terms.strictEightBit && !can.eightBitMime && first.content.eightBit) return WORDS.eightBitMissing;
  const by = readDeliverBy(first.facts.get('deliver_by'));
  if (by?.mode === 'R') {
    // RFC 2852: what is to come back in time goes only to a server that will see to it.
    if (can.deliverBy === undefined) return WORDS.deliverByMissing;
    if (by.at - now < Math.max(1, can.deliverBy) * 1000) return WORDS.timeTooShort;
  }
  return undefined;
}

/** MAIL FROM with its parameters, CRLF included. */
export function formatMail(batch: Batch, can: Capabilities, terms: ClientTerms, now: number): string {
  const [first] = batch.mails;
  if (!first) return '';
  let line = `MAIL FROM:<${first.sender ?? ''}>`;
  // Rewritten it has another size, which is not known yet.
  if (can.size && !needsDowngrade(batch, can, terms)) line += ` SIZE=${first.size}`;
  if (can.eightBitMime && terms.sendEightBit && first.content.eightBit) line += ' BODY=8BITMIME';
  if (can.smtpUtf8 && needsUtf8(batch)) line += ' SMTPUTF8';
  if (first.reception.requireTls) line += ' REQUIRETLS';
  const by = can.deliverBy === undefined ? undefined : readDeliverBy(first.facts.get('deliver_by'));
  if (by) line += ` ${formatByTime(by, now)}`;
  // RFC 6710 4.2: what was granted here, 0 included.
  if (can.mtPriority) line += ` MT-PRIORITY=${first.priority}`;
  if (can.dsn) {
    const { returnContent, envelopeId } = first.reception;
    if (returnContent !== undefined) line += returnContent === 'full' ? ' RET=FULL' : ' RET=HDRS';
    if (envelopeId !== undefined) line += ` ENVID=${encodeXtext(envelopeId)}`;
  }
  return `${line}\r\n`;
}

/** RCPT TO with its parameters, CRLF included. `now`: wall milliseconds. */
export function formatRcpt(mail: Copy, can: Capabilities, now: number): string {
  let line = `RCPT TO:<${mail.recipient}>`;
  if (can.dsn) {
    const notify = mail.facts.has('deliver_by') ? notifyFor(mail, can, now) : mail.notify;
    if (notify !== 0) line += ` NOTIFY=${formatNotify(notify)}`;
    if (mail.originalRecipient !== undefined) line += formatOriginal(mail.originalRecipient, can);
  }
  return `${line}\r\n`;
}

/** RFC 2852 4.1.4.2: a server that knows of no time is asked to tell when the mail is late. */
function notifyFor({ notify, facts }: Copy, can: Capabilities, now: number): number {
  const by = can.deliverBy === undefined ? readDeliverBy(facts.get('deliver_by')) : undefined;
  if (by?.mode !== 'N' || by.at <= now || notify & NOTIFY.never) return notify;
  return notify === 0 ? NOTIFY.failure | NOTIFY.delay : notify | NOTIFY.delay;
}

function formatNotify(bits: number): string {
  if (bits & NOTIFY.never) return 'NEVER';
  const words: string[] = [];
  if (bits & NOTIFY.success) words.push('SUCCESS');
  if (bits & NOTIFY.failure) words.push('FAILURE');
  if (bits & NOTIFY.delay) words.push('DELAY');
  return words.join(',');
}

/** `type;address`; a type that is no atom, or an address the server cannot take, is left out. */
function formatOriginal(original: string, can: Capabilities): string {
  const parts = /^([A-Za-z0-9-]+);(.+)$/s.exec(original);
  if (!parts?.[1] || !parts[2] || (NON_ASCII.test(parts[2]) && !can.smtpUtf8)) return '';
  return ` ORCPT=${parts[1]};${encodeXtext(parts[2])}`;
}
