import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Lines } from './lines.js';

const readAll = (lines: Lines, chunks: readonly Buffer[]): string[] => {
  const seen: string[] = [];
  for (const chunk of chunks) {
    lines.push(chunk);
    for (let line = lines.next(); line; line = lines.next()) {
      seen.push(`${line.bytes.toString('latin1')}${line.bareLf ? '|lf' : ''}${line.bareCr ? '|cr' : ''}${line.cut ? '|cut' : ''}`);
    }
  }
  return seen;
};

const split = (text: string, cuts: readonly number[]): Buffer[] => {
  const bytes = Buffer.from(text, 'latin1');
  const at = [...new Set(cuts.map((c) => c % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length));
};

describe('lines', () => {
  it('tells the line ends apart', () => {
    const lines = new Lines(100);
    expect(readAll(lines, [Buffer.from('a\r\nb\nc\rd\r\n\r\n\n\r\r\nrest')])).toEqual(['a', 'b|lf', 'c\rd|cr', '', '|lf', '\r|cr']);
    expect([lines.pendingBytes, lines.rest()?.toString(), lines.rest()]).toEqual([4, 'rest', undefined]);
  });

  it('gives the same lines however they are cut into chunks', () => {
    const text = fc.array(fc.constantFrom('\r\n', '\n', '\r', 'a', 'bb', 'ccccccc', ''), { maxLength: 40 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat(200), { maxLength: 12 }), (whole, cuts) => {
        // Of a line that is cut only the first octets and the cut itself are promised.
        const plain = (seen: string[]): string[] => seen.map((line) => (line.endsWith('|cut') ? `${line.slice(0, 5)}…` : line));
        const once = plain(readAll(new Lines(5), [Buffer.from(whole, 'latin1')]));
        expect(plain(readAll(new Lines(5), split(whole, cuts)))).toEqual(once);
        const expected = whole.split('\n').slice(0, -1);
        expect(once.length).toBe(expected.length);
      }),
    );
  });

  it('holds no more than the cap of a line without an end', () => {
    const lines = new Lines(1000);
    for (let i = 0; i < 2000; i++) {
      lines.push(Buffer.alloc(700, 0x61));
      expect(lines.next()).toBeUndefined();
      expect(lines.pendingBytes).toBeLessThanOrEqual(1001);
    }
    lines.push(Buffer.from('\r\nnext\r\n'));
    const cut = lines.next();
    expect([cut?.cut, cut?.bytes.length, cut?.bareLf]).toEqual([true, 1000, false]);
    expect(lines.next()?.bytes.toString()).toBe('next');
  });

  it('takes a line of exactly the cap whole', () => {
    const lines = new Lines(5);
    expect(
      readAll(
        lines,
        ['12345', '\r', '\n', '123456\r\n', '123456', '\r', '\n'].map((s) => Buffer.from(s)),
      ),
    ).toEqual(['12345', '12345|cut', '12345|cut']);
    lines.push(Buffer.alloc(50, 0x61));
    lines.next();
    expect(lines.rest()?.length).toBe(5);
  });
});
