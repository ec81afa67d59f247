/** The bounce classes and the class that an enhanced status code alone tells (RFC 3463); the rule pack goes before it. Pure. */
import { parseOneLine } from '../mail/reply.js';

/** The classes of Momentum's table. */
export const CLASS = {
  undetermined: 1,
  invalidRecipient: 10,
  softBounce: 20,
  dnsFailure: 21,
  mailboxFull: 22,
  tooLarge: 23,
  timeout: 24,
  adminFailure: 25,
  noRecipient: 30,
  generic: 40,
  mailBlock: 50,
  spamBlock: 51,
  spamContent: 52,
  prohibitedAttachment: 53,
  relayDenied: 54,
  autoReply: 60,
  transient: 70,
  subscribe: 80,
  unsubscribe: 90,
  challengeResponse: 100,
} as const;

/** What each class is called in logs and on the console. */
export const CLASS_NAMES: ReadonlyMap<number, string> = new Map([
  [CLASS.undetermined, 'Undetermined'],
  [CLASS.invalidRecipient, 'Invalid Recipient'],
  [CLASS.softBounce, 'Soft Bounce'],
  [CLASS.dnsFailure, 'DNS Failure'],
  [CLASS.mailboxFull, 'Mailbox Full'],
  [CLASS.tooLarge, 'Too Large'],
  [CLASS.timeout, 'Timeout'],
  [CLASS.adminFailure, 'Admin Failure'],
  [CLASS.noRecipient, 'Generic Bounce: No RCPT'],
  [CLASS.generic, 'Generic Bounce'],
  [CLASS.mailBlock, 'Mail Block'],
  [CLASS.spamBlock, 'Spam Block'],
  [CLASS.spamContent, 'Spam Content'],
  [CLASS.prohibitedAttachment, 'Prohibited Attachment'],
  [CLASS.relayDenied, 'Relaying Denied'],
  [CLASS.autoReply, 'Auto-Reply'],
  [CLASS.transient, 'Transient Failure'],
  [CLASS.subscribe, 'Subscribe'],
  [CLASS.unsubscribe, 'Unsubscribe'],
  [CLASS.challengeResponse, 'Challenge-Response'],
]);

const BY_STATUS: ReadonlyMap<string, number> = new Map([
  ['1.0', CLASS.invalidRecipient],
  ['1.1', CLASS.invalidRecipient],
  ['1.2', CLASS.dnsFailure],
  ['1.3', CLASS.invalidRecipient],
  ['1.4', CLASS.invalidRecipient],
  ['1.6', CLASS.invalidRecipient],
  ['1.7', CLASS.mailBlock],
  ['1.8', CLASS.mailBlock],
  ['1.10', CLASS.invalidRecipient],
  ['2.1', CLASS.invalidRecipient],
  ['2.2', CLASS.mailboxFull],
  ['2.3', CLASS.tooLarge],
  ['3.4', CLASS.tooLarge],
  ['3.5', CLASS.adminFailure],
  ['4.1', CLASS.timeout],
  ['4.2', CLASS.timeout],
  ['4.4', CLASS.dnsFailure],
  ['4.6', CLASS.adminFailure],
  ['4.7', CLASS.timeout],
  ['7.1', CLASS.mailBlock],
]);

/** Classes of mail that is no failure: only a letter can have them, never a reply. */
export const LETTER_CLASSES: ReadonlySet<number> = new Set([CLASS.autoReply, CLASS.subscribe, CLASS.unsubscribe, CLASS.challengeResponse]);

/** Statuses that ask for later when the reply is a temporary one, whatever they mean in a permanent one. */
const BUSY: ReadonlySet<string> = new Set(['1.0', '2.1', '7.1']);

/** Class of an enhanced status such as 5.1.1; undefined when it says too little. */
export function classifyStatus(status: string): number | undefined {
  const detail = status.slice(2);
  if (status.startsWith('4') && BUSY.has(detail)) return CLASS.transient;
  return BY_STATUS.get(detail);
}

/** Class of a reply on one line by its codes alone; 0 for a positive one. */
export function classifyReply(line: string): number {
  const reply = parseOneLine(line);
  if (!reply) return CLASS.undetermined;
  if (reply.code < 400) return 0;
  return classifyStatus(reply.status) ?? (reply.code < 500 ? CLASS.transient : CLASS.undetermined);
}
