/** Commands that must wait for the reply before them, sent without waiting. */
import { inOnePacket, type ProbeCase } from '../case.js';
import { judgeSilence, judgeWaiting } from '../judge.js';
import { NOTE, writeHead } from '../message.js';

export const pipelining: readonly ProbeCase[] = [
  {
    id: 'behind-ehlo',
    group: 'pipelining',
    input: 'EHLO and NOOP in one packet',
    reference: 'RFC 2920 3.1',
    stage: 'banner',
    ways: ({ helo }) => [[{ send: `EHLO ${helo}\r\nNOOP\r\n` }]],
    judge: judgeWaiting('what came with EHLO is done'),
  },
  {
    id: 'behind-refused-data',
    group: 'pipelining',
    input: 'DATA without recipients, and NOOP as its text, in one packet',
    reference: 'RFC 2920 3.1',
    stage: 'mail',
    ways: inOnePacket('DATA\r\nNOOP\r\n.\r\n'),
    judge: judgeWaiting('the text of a refused message is done as commands'),
  },
  {
    id: 'behind-data',
    group: 'pipelining',
    input: 'DATA and the message in one packet',
    reference: 'RFC 2920 3.1',
    stage: 'rcpt',
    ways: (subject) => [[{ send: `DATA\r\n${writeHead(subject, 'behind-data')}${NOTE}.\r\n` }]],
    judge: judgeWaiting('the message is taken although nobody waited for 354'),
  },
  {
    id: 'behind-auth',
    group: 'pipelining',
    input: 'AUTH PLAIN and NOOP in one packet',
    reference: 'RFC 2920 3.1, RFC 4954 4',
    stage: 'ehlo',
    ways: inOnePacket('AUTH PLAIN\r\nNOOP\r\n'),
    judge: (heard, subject) => {
      const [first, second] = heard.replies;
      if (!first) return judgeSilence(heard);
      if (first.code === 334 && (second?.code ?? 500) >= 400)
        return { verdict: 'safe', why: 'NOOP was read as the credentials it stood for' };
      return judgeWaiting('NOOP is done behind a refused AUTH')(heard, subject);
    },
  },
];
