/** Reads a message that may be a notice about mail of ours: RFC 3464 first, then the forms of qmail, Exim, sendmail, Postfix and Exchange, then plain text. Pure. */
import { type Address, toAddress } from '../mail/address.js';
import { findField, listParts, type Part, splitHead } from './mime.js';

/** What a notice says of one recipient. */
export interface Finding {
  /** Undefined when the notice names nobody. */
  readonly recipient: Address | undefined;
  readonly action: 'failed' | 'delayed' | 'other';
  /** The reply or the words that say why, on one line. */
  readonly text: string;
  /** RFC 3463 status when the notice has one. */
  readonly status: string | undefined;
}

export interface Returned {
  /** `report`: machine readable. `notice`: a bounce in words. `letter`: no notice at all, maybe an automatic answer. `other`: a report of another kind. */
  readonly kind: 'report' | 'notice' | 'letter' | 'other';
  readonly findings: readonly Finding[];
  /** Message-ID of the message the notice is about. */
  readonly messageId: string | undefined;
}

/** Message with its header block as text, and the first octets of its body. */
export interface Letter {
  readonly headers: string;
  readonly body: string;
}

/** Recipients of one report that are told. */
const MOST_FINDINGS = 100;
const LONGEST_REPLY = 1000;
/** As far as a text is searched for addresses and reasons. */
const LONGEST_SEARCH = 8192;

const STATUS_TYPE = /^message\/(?:global-)?delivery-status$/;
const ORIGINAL_TYPE = /^(?:message\/(?:rfc822|global|global-headers)|text\/rfc822-headers)$/;
const HAS_FINAL = /^final-recipient:/im;

const BOUNCER = /mailer-daemon|postmaster|mail delivery (?:sub)?system|maildelivery|bounce|undeliverable|mail administrator|mail system/i;
const BOUNCE_SUBJECT =
  /undeliver|delivery status|delivery fail|failure notice|delivery notif|delivery problem|returned mail|return(?:ed)? to sender|could not be delivered|not delivered|mail delivery|message (?:delayed|status)|delayed mail|rejected|non remis|unzustellbar|delivery report|warning: (?:message|could not)/i;

/** `neverThese` says which addresses are never taken for a recipient; whom the letter itself names in To is not, either. */
export function readReturned(letter: Letter, neverThese: (address: Address) => boolean): Returned {
  const field = (name: string): string | undefined => findField(letter.headers, name);
  const parts = listParts(field('content-type'), field('content-transfer-encoding'), letter.body);
  if (parts.some(({ type }) => type === 'message/feedback-report')) return { kind: 'other', findings: [], messageId: undefined };
  const own = new Set(listAddresses(field('to') ?? '').map(String));
  const suppressed = (address: Address): boolean => own.has(String(address)) || neverThese(address);
  const original = findOriginal(parts);
  const messageId = original && findField(original, 'message-id')?.slice(0, LONGEST_REPLY);
  const named = (): Address | undefined => nameOnly(field('x-failed-recipients'), original && findField(original, 'to'), suppressed);
  const status = parts.find(({ type }) => STATUS_TYPE.test(type))?.text ?? (HAS_FINAL.test(letter.body) ? letter.body : undefined);
  const text = parts.find(({ type }) => type.startsWith('text/'))?.text ?? '';
  const reported = status === undefined ? [] : readReport(status, cutOriginal(text), suppressed);
  if (reported.length > 0) return { kind: 'report', findings: fillOnly(reported, named), messageId };

  const failed = field('x-failed-recipients');
  const subject = field('subject') ?? '';
  if (failed === undefined && !BOUNCER.test(field('from') ?? '') && !BOUNCE_SUBJECT.test(subject))
    return { kind: 'letter', findings: [], messageId };
  return {
    kind: 'notice',
    findings: fillOnly(readWords(subject, cutOriginal(text), failed, suppressed), named),
    messageId: messageId ?? findIdInside(text),
  };
}

/** Per-recipient blocks of message/delivery-status (RFC 3464 2.3). Some systems write everything as one block. */
function readReport(text: string, words: string, suppressed: (address: Address) => boolean): Finding[] {
  const findings: Finding[] = [];
  for (const block of text.split(/\r?\n[ \t]*\r?\n/)) {
    if (findings.length >= MOST_FINDINGS) break;
    const final = findField(block, 'final-recipient');
    const original = findField(block, 'original-recipient');
    if (final === undefined && original === undefined) continue;
    const diagnostic = findField(block, 'diagnostic-code');
    const status = /[245]\.\d{1,3}\.\d{1,3}/.exec(findField(block, 'status') ?? '')?.[0];
    findings.push({
      recipient: [original, final].map(readTyped).find((address) => address !== undefined && !suppressed(address)),
      action: readAction(findField(block, 'action'), status),
      text: clip(diagnosticOf(diagnostic) ?? findReason(words) ?? status ?? ''),
      status,
    });
  }
  return findings;
}

/** What a diagnostic says besides its type; undefined when it is only a number. */
function diagnosticOf(field: string | undefined): string | undefined {
  const text = field?.replace(/^[a-z0-9-]{1,40}\s{0,5};\s{0,5}/i, '');
  return text !== undefined && /[a-z]{2}/i.test(text) ? text : undefined;
}

function readAction(action: string | undefined, status: string | undefined): Finding['action'] {
  const word = action?.trim().toLowerCase() ?? '';
  if (word.startsWith('failed') || word.startsWith('failure')) return 'failed';
  if (word.startsWith('delayed')) return 'delayed';
  if (word !== '') return 'other';
  return status?.startsWith('2') ? 'other' : status?.startsWith('4') ? 'delayed' : 'failed';
}

/** `rfc822; a@b`, with or without brackets. */
function readTyped(value: string | undefined): Address | undefined {
  if (value === undefined) return undefined;
  const text = value.slice(value.indexOf(';') + 1).trim();
  return toAddress(text.startsWith('<') && text.endsWith('>') ? text.slice(1, -1) : text);
}

const ORIGINAL_BEGINS = [
  '--- Below this line is a copy',
  '------ This is a copy of',
  '----- Original message',
  '----- Message header follows',
  '----- Unsent message follows',
  '-----Original Message',
  '--- The message returned',
  '--- Original message',
  'Original message headers:',
  'The body of the message is',
  'Content-Type: message/rfc822',
];

/** The part before a returned message that stands in the text itself. */
function cutOriginal(text: string): string {
  let end = Math.min(text.length, LONGEST_SEARCH);
  for (const words of ORIGINAL_BEGINS) {
    const at = text.indexOf(words);
    if (at > 0 && at < end) end = at;
  }
  return text.slice(0, end);
}

const ADDRESS = /[^\s<>()[\]"',;:=|]{1,64}@[a-z0-9][a-z0-9.-]{1,253}[a-z0-9]/gi;
const ROLE = /^(?:mailer-daemon|postmaster|abuse|noreply|no-reply|hostmaster|root|mail-daemon)$/i;
const CODED_LINE = /(?:^|[\s:(<'>])[45]\d\d(?:[ -]|$)|#?[45]\.\d\.\d/;

function readWords(subject: string, text: string, failed: string | undefined, suppressed: (address: Address) => boolean): Finding[] {
  const named = (failed === undefined ? [] : listAddresses(failed)).filter((address) => !suppressed(address));
  const recipients =
    named.length > 0
      ? named
      : listAddresses(text)
          .filter((address) => !suppressed(address) && !ROLE.test(address.local))
          .slice(0, 1);
  const reason = clip(findReason(text) ?? (text.trim() === '' ? subject : text));
  const action = /delayed|has not (?:yet )?been delivered|will be retried|still trying|warning only/i.test(
    `${subject} ${text.slice(0, 2000)}`,
  )
    ? 'delayed'
    : 'failed';
  const status = /(?:^|[^\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.])/.exec(reason)?.[1];
  return (recipients.length > 0 ? recipients.slice(0, MOST_FINDINGS) : [undefined]).map((recipient) => ({
    recipient,
    action,
    text: reason,
    status,
  }));
}

const listAddresses = (text: string): Address[] =>
  [...text.slice(0, LONGEST_SEARCH).matchAll(ADDRESS)].flatMap(([found]) => toAddress(found) ?? []);

/** The lines from the first that holds a reply code or status to the end of its paragraph. */
function findReason(text: string): string | undefined {
  const lines = text.split(/\r?\n/);
  const first = lines.findIndex((line) => CODED_LINE.test(line));
  if (first < 0) return undefined;
  const reason: string[] = [];
  for (let i = first; i < lines.length && reason.length < 8; i++) {
    const line = lines[i]?.trim() ?? '';
    if (line === '') break;
    reason.push(line);
  }
  return reason.join(' ');
}

/** Header block of the returned message. */
function findOriginal(parts: readonly Part[]): string | undefined {
  const original = parts.find(({ type }) => ORIGINAL_TYPE.test(type));
  return original && splitHead(original.text).head;
}

/** The one recipient that is named outside of the report, when it is only one. */
function nameOnly(failed: string | undefined, to: string | undefined, suppressed: (address: Address) => boolean): Address | undefined {
  for (const names of [failed, to]) {
    const found = names === undefined ? [] : listAddresses(names).filter((address) => !suppressed(address));
    if (found.length === 1) return found[0];
  }
  return undefined;
}

/** A single finding without a recipient gets the one that is named elsewhere. */
function fillOnly(findings: readonly Finding[], named: () => Address | undefined): readonly Finding[] {
  const [only] = findings;
  return findings.length === 1 && only && only.recipient === undefined ? [{ ...only, recipient: named() }] : findings;
}

const findIdInside = (text: string): string | undefined => /^message-id:\s{0,5}(<[^\s>]{1,500}>)/im.exec(text)?.[1];

/** One line, cut. */
const clip = (text: string): string => text.slice(0, LONGEST_SEARCH).replace(/\s+/g, ' ').trim().slice(0, LONGEST_REPLY);

/**
 * The recipient that a return path of our own carries: `bounce+user=example.net@ours` or `bounce-user=example.net@ours`,
 * also with further words before (VERP).
 */
export function readVerp(address: Address): Address | undefined {
  const { local } = address;
  const equals = local.lastIndexOf('=');
  if (equals <= 0) return undefined;
  const plus = local.indexOf('+');
  const start = plus >= 0 && plus < equals ? plus : local.indexOf('-');
  if (start < 0 || start >= equals) return undefined;
  return toAddress(`${local.slice(start + 1, equals)}@${local.slice(equals + 1)}`);
}
