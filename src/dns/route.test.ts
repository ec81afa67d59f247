import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Answer } from './answer.js';
import type { HostAddress, Mx } from './resolver.js';
import { joinHops, type ResolvedHost, type RouteRules, rankHosts, shuffle } from './route.js';

const found = <T>(records: readonly T[], ttlSeconds = 300): Answer<T> => ({
  kind: 'found',
  records,
  name: 'x',
  ttlSeconds,
  secure: true,
  from: 'dns',
});
const ips = (...list: string[]): Answer<HostAddress> => found(list.map((ip) => ({ ip, family: ip.includes(':') ? 6 : 4 })));
const host = (name: string, preference: number, answer: Answer<HostAddress>): ResolvedHost => ({ name, preference, answer });
const records = (...list: readonly (readonly [number, string])[]): Answer<Mx> =>
  found(list.map(([preference, exchange]) => ({ preference, exchange })));

/** No chance: the first is swapped with itself. */
const last = (below: number): number => below - 1;
const rules: RouteRules = {
  port: 25,
  random: last,
  isProhibited: () => false,
  isSkipped: () => false,
  blockLocal: true,
  isSelf: () => false,
  preferV6: false,
  bestOnly: false,
  keepAddressOrder: false,
};
const list = { ttlSeconds: 3600, secure: true, from: 'dns' } as const;
const show = (outcome: ReturnType<typeof joinHops>): unknown =>
  outcome.kind === 'hops' ? outcome.hops.map(({ name, ip, preference }) => `${preference} ${name} ${ip}`) : outcome.reply;

describe('hosts of a domain', () => {
  it('stand in the order of preference', () => {
    expect(rankHosts('a.example', records([20, 'b.example'], [10, 'a.example'], [10, 'c.example']), rules)).toEqual({
      hosts: [
        { name: 'a.example', preference: 10 },
        { name: 'c.example', preference: 10 },
        { name: 'b.example', preference: 20 },
      ],
      ttlSeconds: 300,
      secure: true,
      implicit: false,
    });
  });

  it('are shuffled within a preference, fairly', () => {
    const first = new Map<string, number>();
    let seed = 1;
    const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let i = 0; i < 3000; i++) {
      const ranked = rankHosts('a.example', records([10, 'a.example'], [10, 'b.example'], [10, 'c.example'], [5, 'z.example']), {
        random,
        bestOnly: false,
      });
      const hosts = 'hosts' in ranked ? ranked.hosts.map(({ name }) => name) : [];
      expect(hosts[0]).toBe('z.example');
      first.set(hosts[1] ?? '', (first.get(hosts[1] ?? '') ?? 0) + 1);
    }
    expect([...first.keys()].sort()).toEqual(['a.example', 'b.example', 'c.example']);
    for (const times of first.values()) expect(Math.abs(times - 1000)).toBeLessThan(120);
  });

  it('are the domain itself without an MX', () => {
    for (const kind of ['nodata', 'nxdomain'] as const) {
      expect(rankHosts('a.example', { kind, ttlSeconds: 60, secure: false }, rules)).toMatchObject({
        hosts: [{ name: 'a.example', preference: 0 }],
        implicit: true,
      });
    }
  });

  it('are none with a null MX, which other records overrule', () => {
    expect(rankHosts('a.example', records([0, '']), rules)).toMatchObject({
      kind: 'null-mx',
      reply: '550 5.4.4 [internal] NULL MX domain does not accept mail',
      permanent: true,
      counts: false,
    });
    expect(rankHosts('a.example', records([0, ''], [10, 'mx.example']), rules)).toMatchObject({ hosts: [{ name: 'mx.example' }] });
  });

  it('are no nonsense; an address stays for a module that makes sense of it', () => {
    expect(rankHosts('a.example', records([10, 'a b.example']), rules)).toMatchObject({ kind: 'no-host', permanent: false, counts: true });
    expect(rankHosts('a.example', records([10, '192.0.2.1'], [10, 'a b.example']), rules)).toMatchObject({
      hosts: [{ name: '192.0.2.1', preference: 10 }],
    });
  });

  it('count once, at their best', () => {
    expect(rankHosts('a.example', records([20, 'mx.example'], [10, 'mx.example'], [30, 'mx.example']), rules)).toMatchObject({
      hosts: [{ name: 'mx.example', preference: 10 }],
    });
  });

  it('are 200 at most, the best', () => {
    const many = records(...Array.from({ length: 1000 }, (_, i) => [1000 - i, `mx${i}.example`] as const));
    const ranked = rankHosts('a.example', many, rules);
    expect('hosts' in ranked && [ranked.hosts.length, ranked.hosts[0]?.preference, ranked.hosts.at(-1)?.preference]).toEqual([200, 1, 200]);
  });

  it('are only the best when it is so wished', () => {
    expect(
      rankHosts('a.example', records([10, 'a.example'], [20, 'b.example'], [10, 'c.example']), { ...rules, bestOnly: true }),
    ).toMatchObject({
      hosts: [{ name: 'a.example' }, { name: 'c.example' }],
    });
  });

  it('are unknown when the look-up failed; only a fresh failure counts', () => {
    for (const fresh of [true, false]) {
      expect(rankHosts('a.example', { kind: 'servfail', why: 'SERVFAIL', ttlSeconds: 5, fresh, outage: false }, rules)).toEqual({
        kind: 'lookup-failed',
        reply: '451 4.4.3 [internal] Domain Lookup Failed',
        permanent: false,
        counts: fresh,
        ttlSeconds: 5,
        why: 'servfail (SERVFAIL)',
      });
    }
  });
});

describe('hops', () => {
  it('are all addresses of all hosts, each once, for the shortest time', () => {
    const outcome = joinHops([host('a', 10, ips('8.8.8.1', '8.8.8.2')), host('b', 20, ips('8.8.8.2', '8.8.8.3'))], list, rules);
    expect(show(outcome)).toEqual(['10 a 8.8.8.1', '10 a 8.8.8.2', '20 b 8.8.8.3']);
    expect(outcome).toMatchObject({ ttlSeconds: 300, secure: true, from: 'dns', hops: [{ port: 25 }, {}, {}] });
  });

  it('leave private and loopback addresses out, and end where there is nothing else', () => {
    const locals = [
      '127.0.0.1',
      '10.1.1.1',
      '192.168.0.9',
      '172.16.5.5',
      '169.254.169.254',
      '0.0.0.0',
      '100.64.0.1',
      '::1',
      'fe80::1',
      'fd00::1',
      '::',
      '64:ff9b::7f00:1',
    ];
    for (const ip of locals) {
      expect(show(joinHops([host('a', 10, ips(ip)), host('b', 20, ips('8.8.8.8'))], list, rules))).toEqual(['20 b 8.8.8.8']);
      expect(joinHops([host('a', 10, ips(ip))], list, rules)).toMatchObject({
        kind: 'private',
        reply: '551 5.4.6 [internal] Private/Loopback Address',
        permanent: true,
        counts: false,
      });
      expect(show(joinHops([host('a', 10, ips(ip))], list, { ...rules, blockLocal: false }))).toEqual([`10 a ${ip}`]);
    }
  });

  it('take a private address that the operator wrote into /etc/hosts, but not loopback', () => {
    const fromFile = (ip: string): Answer<HostAddress> => ({
      ...(ips(ip) as Extract<Answer<HostAddress>, { kind: 'found' }>),
      from: 'file',
    });
    expect(show(joinHops([host('a', 0, fromFile('10.0.0.1'))], list, rules))).toEqual(['0 a 10.0.0.1']);
    expect(joinHops([host('a', 0, fromFile('127.0.1.1'))], list, rules)).toMatchObject({ kind: 'private' });
  });

  it('pass over skip_hosts', () => {
    const skipping = { ...rules, isSkipped: (ip: string) => ip.startsWith('8.8.8.') };
    expect(show(joinHops([host('a', 10, ips('8.8.8.8')), host('b', 20, ips('9.9.9.9'))], list, skipping))).toEqual(['20 b 9.9.9.9']);
    expect(joinHops([host('a', 10, ips('8.8.8.8'))], list, skipping)).toMatchObject({
      kind: 'skipped',
      reply: '451 4.4.1 [internal] No valid hosts',
      permanent: false,
    });
  });

  it('end at prohibited_hosts: for good when one comes first, before it when one comes later', () => {
    const strict = { ...rules, isProhibited: (ip: string) => ip === '9.9.9.9' };
    const bad = ips('9.9.9.9');
    const good = ips('8.8.8.8');
    expect(joinHops([host('a', 10, bad), host('b', 20, good)], list, strict)).toMatchObject({ kind: 'prohibited', permanent: true });
    expect(joinHops([host('a', 10, good), host('b', 10, bad)], list, strict)).toMatchObject({ kind: 'prohibited' });
    expect(show(joinHops([host('a', 10, good), host('b', 20, bad), host('c', 30, ips('7.7.7.7'))], list, strict))).toEqual([
      '10 a 8.8.8.8',
    ]);
  });

  it('end before ourselves', () => {
    const self = { ...rules, isSelf: (ip: string, port: number) => ip === '8.8.8.9' && port === 25 };
    const hosts = [
      host('a', 10, ips('8.8.8.8')),
      host('me', 20, ips('8.8.8.9')),
      host('c', 20, ips('8.8.4.4')),
      host('d', 30, ips('1.1.1.1')),
    ];
    expect(show(joinHops(hosts, list, self))).toEqual(['10 a 8.8.8.8']);
    expect(joinHops(hosts.slice(1), list, self)).toMatchObject({ kind: 'self', permanent: true });
    expect(show(joinHops(hosts.slice(1, 2), list, { ...self, port: 2525 }))).toEqual(['20 me 8.8.8.9']);
  });

  it('put IPv6 first within a preference when it is so wished', () => {
    const hosts = [host('a', 10, ips('8.8.8.8', '2600::1')), host('b', 10, ips('2600::2')), host('c', 20, ips('2600::3'))];
    expect(show(joinHops(hosts, list, { ...rules, preferV6: true }))).toEqual([
      '10 a 2600::1',
      '10 b 2600::2',
      '10 a 8.8.8.8',
      '20 c 2600::3',
    ]);
  });

  it('use what could be looked up, and look at the rest again soon', () => {
    const failed: Answer<HostAddress> = { kind: 'timeout', why: 'slow', ttlSeconds: 5, fresh: true, outage: false };
    const outcome = joinHops([host('a', 10, failed), host('b', 20, ips('8.8.8.8'))], list, rules);
    expect(outcome).toMatchObject({ kind: 'hops', ttlSeconds: 60 });
    expect(joinHops([host('a', 10, failed), host('b', 20, ips('127.0.0.1'))], list, rules)).toMatchObject({
      kind: 'lookup-failed',
      permanent: false,
      counts: true,
    });
    expect(joinHops([host('a', 10, { ...failed, fresh: false })], list, rules)).toMatchObject({ kind: 'lookup-failed', counts: false });
  });

  it('are none when no host has an address', () => {
    const gone: Answer<HostAddress> = { kind: 'nxdomain', ttlSeconds: 30, secure: false };
    expect(joinHops([host('a', 10, gone)], list, rules)).toEqual({
      kind: 'no-host',
      reply: '454 4.4.4 [internal] no MX or A for domain',
      permanent: false,
      counts: true,
      ttlSeconds: 30,
      why: '',
    });
    expect(joinHops([], list, rules)).toMatchObject({ kind: 'no-host' });
  });

  it('stay within bounds', () => {
    const many = Array.from({ length: 200 }, (_, i) => host(`mx${i}`, i, ips(...Array.from({ length: 100 }, (_, j) => `11.${i}.0.${j}`))));
    const outcome = joinHops(many, list, rules);
    expect(outcome.kind === 'hops' && [outcome.hops.length, outcome.hops[32]?.name]).toEqual([500, 'mx1']);
  });

  it('keep the order of addresses only when it means something', () => {
    const hosts = [host('a', 0, ips('8.8.8.1', '8.8.8.2', '8.8.8.3'))];
    const random = (): number => 0;
    expect(show(joinHops(hosts, list, { ...rules, random, keepAddressOrder: true }))).toEqual([
      '0 a 8.8.8.1',
      '0 a 8.8.8.2',
      '0 a 8.8.8.3',
    ]);
    expect(show(joinHops(hosts, list, { ...rules, random }))).toEqual(['0 a 8.8.8.2', '0 a 8.8.8.3', '0 a 8.8.8.1']);
  });

  it('never contain what must not be connected to', () => {
    const ip = fc.constantFrom('8.8.8.8', '9.9.9.9', '127.0.0.1', '10.0.0.1', '2600::1', '::1', '7.7.7.7', '6.6.6.6');
    const hosts = fc.array(fc.tuple(fc.nat(3), fc.array(ip, { minLength: 1, maxLength: 4 })), { maxLength: 8 });
    fc.assert(
      fc.property(hosts, fc.nat(1000), (raw, seed) => {
        const strict = {
          ...rules,
          random: (below: number) => seed % below,
          isProhibited: (x: string) => x === '9.9.9.9',
          isSkipped: (x: string) => x === '7.7.7.7',
        };
        const outcome = joinHops(
          raw.map(([preference, list], i) => host(`h${i}`, preference, ips(...list))).sort((a, b) => a.preference - b.preference),
          list,
          strict,
        );
        if (outcome.kind !== 'hops') return outcome.reply.length > 0;
        const preferences = outcome.hops.map(({ preference }) => preference);
        return (
          outcome.hops.length > 0 &&
          outcome.hops.every(({ ip: at }) => ['8.8.8.8', '2600::1', '6.6.6.6'].includes(at)) &&
          preferences.every((p, i) => i === 0 || p >= (preferences[i - 1] ?? 0))
        );
      }),
    );
  });
});

describe('shuffle', () => {
  it('keeps every item', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.nat(), (items, seed) => {
        const mixed = shuffle(items, (below) => (seed * 31 + below) % below);
        return [...mixed].sort().join() === [...items].sort().join();
      }),
    );
  });
});
