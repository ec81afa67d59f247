/** Bounce class of a reply from its enhanced status code (RFC 3463); rule packs refine it by the words. Pure. */
import { parseOneLine } from '../mail/reply.js';

/** The classes of Momentum's table that a status code alone can tell. */
export const CLASS = {
  undetermined: 1,
  invalidRecipient: 10,
  softBounce: 20,
  dnsFailure: 21,
  mailboxFull: 22,
  tooLarge: 23,
  timeout: 24,
  adminFailure: 25,
  mailBlock: 50,
  relayDenied: 54,
  transient: 70,
} as const;

const BY_STATUS: ReadonlyMap<string, number> = new Map([
  ['1.1', CLASS.invalidRecipient],
  ['1.2', CLASS.dnsFailure],
  ['1.3', CLASS.invalidRecipient],
  ['1.6', CLASS.invalidRecipient],
  ['1.10', CLASS.invalidRecipient],
  ['2.1', CLASS.invalidRecipient],
  ['2.2', CLASS.mailboxFull],
  ['2.3', CLASS.tooLarge],
  ['3.4', CLASS.tooLarge],
  ['4.1', CLASS.timeout],
  ['4.2', CLASS.timeout],
  ['4.4', CLASS.dnsFailure],
  ['4.6', CLASS.adminFailure],
  ['4.7', CLASS.timeout],
  ['7.1', CLASS.mailBlock],
]);

/** Class of a reply on one line; 0 for a positive one. */
export function classifyReply(line: string): number {
  const reply = parseOneLine(line);
  if (!reply) return CLASS.undetermined;
  if (reply.code < 400) return 0;
  const found = BY_STATUS.get(reply.status.slice(2));
  if (found === CLASS.mailBlock && /relay/i.test(reply.text)) return CLASS.relayDenied;
  if (found !== undefined) return found;
  return reply.code < 500 ? CLASS.transient : CLASS.undetermined;
}
