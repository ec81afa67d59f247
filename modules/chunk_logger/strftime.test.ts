/** Times against date(1), which writes them by the C library. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { compileTime, findFormatFault } from './strftime.js';

const LETTERS = 'aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZ%';
const TIMES = [0, 951_782_399, 1_104_537_600, 1_230_768_000, 1_609_459_199, 1_700_000_000, 1_735_603_200, 4_102_444_799];

describe('strftime', () => {
  it('writes every conversion as the C library does, in the time zone of the process', () => {
    const format = [...LETTERS].map((letter) => `${letter}=<%${letter}>`).join(' ');
    const write = compileTime(format);
    for (const seconds of TIMES) {
      const { stdout } = spawnSync('date', ['-d', `@${seconds}`, `+${format}`], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
      expect(write(seconds * 1000 + 999)).toBe(stdout.slice(0, -1));
    }
  });

  it('reads E and O as nothing, and remembers a second no longer than it lasts', () => {
    const write = compileTime('%Es %OS');
    expect([write(1000), write(1999), write(2000)]).toEqual(['1 01', '1 01', '2 02']);
  });

  it.each(['%Q', 'at %', '%-d', '%E'])('finds fault with %s', (format) => {
    expect(findFormatFault(format)).toContain(format.slice(format.indexOf('%')).slice(0, 2));
  });

  it('finds none with text that only looks like a conversion', () => {
    expect(findFormatFault('100%% [%F]')).toBeUndefined();
    expect(compileTime('100%%d [%%F]')(0)).toBe('100%d [%F]');
  });
});
