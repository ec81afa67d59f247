import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Address, type PathRules, parsePath, toAddress } from './address.js';

const strict: PathRules = { pedantic: true, literals: true, whitespace: false, international: false };
const read = (text: string, more: Partial<PathRules> = {}) => {
  const path = parsePath(text, { ...strict, ...more });
  return 'error' in path ? path.error : [path.address === null ? null : String(path.address), path.rest];
};

describe('parsePath', () => {
  it.each([
    ['<a@b.test>', ['a@b.test', '']],
    ['<a@B.Test> SIZE=10 BODY=8BITMIME', ['a@b.test', 'SIZE=10 BODY=8BITMIME']],
    ['<>', [null, '']],
    ['<> RET=HDRS', [null, 'RET=HDRS']],
    ['<postmaster>', ['postmaster', '']],
    ['<"quoted local"@b.test>', ['"quoted local"@b.test', '']],
    ['<"a>b\\"c"@b.test> X', ['"a>b\\"c"@b.test', 'X']],
    ['<@relay.test,@other.test:a@b.test>', ['a@b.test', '']],
    ['<a@[192.0.2.1]>', ['a@[192.0.2.1]', '']],
    ['<a@[IPv6:2001:db8::1]>', ['a@[IPv6:2001:db8::1]', '']],
    ['<a@b.test.>', ['a@b.test', '']],
    ['<a+tag=x/y@b.test>', ['a+tag=x/y@b.test', '']],
  ])('reads %s', (text, result) => expect(read(text)).toEqual(result));

  it.each([
    ['a@b.test', 'syntax'],
    ['<a@b.test', 'syntax'],
    ['<a@b.test>x', 'syntax'],
    ['<a@@b.test>', 'syntax'],
    ['<a b@c.test>', 'syntax'],
    ['< a@b.test>', 'syntax'],
    ['<a@-b.test>', 'syntax'],
    ['<a@b..test>', 'syntax'],
    ['<a@>', 'syntax'],
    ['<@b.test>', 'syntax'],
    ['<.a@b.test>', 'syntax'],
    ['<a..b@b.test>', 'syntax'],
    ['<"a@b.test>', 'syntax'],
    ['<a@[300.x]>', 'syntax'],
    ['<jörg@b.test>', 'not ascii'],
    [`<${'a'.repeat(65)}@b.test>`, 'too long'],
    [`<a@${'b'.repeat(64)}.test>`, 'syntax'],
  ])('refuses %s as %s', (text, error) => expect(read(text)).toBe(error));

  it('follows its rules', () => {
    expect(read('<a@[192.0.2.1]>', { literals: false })).toBe('literal');
    expect(read('<a..b@b.test>', { pedantic: false })).toEqual(['a..b@b.test', '']);
    expect(read('<  a@b.test >', { whitespace: true })).toEqual(['a@b.test', '']);
    expect(read('<jörg@bücher.test>', { international: true })).toEqual(['jörg@bücher.test', '']);
    expect(read('<\ufffd@b.test>', { international: true })).toBe('bad utf-8');
  });

  it('never throws, and what it accepts it writes back the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'<>@."\\[]:, aé-b1') }), fc.boolean(), (text, flag) => {
        const path = parsePath(text, { pedantic: flag, literals: true, whitespace: flag, international: true });
        if ('error' in path || path.address === null) return true;
        const again = parsePath(`<${path.address}>`, { pedantic: flag, literals: true, whitespace: false, international: true });
        return !('error' in again) && String(again.address) === String(path.address);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('Address', () => {
  it('knows what it needs of the next hop', () => {
    expect(new Address('jörg', 'b.test').isInternational).toBe(true);
    expect(new Address('a', '[192.0.2.1]').isLiteral).toBe(true);
    expect(toAddress('a@b.test')).toEqual(new Address('a', 'b.test'));
    expect(toAddress('nobody')).toBeUndefined();
    expect(toAddress('a b@c')).toBeUndefined();
  });
});
