/** ESMTP parameters of MAIL and RCPT: only what was offered, each once, each well formed. */
import { readByTime } from '../../mail/deliver-by.js';
import { decodeXtext } from '../../mail/xtext.js';
import { NOTIFY } from '../../module/message.js';
import type { Reply } from '../../module/verdict.js';
import type { MailParams, RcptParams } from './reception.js';
import { BAD_PARAMETER, REPEATED_PARAMETER, UNKNOWN_PARAMETER } from './words.js';

/** Which extensions stand behind the parameters that may be used now. */
export interface Offers {
  readonly size: boolean;
  readonly eightBitMime: boolean;
  readonly binaryMime: boolean;
  readonly smtpUtf8: boolean;
  /** Only where the session is encrypted (RFC 8689 2). */
  readonly requireTls: boolean;
  readonly dsn: boolean;
  readonly auth: boolean;
  readonly futureRelease: boolean;
  readonly deliverBy: boolean;
  readonly mtPriority: boolean;
}

export const NO_MAIL_PARAMS: MailParams = Object.freeze({
  size: 0,
  eightBitMime: false,
  smtpUtf8: false,
  returnContent: undefined,
  envelopeId: undefined,
  auth: undefined,
});

export const NO_RCPT_PARAMS: RcptParams = Object.freeze({ notify: 0, originalRecipient: undefined });

/** RFC 3461 4.4 and 4.2: longest ENVID and ORCPT, encoded. */
const LONGEST_ENVID = 100;
const LONGEST_ORCPT = 500;

/** RFC 4865 4: nine digits, none zero at the front. */
const INTERVAL = /^[1-9]\d{0,8}$/;
/** RFC 3339, in capitals. */
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;
const PRIORITY = /^(?:-?[1-9]|0)$/;

/** RFC 1870 4: up to twenty digits. */
const SIZE = /^\d{1,20}$/;

const KEYWORD = /^[A-Za-z0-9][A-Za-z0-9-]*$/;

/** Reads what follows the path of MAIL; answers the refusal when something is wrong. */
export function readMailParams(text: string, offers: Offers): MailParams | Reply {
  if (text === '') return NO_MAIL_PARAMS;
  const params: { -readonly [K in keyof MailParams]: MailParams[K] } = { ...NO_MAIL_PARAMS };
  const seen = new Set<string>();
  for (const word of text.split(' ')) {
    if (word === '') continue;
    const equals = word.indexOf('=');
    const name = (equals < 0 ? word : word.slice(0, equals)).toUpperCase();
    const value = equals < 0 ? undefined : word.slice(equals + 1);
    if (!KEYWORD.test(name) || value === '') return BAD_PARAMETER;
    if (seen.has(name)) return REPEATED_PARAMETER;
    seen.add(name);
    if (name === 'SIZE' && offers.size) {
      if (value === undefined || !SIZE.test(value)) return BAD_PARAMETER;
      params.size = Number(value);
    } else if (name === 'BODY' && offers.eightBitMime) {
      const body = value?.toUpperCase();
      if (body === 'BINARYMIME' && !offers.binaryMime) return UNKNOWN_PARAMETER;
      if (body === 'BINARYMIME') params.binaryMime = true;
      else if (body !== '7BIT' && body !== '8BITMIME') return BAD_PARAMETER;
      params.eightBitMime = body === '8BITMIME';
    } else if (name === 'SMTPUTF8' && offers.smtpUtf8) {
      if (value !== undefined) return BAD_PARAMETER;
      params.smtpUtf8 = true;
    } else if (name === 'REQUIRETLS' && offers.requireTls) {
      if (value !== undefined) return BAD_PARAMETER;
      params.requireTls = true;
    } else if (name === 'RET' && offers.dsn) {
      const content = value?.toUpperCase();
      if (content !== 'FULL' && content !== 'HDRS') return BAD_PARAMETER;
      params.returnContent = content === 'FULL' ? 'full' : 'headers';
    } else if (name === 'ENVID' && offers.dsn) {
      params.envelopeId = value === undefined || value.length > LONGEST_ENVID ? undefined : decodeXtext(value);
      if (params.envelopeId === undefined) return BAD_PARAMETER;
    } else if (name === 'AUTH' && offers.auth) {
      params.auth = value === undefined || value.length > LONGEST_ORCPT ? undefined : decodeXtext(value);
      if (params.auth === undefined) return BAD_PARAMETER;
    } else if (name === 'HOLDFOR' && offers.futureRelease) {
      if (value === undefined || !INTERVAL.test(value) || seen.has('HOLDUNTIL')) return BAD_PARAMETER;
      params.holdFor = Number(value);
    } else if (name === 'HOLDUNTIL' && offers.futureRelease) {
      const moment = value !== undefined && MOMENT.test(value) ? Date.parse(value) : Number.NaN;
      if (Number.isNaN(moment) || seen.has('HOLDFOR')) return BAD_PARAMETER;
      params.holdUntil = moment;
    } else if (name === 'BY' && offers.deliverBy) {
      const by = readByTime(value ?? '');
      if (!by) return BAD_PARAMETER;
      params.by = by;
    } else if (name === 'MT-PRIORITY' && offers.mtPriority) {
      if (value === undefined || !PRIORITY.test(value)) return BAD_PARAMETER;
      params.mtPriority = Number(value);
    } else return UNKNOWN_PARAMETER;
  }
  return params;
}

/** Reads what follows the path of RCPT; answers the refusal when something is wrong. */
export function readRcptParams(text: string, offers: Offers): RcptParams | Reply {
  if (text === '') return NO_RCPT_PARAMS;
  let notify = 0;
  let originalRecipient: string | undefined;
  for (const word of text.split(' ')) {
    if (word === '') continue;
    const equals = word.indexOf('=');
    const name = (equals < 0 ? word : word.slice(0, equals)).toUpperCase();
    const value = equals < 0 ? '' : word.slice(equals + 1);
    if (!KEYWORD.test(name) || (equals >= 0 && value === '')) return BAD_PARAMETER;
    if (name === 'NOTIFY' && offers.dsn) {
      if (notify !== 0) return REPEATED_PARAMETER;
      notify = readNotify(value);
      if (notify === 0) return BAD_PARAMETER;
    } else if (name === 'ORCPT' && offers.dsn) {
      if (originalRecipient !== undefined) return REPEATED_PARAMETER;
      originalRecipient = value.length > LONGEST_ORCPT ? undefined : readOriginalRecipient(value);
      if (originalRecipient === undefined) return BAD_PARAMETER;
    } else return UNKNOWN_PARAMETER;
  }
  return notify === 0 && originalRecipient === undefined ? NO_RCPT_PARAMS : { notify, originalRecipient };
}

/** RFC 3461 4.1: NEVER alone, or a list of the others. 0 when it is neither. */
function readNotify(value: string): number {
  let bits = 0;
  const words = value.toUpperCase().split(',');
  for (const word of words) {
    const bit = word === 'SUCCESS' ? NOTIFY.success : word === 'FAILURE' ? NOTIFY.failure : word === 'DELAY' ? NOTIFY.delay : 0;
    if (bit === 0) return word === 'NEVER' && words.length === 1 ? NOTIFY.never : 0;
    bits |= bit;
  }
  return bits;
}

/** RFC 3461 4.2: address type, semicolon, xtext. With RFC 6533's utf-8 type the text keeps its own escapes. */
function readOriginalRecipient(value: string): string | undefined {
  const semicolon = value.indexOf(';');
  if (semicolon < 1 || !KEYWORD.test(value.slice(0, semicolon))) return undefined;
  const address = decodeXtext(value.slice(semicolon + 1));
  return address === undefined || address === '' ? undefined : `${value.slice(0, semicolon)};${address}`;
}
