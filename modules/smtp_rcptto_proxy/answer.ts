/** From what a server said to what is known about a recipient. Pure. */
import { formatOneLine, type ProbeFailure } from '#module';
import type { RecipientAnswer, RecipientKind } from './api.js';
import { isAboutRecipient, isDone, type Said } from './ask.js';

/** What a reply means. Only a refusal of the recipient itself makes it unknown. */
export function weighReply({ to, reply }: Said): RecipientAnswer {
  const { code, status } = reply;
  if (to === 'rcpt' && isDone(reply)) return { kind: 'known', error: '', code, status };
  const kind: RecipientKind = to !== 'mail' && isAboutRecipient(reply) ? 'unknown' : 'tempfail';
  return { kind, error: `fail: ${formatOneLine(reply)}`, code, status };
}

/** What it means that there was no visit, or half of one. */
export function weighFailure({ kind, message, reply }: ProbeFailure): RecipientAnswer {
  const said = reply ? formatOneLine(reply) : `[internal] ${message}`;
  return { kind: kind === 'late' ? 'timeout' : 'tempfail', error: `fail: ${said}`, code: reply?.code ?? 0, status: reply?.status ?? '' };
}
