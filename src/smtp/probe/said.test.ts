/** Replies and keywords out of lines that a server made up. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatWire } from '../../mail/reply.js';
import { readKeywords, readReply } from './said.js';

describe('readReply', () => {
  it('takes the status code off each line that bears it', () => {
    expect(readReply(550, ['5.1.1 no such', '5.1.1 user'])).toEqual({ code: 550, status: '5.1.1', text: 'no such\nuser' });
    expect(readReply(250, ['2.1.5 ok', 'and more'])).toEqual({ code: 250, status: '2.1.5', text: 'ok\nand more' });
    expect(readReply(250, ['2.0.0'])).toEqual({ code: 250, status: '2.0.0', text: '' });
  });

  it('leaves what is no status code of this reply', () => {
    expect(readReply(250, ['5.1.1 odd'])).toEqual({ code: 250, status: '', text: '5.1.1 odd' });
    expect(readReply(550, ['5.1.1234 odd'])).toEqual({ code: 550, status: '', text: '5.1.1234 odd' });
    expect(readReply(354, ['go'])).toEqual({ code: 354, status: '', text: 'go' });
  });

  it('reads back what we write', () => {
    const text = fc.array(fc.stringMatching(/^[a-z][ -~]{0,30}$/), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.integer({ min: 500, max: 599 }), fc.boolean(), text, (code, has, lines) => {
        const said = { code, status: has ? '5.7.1' : '', text: lines.join('\n') };
        const texts = formatWire(said)
          .split('\r\n')
          .slice(0, -1)
          .map((line) => line.slice(4));
        expect(readReply(code, texts)).toEqual(said);
      }),
    );
  });
});

describe('readKeywords', () => {
  it('is a map of what stands behind the first line', () => {
    const keywords = readKeywords(['mx.test Hello', 'PIPELINING', 'size 1000', 'AUTH PLAIN LOGIN', 'AUTH=PLAIN', '__proto__ x', '']);
    expect([...keywords]).toEqual([
      ['PIPELINING', ''],
      ['SIZE', '1000'],
      ['AUTH', 'PLAIN LOGIN PLAIN'],
    ]);
  });

  it('takes any lines', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (lines) => {
        for (const [key, value] of readKeywords(lines)) {
          expect(key).toMatch(/^[A-Z0-9-]+$/);
          expect(typeof value).toBe('string');
        }
      }),
    );
  });
});
