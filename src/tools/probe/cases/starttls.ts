/** STARTTLS: nothing that came in the clear counts behind it. */
import type { Finding, Heard, ProbeCase } from '../case.js';
import { judgeRefusal, judgeSilence } from '../judge.js';

const shared = { group: 'starttls', needs: 'STARTTLS' } as const;

/** Replies behind the 220, or why there are none. */
function behindHandshake({ replies, handshake, ...rest }: Heard): Heard | Finding {
  const [first] = replies;
  if (!first) return judgeSilence({ replies, handshake, ...rest });
  if (first.code !== 220) return { verdict: 'refuses', why: 'STARTTLS was refused' };
  if (handshake !== 'done') {
    return replies.length > 1
      ? { verdict: 'unclear', why: 'answered in the clear behind its 220, so no handshake came about' }
      : { verdict: 'safe', why: 'no handshake came about' };
  }
  return { replies: replies.slice(1), handshake, ...rest };
}

export const starttls: readonly ProbeCase[] = [
  {
    ...shared,
    id: 'starttls-injection',
    input: 'STARTTLS and NOOP in one packet, then the handshake',
    reference: 'CVE-2011-0411',
    stage: 'ehlo',
    ways: ({ helo }) => [[{ send: 'STARTTLS\r\nNOOP\r\n' }, { hear: 1 }, { secure: true }, { settle: true }, { send: `EHLO ${helo}\r\n` }]],
    judge: (heard) => {
      const behind = behindHandshake(heard);
      if ('verdict' in behind) return behind;
      if (behind.replies.length === 0) return judgeSilence(behind);
      return behind.replies.length > 1
        ? { verdict: 'splits', why: 'a command sent in the clear was done inside TLS' }
        : { verdict: 'safe', why: 'what was sent in the clear was thrown away' };
    },
  },
  {
    ...shared,
    id: 'starttls-memory',
    input: 'MAIL, STARTTLS, then RCPT without EHLO',
    reference: 'RFC 3207 4.2',
    stage: 'mail',
    acceptance: 'unsafe',
    ways: ({ recipient }) => [
      [{ send: 'STARTTLS\r\n' }, { hear: 1 }, { secure: true }, { send: `RCPT TO:<${recipient || 'postmaster'}>\r\n` }],
    ],
    judge: (heard, subject) => {
      const behind = behindHandshake(heard);
      return 'verdict' in behind ? behind : judgeRefusal('a sender named in the clear counts inside TLS')(behind, subject);
    },
  },
  {
    ...shared,
    id: 'starttls-twice',
    input: 'STARTTLS inside TLS',
    reference: 'RFC 3207 4.2',
    stage: 'ehlo',
    ways: ({ helo }) => [
      [{ send: 'STARTTLS\r\n' }, { hear: 1 }, { secure: true }, { send: `EHLO ${helo}\r\n` }, { hear: 1 }, { send: 'STARTTLS\r\n' }],
    ],
    judge: (heard, subject) => {
      const behind = behindHandshake(heard);
      return 'verdict' in behind
        ? behind
        : judgeRefusal('a second handshake is begun inside the first')({ ...behind, replies: behind.replies.slice(1) }, subject);
    },
  },
  {
    ...shared,
    id: 'starttls-words',
    input: 'STARTTLS now',
    reference: 'RFC 3207 4',
    stage: 'ehlo',
    ways: () => [[{ send: 'STARTTLS now\r\n' }]],
    judge: judgeRefusal('a parameter is ignored'),
  },
];
