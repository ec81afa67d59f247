/** The lines of the main, reject and account logs: pure text from facts, in the field order Momentum's tools read. */
import type { Address, Attempt, Facts, Mail, Rejection, Session } from '#module';

/** Seconds, or microseconds in 16 digits with log_hires_timestamp. */
export type Stamp = (ms: number) => string;

export const stampSeconds: Stamp = (ms) => String(Math.floor(ms / 1000));
export const stampMicroseconds: Stamp = (ms) => String(Math.floor(ms * 1000)).padStart(16, '0');

const local = (address: Address | null): string => {
  if (!address) return '';
  return address.local.includes('@') ? address.local.replaceAll('@', '\\@') : address.local;
};

const domain = (address: Address | null): string => address?.domain ?? '';

/** R: a message was received (14 fields). */
export function formatReception(mail: Mail, stamp: Stamp): string {
  const { reception, recipient, sender, place } = mail;
  return `${stamp(reception.receivedAt)}@${mail.id}@${reception.batchId}@${reception.connectionId}@R@${local(recipient)}@${recipient.domain}@${local(sender)}@${domain(sender)}@${reception.source?.ip ?? ''}@${mail.size}@${reception.protocol}@${place.group}@${place.binding}`;
}

const connectionOf = (attempt: Attempt): string => attempt.connectionId || attempt.mail.reception.connectionId;

const queuedSeconds = (attempt: Attempt): string => (Math.max(0, attempt.at - attempt.mail.reception.receivedAt) / 1000).toFixed(3);

/** D: delivered (12 fields). */
export function formatDelivery(attempt: Attempt, stamp: Stamp): string {
  const { mail, place } = attempt;
  return `${stamp(attempt.at)}@${mail.id}@${mail.reception.batchId}@${connectionOf(attempt)}@D@${place.domain}@${attempt.bytes}@${place.group}@${place.binding}@${mail.attempts}@${queuedSeconds(attempt)}@${attempt.hop?.ip ?? ''}`;
}

/** T or P: a transient or permanent failure (14 fields); the reply is last, so an @ in it does no harm. */
export function formatFailure(type: 'T' | 'P', attempt: Attempt, stamp: Stamp): string {
  const { mail, place } = attempt;
  return `${stamp(attempt.at)}@${mail.id}@${mail.reception.batchId}@${connectionOf(attempt)}@${type}@${place.domain}@${attempt.bytes}@${place.group}@${place.binding}@${attempt.stage}@${mail.attempts}@${queuedSeconds(attempt)}@${attempt.hop?.ip ?? ''}@${attempt.reply}`;
}

/** What the client and we were doing, by the number of the reception state. */
const PHASES: readonly string[] = [
  'just connected',
  'sending banner',
  'awaiting ehlo/helo',
  'sending ehlo/helo response',
  'awaiting mailfrom',
  'sending mailfrom response',
  'awaiting rcptto',
  'sending rcptto response',
  'data phase',
  'reading body',
  'sending body response',
  'async body handler',
  'async body response',
  'relaying denied',
  'extension 1',
  'extension 2',
  'extension 3',
  'extension 4',
  'concurrency limit',
  'rcptto list response',
  'rcptto list final response',
  'esmtp setup phase',
];

const endpoint = (end: { readonly ip: string; readonly port: number }): string =>
  end.ip === '' ? '' : end.ip.includes(':') ? `[${end.ip}]:${end.port}` : `${end.ip}:${end.port}`;

const NEEDS_QUOTES = /[\s",\]\\]/;
const quoted = (value: string): string => (NEEDS_QUOTES.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : value);

/** Context variables that hold secrets: policies may set them, and logs are read by many. */
const SECRET = /(?:_pass|password|secret|token)$/i;

const context = (facts: Facts | undefined): string => {
  if (!facts || facts.size === 0) return '';
  const pairs: string[] = [];
  for (const [key, value] of facts) pairs.push(`${quoted(key)}=${SECRET.test(key) ? '***' : quoted(value)}`);
  return pairs.join(',');
};

/** One line of the reject log. */
export function formatRejection(rejection: Rejection, stamp: Stamp): string {
  const { session, reply, draft } = rejection;
  const text = `${reply.status === '' ? '' : `${reply.status} `}${reply.text}`;
  return `${stamp(rejection.at)}: R="${endpoint(session.peer)}" L="${endpoint(session.local)}" C="${session.id}" PATH="${session.pathway ?? ''}" PATH_GRP="${session.pathwayGroup ?? ''}" P="${PHASES[rejection.phase] ?? 'unknown'}" E=${reply.code} M=${rejection.module} CTXCONN=[${context(session.facts)}] CTXMESS=[${context(draft?.facts)}] ${text}`;
}

const ESCAPED = /[\\@\p{Cc}]/gu;
const escaped = (text: string): string => text.replace(ESCAPED, (c) => (c === '\\' || c === '@' ? `\\${c}` : c === '\n' ? '\\n' : ' '));

/** Log-in lines know yes and no only; -1 belongs to the lines of console commands. */
const RESULT = { ok: '1', no: '0', error: '0' } as const;

/** N: a log-in was tried (6 fields). */
export function formatAuthentication(at: number, session: Session | null, user: string, result: keyof typeof RESULT, stamp: Stamp): string {
  return `${stamp(at)}@N@${escaped(session?.listener ?? '')}@${session ? endpoint(session.peer) : ''}@${escaped(user)}@${RESULT[result]}`;
}
