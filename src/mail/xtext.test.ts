import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeXtext, encodeXtext } from './xtext.js';

describe('xtext', () => {
  it.each([
    ['QQ314159', 'QQ314159'],
    ['a+b=c', 'a+2Bb+3Dc'],
    ['a b', 'a+20b'],
    ['jörg', 'j+C3+B6rg'],
    ['', ''],
  ])('%s ⇄ %s', (plain, encoded) => {
    expect(encodeXtext(plain)).toBe(encoded);
    expect(decodeXtext(encoded)).toBe(plain);
  });

  it.each(['a=b', 'a+2', 'a+zz', 'a+2b', 'a b', 'a+0D+0Ab', 'a+00', 'a+FF', 'a\tb', 'a\u0085b'])('refuses %j', (text) =>
    expect(decodeXtext(text)).toBeUndefined(),
  );

  it('takes UTF-8 as it stands', () => expect(decodeXtext('jörg+20x')).toBe('jörg x'));

  it('gives back every text without control characters', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }).filter((s) => !/\p{Cc}|\ufffd/u.test(s)),
        (text) => {
          const encoded = encodeXtext(text);
          expect(encoded).toMatch(/^[!-<>-~]*$/);
          expect(decodeXtext(encoded)).toBe(text);
        },
      ),
    );
  });
});
