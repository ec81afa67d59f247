/** BDAT: what a chunk holds is never a command, whatever is wrong with its count. */
import type { ProbeCase, Subject } from '../case.js';
import { judgeOneLine, judgeRefusal, judgeSilence, judgeWaiting, judgeWholeMessage } from '../judge.js';
import { NOTE, writeHead } from '../message.js';

const shared = { group: 'chunks', needs: 'CHUNKING' } as const;
const COMMANDS = 'NOOP\r\nNOOP\r\n';

const chunk = (text: string, last = ' LAST'): string => `BDAT ${text.length}${last}\r\n${text}`;
const message = (subject: Subject, id: string): string => `${writeHead(subject, id)}${NOTE}`;

export const chunks: readonly ProbeCase[] = [
  {
    ...shared,
    id: 'dot-in-chunk',
    input: '\\r\\n.\\r\\nNOOP inside a chunk',
    reference: 'RFC 3030 2',
    stage: 'rcpt',
    ways: (subject) => [[{ send: chunk(`${message(subject, 'dot-in-chunk')}.\r\nNOOP\r\n`) }]],
    judge: judgeWholeMessage,
  },
  {
    ...shared,
    id: 'refused-chunk',
    input: 'BDAT without recipients, commands as its octets',
    reference: 'RFC 3030 2',
    stage: 'ehlo',
    ways: () => [[{ send: chunk(COMMANDS) }]],
    judge: judgeOneLine('a chunk without recipients is taken'),
  },
  {
    ...shared,
    id: 'count-no-number',
    input: 'BDAT 1x LAST, and NOOP',
    reference: 'RFC 3030 2',
    stage: 'rcpt',
    ways: () => [[{ send: 'BDAT 1x LAST\r\nNOOP\r\n' }]],
    judge: judgeWaiting('goes on with commands where nobody knows how long the chunk is'),
  },
  {
    ...shared,
    id: 'count-negative',
    input: 'BDAT -1 LAST, and NOOP',
    reference: 'RFC 3030 2',
    stage: 'rcpt',
    ways: () => [[{ send: 'BDAT -1 LAST\r\nNOOP\r\n' }]],
    judge: judgeWaiting('goes on with commands where nobody knows how long the chunk is'),
  },
  {
    ...shared,
    id: 'count-overflow',
    input: 'BDAT 18446744073709551616 LAST, and NOOP',
    reference: 'RFC 3030 2',
    stage: 'rcpt',
    acceptance: 'unsafe',
    ways: () => [[{ send: 'BDAT 18446744073709551616 LAST\r\nNOOP\r\n' }]],
    judge: (heard) => {
      const [first, second] = heard.replies;
      if (!first) return judgeSilence(heard);
      if (first.code < 400) return { verdict: 'accepts', why: 'the count wraps round to 0' };
      if (second !== undefined && second.code < 400)
        return { verdict: 'splits', why: 'refused, and the octets of the chunk are done as commands' };
      return { verdict: 'refuses', why: heard.isClosed ? 'refused, and closed' : 'refused' };
    },
  },
  {
    ...shared,
    id: 'chunk-then-data',
    input: 'BDAT 4, then DATA',
    reference: 'RFC 3030 2',
    stage: 'rcpt',
    ways: () => [[{ send: 'BDAT 4\r\nA: b' }, { hear: 1 }, { send: 'DATA\r\n' }]],
    judge: (heard, subject) =>
      heard.replies.length < 2
        ? judgeSilence(heard)
        : judgeRefusal('DATA begins anew within a message of chunks')({ ...heard, replies: heard.replies.slice(1) }, subject),
  },
];
