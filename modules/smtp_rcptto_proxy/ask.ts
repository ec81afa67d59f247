/** What a server says about one recipient: MAIL and RCPT, and never DATA. */
import { domainToASCII } from 'node:url';
import type { Address, ProbeVisit, Reply } from '#module';

/** The reply that decided, and to what it was given; `nothing` was said to the server when it cannot read such an address (RFC 6531). */
export interface Said {
  readonly to: 'mail' | 'rcpt' | 'nothing';
  readonly reply: Reply;
}

const NON_ASCII = /[^\0-\x7f]/;
const UNREADABLE: Reply = Object.freeze({ code: 550, status: '5.6.7', text: '[internal] the server does not offer SMTPUTF8' });

/** The address as a server without SMTPUTF8 reads it, its domain in A-labels; undefined when its local part has no such form. */
function spellAscii(address: Address): string | undefined {
  if (NON_ASCII.test(address.local)) return undefined;
  if (!NON_ASCII.test(address.domain)) return String(address);
  const domain = domainToASCII(address.domain);
  return domain === '' ? undefined : `${address.local}@${domain}`;
}

/** Opens a transaction (null sender for `from = null`) and names the recipient; the transaction is left open. Rejects as the visit does. */
export async function askRecipient(visit: ProbeVisit, from: Address | null, to: Address): Promise<Said> {
  const [sender, recipient] = [from === null ? '' : spellAscii(from), spellAscii(to)];
  const needsUtf8 = sender === undefined || recipient === undefined;
  if (needsUtf8 && !visit.keywords.has('SMTPUTF8')) return { to: 'nothing', reply: UNREADABLE };
  const mail = await visit.say(`MAIL FROM:<${sender ?? String(from)}>${needsUtf8 ? ' SMTPUTF8' : ''}`);
  if (!isDone(mail)) return { to: 'mail', reply: mail };
  return { to: 'rcpt', reply: await visit.say(`RCPT TO:<${recipient ?? String(to)}>`) };
}

/** 2xx. */
export const isDone = ({ code }: Reply): boolean => code >= 200 && code < 300;

/** Whether a reply to RCPT is about the recipient for good: 5xx, but for what says that the server does not follow our commands or wants to know us. */
export const isAboutRecipient = ({ code }: Reply): boolean => code >= 500 && code < 600 && !OF_THE_SESSION.has(code);

/** Unknown, unimplemented and misplaced commands (RFC 5321 4.2.2), encryption and log-in demanded (RFC 3207, RFC 4954). */
const OF_THE_SESSION: ReadonlySet<number> = new Set([500, 502, 503, 530, 538]);
