/** Times as date(1) writes them, and what sanitize does. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { readSanitize } from './sanitize.js';
import { readStrftime } from './strftime.js';

const format = (text: string, ms: number): string => {
  const read = readStrftime(text);
  return 'say' in read ? read.say : read.fill(ms);
};

describe('times', () => {
  const MOMENTS = [
    '2027-01-15T08:00:00Z',
    '2024-12-30T23:59:59Z',
    '2021-01-03T00:00:00Z',
    '2020-02-29T12:34:56Z',
    '2026-12-31T00:30:01Z',
    '2028-01-01T12:00:00Z',
    '2025-07-06T05:04:03Z',
  ];
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  // Names of zones are ICU's, which are others than date's but for the first of all.
  const LETTERS = [...`aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYz%${zone === 'UTC' ? 'Z' : ''}`];

  it.each(MOMENTS)('at %s are what date says, letter by letter', (iso) => {
    const ms = Date.parse(iso);
    const said = execFileSync('date', ['-d', `@${ms / 1000}`, `+${LETTERS.map((letter) => `${letter}=%${letter}`).join('|')}`], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C', TZ: zone },
    });
    expect(`${LETTERS.map((letter) => `${letter}=${format(`%${letter}`, ms)}`).join('|')}\n`).toBe(said);
  });

  it('change with the second and not before', () => {
    const read = readStrftime('%S');
    if ('say' in read) throw new Error(read.say);
    expect([0, 999, 1000, 1999, 0].map((ms) => read.fill(ms))).toEqual(['00', '00', '01', '01', '00']);
  });

  it.each([
    ['%Q', '%Q is no part of a time format'],
    ['%', 'a time format ends with %'],
    ['%E', '%E is no part of a time format'],
  ])('%j is refused', (text, say) => {
    expect(readStrftime(text)).toEqual({ say });
  });
});

const clean = (option: string, text: string): string => {
  const read = readSanitize(option);
  return 'say' in read ? read.say : read.clean(text);
};

describe('sanitize', () => {
  it.each([
    ['', 'a\tb\n', 'a\tb\n'],
    ['special_characters', 'a\tb\r\nc\\d\x07\x1b', 'a\\tb\\r\\nc\\\\d\\a\x1b'],
    ['non_printable', 'a\tb\x1b\x7fé\u2028', 'a\\009b\\027\\127é\\8232'],
    ['special_characters, non_printable', '\t\x1b\\', '\\t\\027\\\\'],
    ['non_printable,special_characters', '\t\x1b\\', '\\t\\027\\\\'],
    ['special_characters,tr/ /_/', 'a b\tc', 'a_b\\tc'],
    ['tr/a-c,/x-z;/', 'abc,d', 'xyz;d'],
    ['tr/\\/\\-/|+/', 'a/b-c', 'a|b+c'],
    ['tr/\\n/ /', 'a\nb', 'a b'],
    ['tr/ab/bc/,tr/b/x/', 'ab', 'xc'],
    ['tr/é😀/e:/', 'é😀', 'e:'],
  ])('%j of %j is %j', (option, text, expected) => {
    expect(clean(option, text)).toBe(expected);
  });

  it.each([
    ['tr/abc/x/', 'tr (at 1) has 3 characters on the left and 1 on the right'],
    ['tr///', 'tr (at 1) has 0 characters on the left and 0 on the right'],
    ['special_characters,tr/a-c/xy/', 'tr (at 20) has 3 characters on the left and 2 on the right'],
    ['special', '"special" (at 1) is none of special_characters, non_printable and tr/.../.../'],
    ['tr/a/b', '"tr/a/b" (at 1) is none of'],
    ['non_printable;tr/a/b/', '"non_printable;tr/a/b/" (at 1) is none of'],
  ])('%j is refused', (option, say) => {
    expect(clean(option, 'x')).toContain(say);
  });
});
