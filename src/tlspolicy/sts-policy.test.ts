import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesMx, parseStsPolicy, readStsRecord } from './sts-policy.js';

describe('readStsRecord', () => {
  it.each([
    [['v=STSv1; id=20160831085700Z;'], '20160831085700Z'],
    [['v=STSv1;id=a'], 'a'],
    [['other', 'v=STSv1; foo=bar; id=b2;'], 'b2'],
    [['v=STSv1; id=a', 'v=STSv1; id=b'], undefined],
    [['v=STSv1; id=a; id=b'], undefined],
    [['v=STSv1;'], undefined],
    [['v=STSv1; id='], undefined],
    [['v=STSv1; id=with-hyphen'], undefined],
    [[`v=STSv1; id=${'x'.repeat(33)}`], undefined],
    [['v=STSv10; id=a'], undefined],
    [[' v=STSv1; id=a'], undefined],
    [[], undefined],
  ])('%j → %s', (texts, id) => expect(readStsRecord(texts)).toBe(id));
});

const policy = (...lines: string[]): string => ['version: STSv1', ...lines].join('\r\n');

describe('parseStsPolicy', () => {
  it('reads a policy, with either line end, and passes over what it does not know', () => {
    const text = 'version: STSv1\nmode: enforce\nmx: MX1.example.com\nmx: *.example.net\nfuture: x\nmax_age: 604800\nmode: none\n\n';
    expect(parseStsPolicy(text)).toMatchObject({ mode: 'enforce', maxAgeSeconds: 604_800, mx: ['mx1.example.com', '*.example.net'] });
    expect(parseStsPolicy(text.replaceAll('\n', '\r\n'))).toEqual(parseStsPolicy(text));
  });

  it.each([
    ['mode: enforce', /max_age/],
    ['max_age: 1', /mode/],
    [policy('mode: enforce', 'max_age: 1').slice(2), /version/],
    [policy('mode: enforce', 'max_age: 1'), /no mx/],
    [policy('mode: enforce', 'mx: a*.test', 'max_age: 1'), /pattern/],
    [policy('mode: enforce', 'mx: a.test', 'max_age: -1'), /max_age/],
    [policy('what', 'mode: none', 'max_age: 1'), /field/],
    [policy('mode: enforce', ...Array.from({ length: 501 }, (_, i) => `mx: m${i}.test`), 'max_age: 1'), /too many/],
  ])('%#: says what is wrong', (text, why) => {
    const full = text.startsWith('version') || text.startsWith('rsion') ? text : policy(text);
    expect(parseStsPolicy(full)).toMatch(why);
  });

  it('bounds max_age, and mode none needs no mx', () => {
    expect(parseStsPolicy(policy('mode: none', 'max_age: 9999999999'))).toMatchObject({ mode: 'none', mx: [], maxAgeSeconds: 31_557_600 });
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => void [parseStsPolicy(text), readStsRecord([text])]));
  });
});

describe('matchesMx', () => {
  it.each([
    ['mx.example.com', true],
    ['a.example.net', true],
    ['a.b.example.net', false],
    ['example.net', false],
    ['xexample.net', false],
    ['mx.example.org', false],
  ])('%s: %s', (host, fits) => expect(matchesMx(['mx.example.com', '*.example.net'], host)).toBe(fits));
});
