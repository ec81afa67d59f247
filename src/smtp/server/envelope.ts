/** Reads the MAIL and RCPT lines: address and parameters, or the reply that says what is wrong with them. */
import type { InboundValues } from '../../config/snapshot.js';
import { Address, type PathError, parsePath } from '../../mail/address.js';
import type { Reply } from '../../module/verdict.js';
import { type Offers, readMailParams, readRcptParams } from './params.js';
import type { MailParams, RcptParams } from './reception.js';
import { MAIL_SYNTAX, RCPT_SYNTAX, RECIPIENT_NOT_UTF8, SENDER_NOT_UTF8, UTF8_NOT_ANNOUNCED } from './words.js';

export interface MailCommand {
  readonly sender: Address | null;
  readonly params: MailParams;
}

export interface RcptCommand {
  readonly recipient: Address;
  readonly params: RcptParams;
}

const MAIL_FROM = /^MAIL FROM:/i;
const RCPT_TO = /^RCPT TO:/i;
const SMTPUTF8 = / SMTPUTF8(?: |$)/i;

/** Reads `MAIL FROM:<…> …`. */
export function readMail(line: string, options: InboundValues, offers: Offers): MailCommand | Reply {
  if (!MAIL_FROM.test(line) || endsOddly(line, options)) return MAIL_SYNTAX;
  const path = parsePath(line.slice(10), {
    pedantic: options.rfc2821_pedantic_address_rules,
    literals: true,
    whitespace: options.rfc2821_allow_whitespace_in_envelope,
    international: offers.smtpUtf8 && SMTPUTF8.test(line),
  });
  if ('error' in path) return faultOf(path.error, MAIL_SYNTAX, SENDER_NOT_UTF8);
  const sender = qualify(path.address, options.domain_for_unqualified_sender_address);
  if (sender?.domain === '') return MAIL_SYNTAX;
  const params = readMailParams(path.rest, offers);
  return 'code' in params ? params : { sender, params };
}

/** Reads `RCPT TO:<…> …`. `international`: the transaction has SMTPUTF8. */
export function readRcpt(line: string, options: InboundValues, offers: Offers, international: boolean): RcptCommand | Reply {
  if (!RCPT_TO.test(line) || endsOddly(line, options)) return RCPT_SYNTAX;
  const path = parsePath(line.slice(8), {
    pedantic: options.rfc2821_pedantic_address_rules,
    literals: true,
    whitespace: options.rfc2821_allow_whitespace_in_envelope,
    international,
  });
  if ('error' in path) return faultOf(path.error, RCPT_SYNTAX, RECIPIENT_NOT_UTF8);
  const recipient = qualify(path.address, options.domain_for_unqualified_recipient_addresses);
  if (!recipient || recipient.domain === '') return RCPT_SYNTAX;
  const params = readRcptParams(path.rest, offers);
  return 'code' in params ? params : { recipient, params };
}

const endsOddly = (line: string, options: InboundValues): boolean => line.endsWith(' ') && !options.allow_trailing_whitespace_in_commands;

const qualify = (address: Address | null, domain: string | undefined): Address | null =>
  address && address.domain === '' && domain !== undefined ? new Address(address.local, domain.toLowerCase()) : address;

function faultOf(error: PathError, syntax: Reply, notUtf8: Reply): Reply {
  if (error === 'bad utf-8') return notUtf8;
  return error === 'not ascii' ? UTF8_NOT_ANNOUNCED : syntax;
}
