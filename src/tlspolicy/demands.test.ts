import { describe, expect, it } from 'vitest';
import type { Answer } from '../dns/answer.js';
import type { HopList, RouteHop } from '../dns/outcome.js';
import type { AnyRecord } from '../dns/resolver.js';
import type { TlsOutcome } from '../module/tls-demand.js';
import { Demands } from './demands.js';
import type { StsFinding } from './sts.js';
import { parseStsPolicy, type StsPolicy } from './sts-policy.js';

const { signal } = new AbortController();
const hop = (name: string, more: Partial<RouteHop> = {}): RouteHop => ({ name, ip: '192.0.2.1', port: 25, preference: 10, ...more });
const proven = (name: string): RouteHop => hop(name, { tlsaBases: [name] });
const list = (...hops: RouteHop[]): HopList => ({ kind: 'hops', hops, ttlSeconds: 3600, from: 'dns', secure: true });
const data = { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.alloc(32) };
const tlsa: Answer<AnyRecord> = {
  kind: 'found',
  name: 'x',
  ttlSeconds: 900,
  secure: true,
  from: 'dns',
  records: [{ name: 'x', type: 'TLSA', ttlSeconds: 900, data }],
};
const policy = (mode: string, mx = '*.a.test'): StsPolicy => {
  const read = parseStsPolicy(`version: STSv1\nmode: ${mode}\nmx: ${mx}\nmax_age: 1000`);
  if (typeof read === 'string') throw new Error(read);
  return read;
};
const sts = (mode?: string, more: Partial<StsFinding> = {}): StsFinding => ({
  policy: mode === undefined ? undefined : policy(mode),
  id: '1',
  fault: undefined,
  why: '',
  ttlSeconds: 500,
  ...more,
});

function setUp(answers: Readonly<Record<string, Answer<AnyRecord>>>, finding: StsFinding = sts()) {
  const told: TlsOutcome[] = [];
  const asked: string[] = [];
  const any = async (name: string): Promise<Answer<AnyRecord>> => {
    asked.push(name);
    return answers[name] ?? { kind: 'nxdomain', ttlSeconds: 700, secure: true };
  };
  const demands = new Demands({ resolver: { any }, sts: { find: async () => finding }, tlsWent: (one) => void told.push(one) });
  const judge = (hops: HopList, wish = {}) => demands.judge('a.test', hops, { dane: true, sts: true, tlsaSeconds: 3600, ...wish }, signal);
  return { judge, told, asked };
}

describe('Demands', () => {
  it.each([
    ['an enforced policy that lists the host', sts('enforce'), 'mx.a.test', true],
    ['an enforced policy that does not', sts('enforce'), 'mx.b.test', undefined],
    ['a policy that is only tested', sts('testing'), 'mx.a.test', undefined],
    ['a policy of none', sts('none'), 'mx.a.test', undefined],
    ['no policy', sts(), 'mx.a.test', undefined],
  ])('vouches for a host by %s: %s', async (_, finding, name, vouched) => {
    const { judge } = setUp({}, finding);
    const { hops } = await judge({ ...list(hop(name), hop('by-dnssec.test', { vouched: true })), secure: false });
    expect(hops.map((each) => each.vouched)).toEqual([vouched, true]);
  });

  it('asks for TLSA records only where DNSSEC proved the way to the host, once a host', async () => {
    const { judge, asked } = setUp({ '_25._tcp.mx.a.test': tlsa });
    const { hops, ttlSeconds } = await judge(list(proven('mx.a.test'), { ...proven('mx.a.test'), ip: '192.0.2.2' }, hop('two.a.test')));
    expect(asked).toEqual(['_25._tcp.mx.a.test']);
    expect(hops.map(({ demand }) => demand?.by)).toEqual(['dane', 'dane', undefined]);
    expect(hops[0]?.demand).toMatchObject({
      enforced: true,
      names: ['mx.a.test', 'a.test'],
      barred: undefined,
      policy: { type: 'tlsa', domain: 'mx.a.test' },
    });
    expect(ttlSeconds).toBe(500);
  });

  it('bars a host whose records cannot be looked up, and leaves the others', async () => {
    const { judge } = setUp({ '_25._tcp.mx.a.test': { kind: 'servfail', why: 'bogus', ttlSeconds: 5, fresh: true, outage: false } });
    const { hops, ttlSeconds } = await judge(list(proven('mx.a.test'), proven('two.a.test')), { sts: false });
    expect(hops[0]?.demand).toMatchObject({ barred: 'dnssec-invalid', enforced: true });
    expect(hops[1]?.demand).toBeUndefined();
    expect(ttlSeconds).toBe(5);
  });

  it('MTA-STS holds the hosts that DANE does not', async () => {
    const { judge } = setUp({ '_25._tcp.mx.a.test': tlsa }, sts('enforce'));
    const { hops } = await judge(list(proven('mx.a.test'), proven('two.a.test'), hop('mx.other.test')));
    expect(hops.map(({ demand }) => [demand?.by, demand?.barred])).toEqual([
      ['dane', undefined],
      ['sts', undefined],
      ['sts', 'validation-failure'],
    ]);
  });

  it('mode testing demands nothing but reports, mode none nothing at all', async () => {
    const tested = await setUp({}, sts('testing')).judge(list(hop('mx.a.test'), hop('mx.other.test')));
    expect(tested.hops.map(({ demand }) => [demand?.enforced, demand?.barred])).toEqual([
      [false, undefined],
      [false, 'validation-failure'],
    ]);
    expect((await setUp({}, sts('none')).judge(list(hop('mx.a.test')))).hops[0]?.demand).toBeUndefined();
  });

  it('asks nothing that the options do not ask for, and no policy for routes the operator wrote', async () => {
    const { judge, asked } = setUp({ '_25._tcp.mx.a.test': tlsa }, sts('enforce'));
    expect((await judge(list(proven('mx.a.test')), { dane: false, sts: false })).hops[0]?.demand).toBeUndefined();
    expect(asked).toEqual([]);
    expect((await judge({ ...list(hop('mx.a.test')), from: 'configured' })).hops[0]?.demand).toBeUndefined();
  });

  it('tells of a policy that could not be fetched', async () => {
    const { judge, told } = setUp({}, sts(undefined, { fault: 'sts-policy-fetch-error', why: 'status 500' }));
    await judge(list(hop('mx.a.test')));
    expect(told).toMatchObject([{ domain: 'a.test', fault: 'sts-policy-fetch-error', detail: 'status 500', policy: { type: 'sts' } }]);
  });

  it('gives every policy a digest of its own', async () => {
    const digests = await Promise.all(
      ['enforce', 'testing'].map(async (mode) => (await setUp({}, sts(mode)).judge(list(hop('mx.a.test')))).hops[0]?.demand?.digest),
    );
    expect(new Set(digests).size).toBe(2);
  });
});
