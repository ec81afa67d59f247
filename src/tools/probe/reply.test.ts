import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReplyReader, readKeywords } from './reply.js';

describe('ReplyReader', () => {
  it('joins continuation lines, takes bare LF, and marks what is no reply', () => {
    expect(new ReplyReader().read('220 hi\r\n250-a\r\n250 b\nnonsense\r\n25')).toEqual([
      { code: 220, text: '220 hi' },
      { code: 250, text: '250-a\n250 b' },
      { code: 0, text: 'nonsense' },
    ]);
  });

  it('gives the same replies however the octets are cut', () => {
    const line = fc.constantFrom('220 hi\r\n', '250-x\r\n', '250 y\n', '354\r\n', 'junk\r\n', '\r\n', '99 x\r\n');
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (lines, sizes) => {
        const text = lines.join('');
        const reader = new ReplyReader();
        const cut: unknown[] = [];
        for (let at = 0, n = 0; at < text.length; n++) {
          const size = sizes[n % sizes.length] ?? 1;
          cut.push(...reader.read(text.slice(at, at + size)));
          at += size;
        }
        expect(cut).toEqual(new ReplyReader().read(text));
      }),
    );
  });

  it('stops where a server talks without end', () => {
    const reader = new ReplyReader();
    for (let n = 0; n < 20; n++) reader.read('x'.repeat(100_000));
    expect(reader.isFlooded).toBe(true);
    expect(reader.read('250 x\r\n')).toEqual([]);
  });
});

describe('readKeywords', () => {
  it('reads names in any case with their words, without the greeting', () => {
    const text = '250-SIZE.test says hello\n250-size 100\n250-AUTH=PLAIN\n250-AUTH PLAIN LOGIN\n250 CHUNKING';
    expect([...readKeywords({ code: 250, text })]).toEqual([
      ['SIZE', '100'],
      ['AUTH', 'PLAIN LOGIN'],
      ['CHUNKING', ''],
    ]);
  });
});
