/** Messages that are malformed inside. Taking them is a weakness at most: what becomes of them cannot be seen from here. */
import type { ProbeCase, Subject } from '../case.js';
import { judgeMessage } from '../judge.js';
import { NOTE, writeHead } from '../message.js';

const make = (id: string, input: string, reference: string, taken: string, text: (subject: Subject) => string): ProbeCase => ({
  id,
  group: 'content',
  input,
  reference,
  stage: 'data',
  ways: (subject) => [[{ send: `${text(subject)}.\r\n` }]],
  judge: judgeMessage(taken),
});

const withFields = (subject: Subject, id: string, fields: string): string => `${writeHead(subject, id, fields)}${NOTE}`;

export const content: readonly ProbeCase[] = [
  make('nul-in-message', 'NUL in a body', 'RFC 5322 2.1', 'taken', (s) => `${writeHead(s, 'nul-in-message')}${NOTE}a\0b\r\n`),
  make(
    'long-line',
    'a body line of 5,000 octets',
    'RFC 5321 4.5.3.1.6',
    'taken; whether it is cut on its way out cannot be seen',
    (s) => `${writeHead(s, 'long-line')}${NOTE}${'x'.repeat(5000)}\r\n`,
  ),
  make('many-hops', '101 Received fields', 'RFC 5321 6.3', 'taken; the loop is found later or not at all', (s) =>
    withFields(s, 'many-hops', 'Received: from probe.invalid by probe.invalid; Thu, 01 Jan 2026 00:00:00 +0000\r\n'.repeat(101)),
  ),
  make('wide-header', 'a header block of 300 KiB', 'denial of service', 'taken, or cut', (s) =>
    withFields(s, 'wide-header', `X-Probe: ${'x'.repeat(900)}\r\n`.repeat(340)),
  ),
];
