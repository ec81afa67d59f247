/** Command lines: where one ends, how long it may be, what octets it may hold, and how many may be wrong. */
import { inOnePacket, type Judge, type Move, type ProbeCase } from '../case.js';
import { judgeOneLine, judgeRefusal, judgeSilence } from '../judge.js';

const ERRORS = 25;
const JUNK = 250;

/** Many pointless commands: an end of the session or a brake is what is wanted. */
const judgeEndurance: Judge = (heard) => {
  if (heard.replies.length === 0) return judgeSilence(heard);
  if (heard.isClosed || heard.replies.some(({ code }) => code === 421))
    return { verdict: 'safe', why: `ended the session after ${heard.replies.length} replies` };
  return heard.tookMs > 4000 || heard.isStuck
    ? { verdict: 'safe', why: 'slows its answers down' }
    : { verdict: 'accepts', why: `answers all ${heard.replies.length} at full speed` };
};

/** A line end that is none: two answers are two lines. */
const judgeLineEnd =
  (what: string): Judge =>
  (heard, subject) => {
    const yes = heard.replies.filter(({ code }) => code >= 200 && code < 400);
    if (heard.replies.length > 1 && yes.length > 1) return { verdict: 'accepts', why: `${what} ends a command` };
    return judgeRefusal('taken as part of one command')(heard, subject);
  };

export const commands: readonly ProbeCase[] = [
  {
    id: 'many-errors',
    group: 'commands',
    input: `${ERRORS} unknown commands`,
    reference: 'RFC 5321 7.8',
    stage: 'ehlo',
    ways: ({ mark }) => [Array.from({ length: ERRORS }, (_, n): Move[] => [{ send: `XPROBE${n} ${mark}\r\n` }, { hear: 1 }]).flat()],
    judge: judgeEndurance,
  },
  {
    id: 'many-noops',
    group: 'commands',
    input: `${JUNK} NOOP`,
    reference: 'RFC 5321 7.8',
    stage: 'ehlo',
    ways: inOnePacket('NOOP\r\n'.repeat(JUNK)),
    judge: judgeEndurance,
  },
  {
    id: 'bare-lf',
    group: 'commands',
    input: 'NOOP\\nNOOP\\r\\n',
    reference: 'RFC 5321 2.3.8',
    stage: 'ehlo',
    ways: inOnePacket('NOOP\nNOOP\r\n'),
    judge: judgeLineEnd('a bare LF'),
  },
  {
    id: 'bare-cr',
    group: 'commands',
    input: 'NOOP\\rNOOP\\r\\n',
    reference: 'RFC 5321 2.3.8',
    stage: 'ehlo',
    ways: inOnePacket('NOOP\rNOOP\r\n'),
    judge: judgeLineEnd('a bare CR'),
  },
  {
    id: 'long-command',
    group: 'commands',
    input: 'NOOP of 20,000 octets',
    reference: 'RFC 5321 4.5.3.1.4',
    stage: 'ehlo',
    ways: inOnePacket(`${'NOOP '.repeat(4000)}\r\n`),
    judge: judgeOneLine('a command of 20,000 octets is taken'),
  },
  {
    id: 'endless-command',
    group: 'commands',
    input: '200,000 octets before the first CRLF',
    reference: 'RFC 5321 4.5.3.1.4, CVE-2026-38728',
    stage: 'ehlo',
    ways: inOnePacket(`NOOP ${'x'.repeat(200_000)}\r\n`),
    judge: judgeOneLine('a command of 200,000 octets is taken'),
  },
  {
    id: 'nul-in-command',
    group: 'commands',
    input: 'MAIL FROM:<...>\\0 x',
    reference: 'RFC 5321 4.1.2',
    stage: 'ehlo',
    ways: ({ sender }) => [[{ send: `MAIL FROM:<${sender}>\0 x\r\n` }]],
    judge: judgeRefusal('the line is cut at the NUL, or the NUL is kept'),
  },
  {
    id: 'control-in-command',
    group: 'commands',
    input: 'NOOP \\x1b[2J',
    reference: 'RFC 5321 4.1.2',
    stage: 'ehlo',
    ways: inOnePacket('NOOP \x1b[2J\r\n'),
    judge: judgeRefusal('an escape sequence is taken, and may come to a terminal by way of the log'),
  },
  ...[
    ['markup', '<script>alert(1)</script>'],
    ['shell', '$(id)`id`'],
    ['two-words', 'probe.invalid evil.invalid'],
    ['nothing', ''],
  ].map(
    ([name = '', argument = '']): ProbeCase => ({
      id: `ehlo-${name}`,
      group: 'commands',
      input: `EHLO ${argument}`.trimEnd(),
      reference: 'RFC 5321 4.1.1.1',
      stage: 'banner',
      ways: inOnePacket(`EHLO ${argument}\r\n`.replace(' \r', '\r')),
      judge: (heard, subject) =>
        judgeRefusal(argument !== '' && heard.replies[0]?.text.includes(argument) ? 'taken, and sent back as it was' : 'taken as a name')(
          heard,
          subject,
        ),
    }),
  ),
];
