/** The rules of judgement: pure, from replies to a verdict and a sentence. */
import type { Finding, Heard, Judge, ProbeCase } from './case.js';
import type { ProbeReply } from './reply.js';

const isRefusal = (reply: ProbeReply): boolean => reply.code >= 400;
const isYes = (reply: ProbeReply): boolean => reply.code >= 200 && reply.code < 400;
/** Servers say these before they hang up, whatever was sent. */
const isFarewell = ({ code }: ProbeReply): boolean => code === 421 || code === 221;

/** The findings of something that got no reply at all. */
export function judgeSilence({ isClosed, handshake }: Heard): Finding {
  if (handshake === 'failed') return { verdict: 'unclear', why: 'the TLS handshake failed' };
  return isClosed
    ? { verdict: 'safe', why: 'closed the connection without a word' }
    : { verdict: 'unclear', why: 'no reply within the time of the case' };
}

/** One command that has to be refused. */
export const judgeRefusal =
  (taken: string): Judge =>
  (heard) => {
    const [first] = heard.replies;
    if (!first) return judgeSilence(heard);
    if (isRefusal(first) || first.code === 221) return { verdict: 'refuses', why: heard.isClosed ? 'refused, and closed' : 'refused' };
    if (isYes(first)) return { verdict: 'accepts', why: taken };
    return { verdict: 'unclear', why: 'the answer is no SMTP reply' };
  };

/** One line that has to stay one: a second answer means that its inside was read as a command. */
export const judgeOneLine =
  (taken: string): Judge =>
  (heard, subject) => {
    const more = heard.replies.slice(1).filter((reply) => !isFarewell(reply));
    if (more.length > 0) return { verdict: 'splits', why: `read as ${more.length + 1} lines` };
    return judgeRefusal(taken)(heard, subject);
  };

/** A message with something in it that looks like its end: a second answer means that what followed was read as commands. */
export const judgeMessage =
  (taken: string): Judge =>
  (heard) => {
    const [first, ...others] = heard.replies;
    if (!first) return judgeSilence(heard);
    const more = others.filter((reply) => !isFarewell(reply));
    if (more.length > 0) return { verdict: 'splits', why: 'what followed inside the message was answered as commands' };
    if (isRefusal(first)) return { verdict: 'refuses', why: 'the whole message was refused' };
    return isYes(first) ? { verdict: 'accepts', why: taken } : { verdict: 'unclear', why: 'the answer is no SMTP reply' };
  };

/** The same where one message in one piece is exactly what is right. */
export const judgeWholeMessage: Judge = (heard, subject) => {
  const found = judgeMessage('taken as one message')(heard, subject);
  return found.verdict === 'accepts' ? { verdict: 'safe', why: found.why } : found;
};

/** A command that has to wait for the reply before it: every further yes was given to what came too early. */
export const judgeWaiting =
  (taken: string): Judge =>
  (heard) => {
    const [first, ...others] = heard.replies;
    if (!first) return judgeSilence(heard);
    if (others.some((reply) => isYes(reply) && !isFarewell(reply))) return { verdict: 'accepts', why: taken };
    return isRefusal(first)
      ? { verdict: 'refuses', why: heard.isClosed ? 'refused, and closed' : 'refused' }
      : { verdict: 'safe', why: 'nothing of what came too early was done' };
  };

/** Severity of a finding, for the worst of several ways. */
const ORDER = { refuses: 0, safe: 1, unclear: 2, accepts: 3, splits: 4 } as const;

/** The worst of findings; `unclear` when there is none. */
export function worstOf(findings: readonly Finding[]): Finding {
  let worst: Finding | undefined;
  for (const finding of findings) if (!worst || ORDER[finding.verdict] > ORDER[worst.verdict]) worst = finding;
  return worst ?? { verdict: 'unclear', why: 'nothing was tried' };
}

/** Says whether a verdict fails the run: every split, and what a case calls an unsafe acceptance. */
export const isUnsafe = ({ acceptance }: Pick<ProbeCase, 'acceptance'>, { verdict }: Finding): boolean =>
  verdict === 'splits' || (verdict === 'accepts' && acceptance === 'unsafe');
