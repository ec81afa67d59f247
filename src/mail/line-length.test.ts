import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clipOctets, foldLongLines, hasLongLine, LONGEST_LINE, wrapLines } from './line-length.js';

const longest = (text: string): number => Math.max(...text.split('\r\n').map((line) => Buffer.byteLength(line)));
const long = fc
  .array(fc.constantFrom('x'.repeat(400), 'ü'.repeat(300), '🎉'.repeat(200), ' ', '\n', 'b\tc'), { maxLength: 12 })
  .map((p) => p.join(''));

describe('line lengths', () => {
  it('clips between characters', () => {
    expect(clipOctets('aüb', 2)).toBe('a');
    expect(clipOctets('aüb', 3)).toBe('aü');
    expect(clipOctets('🎉🎉', 7)).toBe('🎉');
    expect(clipOctets('short', 900)).toBe('short');
  });

  it('wraps texts for people and loses nothing', () => {
    fc.assert(
      fc.property(long, (text) => {
        const wrapped = wrapLines(text);
        expect(longest(wrapped)).toBeLessThanOrEqual(LONGEST_LINE);
        expect(wrapped.replaceAll('\r\n', '')).toBe(text.replaceAll('\n', ''));
      }),
    );
  });

  it('folds header lines and changes nothing but blanks', () => {
    fc.assert(
      fc.property(long, (text) => {
        const block = Buffer.from(`A: 1\r\nSubject: ${text.replaceAll('\n', '')}\r\nB: 2\r\n\r\n`);
        const folded = foldLongLines(block);
        expect(longest(folded.toString())).toBeLessThanOrEqual(LONGEST_LINE);
        expect(hasLongLine([folded])).toBe(false);
        expect(folded.toString().replace(/\s/g, '')).toBe(block.toString().replace(/\s/g, ''));
        expect(folded.toString().split(/\r\n(?![ \t])/)).toHaveLength(5);
        if (!hasLongLine([block])) expect(folded).toBe(block);
      }),
    );
  });

  it('counts lines over the borders of chunks', () => {
    const half = Buffer.alloc(600, 'x');
    expect(hasLongLine([half, half])).toBe(true);
    expect(hasLongLine([half, Buffer.from('\r\n'), half, Buffer.from('\r\n')])).toBe(false);
    expect(hasLongLine([Buffer.from(`${'x'.repeat(998)}\r\n`)])).toBe(false);
    expect(hasLongLine([Buffer.from(`${'x'.repeat(999)}\r\n`)])).toBe(true);
  });
});
