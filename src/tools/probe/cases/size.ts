/** The SIZE parameter: a number, and none that is too large. */
import type { ProbeCase, Subject } from '../case.js';
import { judgeRefusal } from '../judge.js';

const make = (id: string, input: string, taken: string, value: (subject: Subject) => string): ProbeCase => ({
  id,
  group: 'size',
  input,
  reference: 'RFC 1870 6.1',
  stage: 'ehlo',
  needs: 'SIZE',
  ways: (subject) => [[{ send: `MAIL FROM:<> SIZE=${value(subject)}\r\n` }]],
  judge: judgeRefusal(taken),
});

export const size: readonly ProbeCase[] = [
  make('size-no-number', 'MAIL FROM:<> SIZE=10x', 'half a number is believed', () => '10x'),
  make('size-negative', 'MAIL FROM:<> SIZE=-1', 'a negative size is believed', () => '-1'),
  make('size-overflow', 'MAIL FROM:<> SIZE=18446744073709551617', 'a size beyond 64 bits is taken', () => '18446744073709551617'),
  {
    ...make('size-above-limit', 'MAIL FROM:<> SIZE=<limit + 1>', 'more is taken than was announced', ({ keywords }) =>
      String(BigInt(keywords.get('SIZE')?.trim() || '0') + 1n),
    ),
    judge: (heard, subject) =>
      /^0*$/.test(subject.keywords.get('SIZE')?.trim() ?? '')
        ? { verdict: 'unclear', why: 'no limit is announced' }
        : judgeRefusal('more is taken than was announced')(heard, subject),
  },
];
