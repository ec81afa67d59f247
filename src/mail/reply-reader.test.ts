import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatWire, reply } from './reply.js';
import { ReplyReader } from './reply-reader.js';

const readAll = (...chunks: string[]): unknown[] => {
  const reader = new ReplyReader();
  const found: unknown[] = [];
  for (const chunk of chunks) {
    reader.push(Buffer.from(chunk, 'utf8'));
    for (let next = reader.next(); next; next = reader.next()) found.push(next);
  }
  return found;
};

describe('ReplyReader', () => {
  it('reads replies of one and of several lines, with and without status', () => {
    expect(readAll('220 mx.test ESMTP\r\n250-mx.test\r\n250-SIZE 100\r\n250 DSN\r\n550 5.1.1 no\r\n250\r\n354 go\n250 2.0.0\r\n')).toEqual([
      reply(220, '', 'mx.test ESMTP'),
      reply(250, '', 'mx.test\nSIZE 100\nDSN'),
      reply(550, '5.1.1', 'no'),
      reply(250, '', ''),
      reply(354, '', 'go'),
      reply(250, '2.0.0', ''),
    ]);
  });

  it('keeps a status that differs from the first one in the text', () => {
    expect(readAll('550-5.7.1 a\r\n550-5.7.2 b\r\n550 c\r\n')).toEqual([reply(550, '5.7.1', 'a\n5.7.2 b\nc')]);
  });

  it.each([
    ['one line of 1 MB', `250 ${'x'.repeat(1 << 20)}`, 'line too long'],
    ['a long line that ends', `250 ${'x'.repeat(3000)}\r\n`, 'line too long'],
    ['10,000 lines', '250-a\r\n'.repeat(10_000), 'too many lines'],
    ['more than 64 KiB', `250-${'x'.repeat(1500)}\r\n`.repeat(60), 'reply too long'],
    ['mixed codes', '250-a\r\n251 b\r\n', 'mixed codes'],
    ['no space', '250ok\r\n', 'no code'],
    ['no code', 'hello\r\n', 'no code'],
    ['a code of HTTP', 'HTTP/1.1 200 OK\r\n', 'no code'],
    ['code 199', '199 x\r\n', 'no code'],
    ['code 600', '600 x\r\n', 'no code'],
    ['an empty line', '\r\n', 'no code'],
    ['NUL', '250 a\0b\r\n', 'control character'],
    ['CR inside', '250 a\rb\r\n', 'control character'],
  ])('bad-inputs 35: %s is a problem, and nothing is read any more', (_, text, problem) => {
    const reader = new ReplyReader();
    reader.push(Buffer.from(text));
    expect(reader.next()).toEqual({ problem });
    reader.push(Buffer.from('250 fine\r\n'));
    expect(reader.next()).toBeUndefined();
  });

  it('takes a line as soon as it is too long, in pieces too', () => {
    const reader = new ReplyReader();
    let found: unknown;
    for (let i = 0; i < 3000 && !found; i++) {
      reader.push(Buffer.from(i === 0 ? '2' : 'x'));
      found = reader.next();
    }
    expect(found).toEqual({ problem: 'line too long' });
  });

  it('reads what formatWire writes, wherever it is cut', () => {
    const one = fc
      .record({
        code: fc.integer({ min: 200, max: 599 }),
        status: fc.constantFrom('', '2.0.0', '5.7.1'),
        text: fc.array(
          fc.string({ unit: fc.constantFrom('a', ' ', 'ü', '-', '.') }).map((s) => `t${s}`),
          { minLength: 1, maxLength: 4 },
        ),
      })
      .map(({ code, status, text }) => reply(code, status, text.join('\n')));
    fc.assert(
      fc.property(fc.array(one, { maxLength: 4 }), fc.array(fc.nat(200), { maxLength: 6 }), (replies, cuts) => {
        const wire = Buffer.from(replies.map((r) => formatWire(r)).join(''), 'utf8');
        const reader = new ReplyReader();
        const found: unknown[] = [];
        let at = 0;
        for (const cut of [...cuts.map((c) => c % (wire.length + 1)).sort((a, b) => a - b), wire.length]) {
          reader.push(wire.subarray(at, cut));
          at = cut;
          for (let next = reader.next(); next; next = reader.next()) found.push(next);
        }
        expect(found).toEqual(replies);
        expect(reader.isEmpty).toBe(true);
      }),
    );
  });
});
