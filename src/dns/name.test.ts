import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countDots, isHostName, normalizeName } from './name.js';

describe('name', () => {
  it.each([
    ['Example.COM', 'example.com'],
    ['example.com.', 'example.com'],
    ['.', ''],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['_dmarc.example.com', '_dmarc.example.com'],
    [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
  ])('%s is asked as %s', (text, name) => expect(normalizeName(text)).toBe(name));

  it.each(['', '..', 'a..b', '.a', 'a b', `${'a'.repeat(64)}.b`, `${'a.'.repeat(127)}a`, 'a\0b', 'a\r\nb', '\u{1f600}'.repeat(100)])(
    '%j is no name',
    (text) => expect(normalizeName(text)).toBeUndefined(),
  );

  it('gives names that stay as they are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        const name = normalizeName(text);
        return name === undefined || (name === '' ? text === '.' : normalizeName(name) === name && name.length <= 253);
      }),
    );
  });

  it.each([
    ['mx.example.com', true],
    ['mx_1.example.com', true],
    ['192.0.2.1', false],
    ['example.123', false],
    ['a*b.example', false],
    ['', false],
  ])('%s may be a host: %s', (name, may) => expect(isHostName(name)).toBe(may));

  it('counts dots', () => expect([countDots('a'), countDots('a.b.c')]).toEqual([0, 2]));
});
