/** What ends a message: nothing but CRLF.CRLF. Each form is sent in one write and octet by octet, a command behind it. */
import type { Move, ProbeCase, Subject } from '../case.js';
import { judgeMessage, judgeWholeMessage } from '../judge.js';
import { NOTE, writeHead } from '../message.js';

/** Forms that are no end, by name; the octets stand between a line of text and a command. */
const FORMS: readonly (readonly [name: string, bytes: string])[] = [
  ['lf-dot-lf', '\n.\n'],
  ['lf-dot-crlf', '\n.\r\n'],
  ['lf-dot-cr', '\n.\r'],
  ['cr-dot-cr', '\r.\r'],
  ['cr-dot-lf', '\r.\n'],
  ['cr-dot-crlf', '\r.\r\n'],
  ['crlf-dot-lf', '\r\n.\n'],
  ['crlf-dot-cr', '\r\n.\r'],
  ['crlf-dot-crcrlf', '\r\n.\r\r\n'],
  ['crcrlf-dot-crcrlf', '\r\r\n.\r\r\n'],
  ['nul-before-dot', '\r\n\0.\r\n'],
  ['nul-behind-dot', '\r\n.\0\r\n'],
];

const SLICE_MS = 25;

/** The message up to `form`, a command that harms nobody, and the real end. */
function waysOf(id: string, form: string, subject: Subject): readonly (readonly Move[])[] {
  const before = `${writeHead(subject, id)}${NOTE}text`;
  const behind = `NOOP ${subject.mark}\r\n.\r\n`;
  const slices = [...form].flatMap((octet): Move[] => [{ send: octet }, { pauseMs: SLICE_MS }]);
  return [[{ send: before + form + behind }], [{ send: before }, { pauseMs: SLICE_MS }, ...slices, { send: behind }]];
}

const show = (bytes: string): string => JSON.stringify(bytes).slice(1, -1).replaceAll('\\u0000', '\\0');

export const endOfData: readonly ProbeCase[] = [
  ...FORMS.map(
    ([name, bytes]): ProbeCase => ({
      id: `end-${name}`,
      group: 'end of data',
      input: `${show(bytes)} inside a message, NOOP behind it`,
      reference: 'RFC 5321 4.1.1.4, CVE-2023-51764 to -51766',
      stage: 'data',
      ways: (subject) => waysOf(`end-${name}`, bytes, subject),
      judge: judgeMessage('not split here, but taken: what goes on to the next server cannot be seen'),
    }),
  ),
  {
    id: 'end-stuffed-dot',
    group: 'end of data',
    input: '\\r\\n..\\r\\n inside a message, NOOP behind it',
    reference: 'RFC 5321 4.5.2',
    stage: 'data',
    ways: (subject) => waysOf('end-stuffed-dot', '\r\n..\r\n', subject),
    judge: judgeWholeMessage,
  },
];
