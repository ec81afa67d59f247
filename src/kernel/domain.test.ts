/** Names of domains in either spelling come out as one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldDomain } from './domain.js';

describe('foldDomain', () => {
  it.each([
    ['Example.COM', 'example.com'],
    ['BÜCHER.example', 'xn--bcher-kva.example'],
    ['bu\u0308cher.example', 'xn--bcher-kva.example'],
    ['XN--BCHER-KVA.example', 'xn--bcher-kva.example'],
    ['', ''],
    ['[IPv6:::1]', '[ipv6:::1]'],
    ['evil.test/ü', 'evil.test/ü'],
    ['ü@evil.test', 'ü@evil.test'],
    ['%65vil.ü', '%65vil.ü'],
  ])('%s is %s', (name, folded) => {
    expect(foldDomain(name)).toBe(folded);
  });

  it('changes nothing that was folded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        expect(foldDomain(foldDomain(name))).toBe(foldDomain(name));
      }),
    );
  });
});
