import { describe, expect, it } from 'vitest';
import { RouteFinder, type RouteWish } from './find-route.js';
import { a, aaaa, cname, mx, type Play, playResolver, soa } from './fixture.js';
import type { Outcome } from './outcome.js';
import { parseRouteEntry, type RouteEntry } from './route-entry.js';

const never = new AbortController().signal;
const wish: RouteWish = {
  port: 25,
  v6: false,
  allowPrivate: false,
  resolveAll: true,
  skipMx: false,
  bestOnly: false,
  preferV6: false,
  isProhibited: () => false,
  isSkipped: () => false,
  isSelf: () => false,
};

const play = (script: Parameters<typeof playResolver>[0], given?: Parameters<typeof playResolver>[1]) => {
  const played = playResolver(script, given);
  const finder = new RouteFinder({ resolver: played.resolver, clock: played.clock, random: (below) => below - 1 });
  return { ...played, finder };
};
const show = (outcome: Outcome): unknown =>
  outcome.kind === 'hops' ? outcome.hops.map(({ preference, name, ip, port }) => `${preference} ${name} ${ip}:${port}`) : outcome.reply;
const entries = (...texts: string[]): RouteEntry[] =>
  texts.map((text) => {
    const entry = parseRouteEntry(text);
    if (typeof entry === 'string') throw new Error(entry);
    return entry;
  });

/** A small world. */
const world = ({ name, type }: { name: string; type: string }): Play => {
  const none: Play = { authorities: [soa('example', 60, 60)] };
  if (name === 'shop.example') {
    if (type === 'MX') return { answers: [mx(name, 20, 'mx2.shop.example'), mx(name, 10, 'mx1.shop.example')] };
    return type === 'A' ? { answers: [a(name, '8.8.9.9')] } : none;
  }
  if (name === 'mx1.shop.example')
    return type === 'A' ? { answers: [a(name, '8.8.8.1')] } : type === 'AAAA' ? { answers: [aaaa(name, '2600::1')] } : none;
  if (name === 'mx2.shop.example') return type === 'A' ? { answers: [a(name, '8.8.8.2')] } : none;
  if (name === 'only-a.example') return type === 'A' ? { answers: [a(name, '8.8.8.3')] } : none;
  if (name === 'inside.example') return type === 'A' ? { answers: [a(name, '10.0.0.3')] } : none;
  if (name === 'broken.example') return { rcode: 2 };
  return { rcode: 3 };
};

describe('what is vouched for', () => {
  const vouched = (outcome: Outcome): unknown =>
    outcome.kind === 'hops' ? outcome.hops.map((hop) => hop.vouched === true) : outcome.reply;

  it.each([
    ['an address', ['smtp://192.0.2.1'], [true]],
    ['a host by its address', ['smtp://only-a.example?type=a'], [true]],
    ['a host by an MX that is not proven', ['smtp://shop.example?type=mx'], [false, false]],
    ['the MX of the domain, not proven', ['__mx__'], [false, false]],
  ])('an entry: %s', async (_, texts, told) => {
    const { finder } = play(world);
    expect(vouched(await finder.findEntries(entries(...texts), 'shop.example', wish, never))).toEqual(told);
  });

  it('a literal is, a domain is not without proof', async () => {
    const { finder } = play(world);
    expect(vouched(await finder.findDomain('[8.8.8.8]', wish, never))).toEqual([true]);
    expect(vouched(await finder.findDomain('shop.example', wish, never))).toEqual([false, false]);
    expect(vouched(await finder.findDomain('only-a.example', wish, never))).toEqual([false]);
  });
});

describe('route of a domain', () => {
  it('goes by MX, in IPv4 or both', async () => {
    const { finder } = play(world);
    expect(show(await finder.findDomain('Shop.Example', wish, never))).toEqual([
      '10 mx1.shop.example 8.8.8.1:25',
      '20 mx2.shop.example 8.8.8.2:25',
    ]);
    expect(show(await finder.findDomain('shop.example', { ...wish, v6: true, preferV6: true, port: 24 }, never))).toEqual([
      '10 mx1.shop.example 2600::1:24',
      '10 mx1.shop.example 8.8.8.1:24',
      '20 mx2.shop.example 8.8.8.2:24',
    ]);
  });

  it('goes to the domain itself without MX, or when MX are to be left aside', async () => {
    const { finder } = play(world);
    expect(show(await finder.findDomain('only-a.example', wish, never))).toEqual(['0 only-a.example 8.8.8.3:25']);
    expect(show(await finder.findDomain('shop.example', { ...wish, skipMx: true }, never))).toEqual(['0 shop.example 8.8.9.9:25']);
  });

  it('goes to literals, which strangers wrote', async () => {
    const { finder, wire } = play(world);
    expect(await finder.findDomain('[8.8.8.8]', wish, never)).toMatchObject({
      kind: 'hops',
      from: 'literal',
      hops: [{ ip: '8.8.8.8', name: '[8.8.8.8]' }],
    });
    expect(show(await finder.findDomain('[IPv6:2600::1]', wish, never))).toEqual(['0 [IPv6:2600::1] 2600::1:25']);
    expect(await finder.findDomain('[127.0.0.1]', wish, never)).toMatchObject({ kind: 'private' });
    expect(show(await finder.findDomain('[127.0.0.1]', { ...wish, allowPrivate: true }, never))).toEqual(['0 [127.0.0.1] 127.0.0.1:25']);
    expect(await finder.findDomain('[nothing]', wish, never)).toMatchObject({ kind: 'bad-name', permanent: true });
    expect(await finder.findDomain('192.0.2.1', wish, never)).toMatchObject({ kind: 'bad-name' });
    expect(await finder.findDomain('a..b', wish, never)).toMatchObject({ kind: 'bad-name' });
    expect(wire.asked).toHaveLength(0);
  });

  it('tells what nobody has from what nobody knows', async () => {
    const { finder } = play(world);
    expect(await finder.findDomain('gone.example', wish, never)).toMatchObject({ kind: 'no-host', counts: true, permanent: false });
    expect(await finder.findDomain('broken.example', wish, never)).toMatchObject({
      kind: 'lookup-failed',
      counts: true,
      why: 'servfail (192.0.2.53:53: SERVFAIL)',
    });
    expect(await finder.findDomain('broken.example', wish, never)).toMatchObject({ kind: 'lookup-failed', counts: false });
  });

  it('honours /etc/hosts for the domain, but lets no MX make use of it', async () => {
    const { finder } = play(
      (asked) =>
        asked.type === 'MX' && asked.name === 'sly.example'
          ? { answers: [mx(asked.name, 10, 'relay.inside'), mx(asked.name, 10, 'localhost')] }
          : world(asked),
      {
        hosts: '10.0.0.9 relay.inside',
      },
    );
    expect(show(await finder.findDomain('relay.inside', wish, never))).toEqual(['0 relay.inside 10.0.0.9:25']);
    expect(await finder.findDomain('sly.example', wish, never)).toMatchObject({ kind: 'private' });
    expect(await finder.findDomain('localhost', wish, never)).toMatchObject({ kind: 'private' });
  });

  it('asks for no more hosts at once than is decent, and no more than are needed', async () => {
    let most = 0;
    const played = play(({ name, type }) => {
      most = Math.max(most, played.resolver.stats().pending);
      if (type === 'MX') return { answers: Array.from({ length: 100 }, (_, i) => mx(name, i < 3 ? 1 : 2, `mx${i}.example`)) };
      return { afterMs: 5, play: { answers: Array.from({ length: 40 }, (_, i) => a(name, `11.0.${name.slice(2, -8)}.${i}`)) } };
    });
    const route = played.finder.findDomain('big.example', wish, never);
    await played.clock.advance(1000);
    expect(await route).toMatchObject({ kind: 'hops', ttlSeconds: 10 });
    expect(most).toBeLessThanOrEqual(16);
    expect(played.wire.asked.length).toBe(17);
    const first = play(({ name, type }) =>
      type === 'MX'
        ? { answers: Array.from({ length: 9 }, (_, i) => mx(name, i >> 1, `mx${i}.example`)) }
        : { answers: [a(name, '8.8.8.8')] },
    );
    expect(show(await first.finder.findDomain('big.example', { ...wish, resolveAll: false }, never))).toHaveLength(1);
    expect(first.wire.asked.map(({ name }) => name)).toEqual(['big.example', 'mx0.example', 'mx1.example']);
  });

  it('gives what it has when time is up', async () => {
    const { finder, clock } = play(
      ({ name, type }) =>
        type === 'MX'
          ? { answers: [mx(name, 10, 'fast.example'), mx(name, 5, 'slow.example')] }
          : name === 'fast.example'
            ? { answers: [a(name, '8.8.8.8')] }
            : 'silent',
      {
        conf: 'nameserver 192.0.2.53\noptions timeout:30 attempts:5',
      },
    );
    const route = finder.findDomain('a.example', wish, never);
    await clock.advance(30_000);
    expect(show(await route)).toEqual(['10 fast.example 8.8.8.8:25']);
    const { finder: other, clock: time } = play(() => 'silent', { conf: 'nameserver 192.0.2.53\noptions timeout:30 attempts:5' });
    const none = other.findDomain('a.example', wish, never);
    await time.advance(30_000);
    expect(await none).toMatchObject({ kind: 'lookup-failed', counts: false });
  });

  it('ends with its owner', async () => {
    const { finder, clock } = play(() => 'silent');
    const owner = new AbortController();
    const route = finder.findDomain('a.example', wish, owner.signal);
    await clock.advance(10);
    owner.abort(new Error('shutdown'));
    await expect(route).rejects.toThrow('shutdown');
    await expect(finder.findDomain('shop.example', wish, owner.signal)).rejects.toThrow('shutdown');
  });
});

describe('the word of a module on a host', () => {
  const literal = ({ name, type }: { name: string; type: string }): Play =>
    name === 'broken.example' && type === 'MX'
      ? { answers: [mx(name, 10, '8.8.4.4'), mx(name, 20, 'mx1.shop.example')] }
      : world({ name, type });

  it('goes before DNS, and is judged like it', async () => {
    const { resolver, clock } = playResolver(literal);
    const asked: string[] = [];
    const finder = new RouteFinder({
      resolver,
      clock,
      random: (below) => below - 1,
      hostAddresses: (host, v6) => {
        asked.push(`${host} ${v6}`);
        return host === '8.8.4.4' ? { ips: ['2600::4', '8.8.4.4', '10.0.0.1'], ttlSeconds: 60, ordered: true } : undefined;
      },
    });
    const outcome = await finder.findDomain('broken.example', wish, never);
    expect(show(outcome)).toEqual(['10 8.8.4.4 8.8.4.4:25', '20 mx1.shop.example 8.8.8.1:25']);
    expect(outcome.ttlSeconds).toBe(60);
    expect(asked.sort()).toEqual(['8.8.4.4 false', 'mx1.shop.example false']);
    expect(show(await finder.findDomain('broken.example', { ...wish, v6: true }, never))).toEqual([
      '10 8.8.4.4 2600::4:25',
      '10 8.8.4.4 8.8.4.4:25',
      '20 mx1.shop.example 8.8.8.1:25',
      '20 mx1.shop.example 2600::1:25',
    ]);
  });

  it('is needed for an address in place of a host: without it there is no such host', async () => {
    const { finder } = play(literal);
    expect(show(await finder.findDomain('broken.example', wish, never))).toEqual(['20 mx1.shop.example 8.8.8.1:25']);
    const alone = play(({ name, type }) => (type === 'MX' ? { answers: [mx(name, 10, '8.8.4.4')] } : { rcode: 3 }));
    expect(await alone.finder.findDomain('broken.example', wish, never)).toMatchObject({ kind: 'no-host', permanent: false });
  });
});

describe("the operator's own entries", () => {
  it('lead to addresses and hosts in order, private or not', async () => {
    const { finder } = play(world, { hosts: '10.0.0.9 relay' });
    const outcome = await finder.findEntries(entries('127.0.0.1:2525', 'inside.example', 'relay:26', '[::1]'), 'x.example', wish, never);
    expect(show(outcome)).toEqual(['0 127.0.0.1 127.0.0.1:2525', '1 inside.example 10.0.0.3:25', '2 relay 10.0.0.9:26', '3 ::1 ::1:25']);
    expect(outcome).toMatchObject({ from: 'configured' });
  });

  it('go by MX, then by address, as type says', async () => {
    const { finder } = play(world);
    const of = async (text: string): Promise<unknown> => show(await finder.findEntries(entries(text), 'x.example', wish, never));
    expect(await of('shop.example')).toEqual(['0 mx1.shop.example 8.8.8.1:25', '1 mx2.shop.example 8.8.8.2:25']);
    expect(await of('smtp://shop.example?type=a')).toEqual(['0 shop.example 8.8.9.9:25']);
    expect(await of('smtp://shop.example?type=a,mx&port=27')).toEqual(['0 shop.example 8.8.9.9:27']);
    expect(await of('smtp://only-a.example?type=mx')).toBe('454 4.4.4 [internal] no MX or A for domain');
    expect(await of('only-a.example')).toEqual(['0 only-a.example 8.8.8.3:25']);
    expect(await of('gone.example')).toBe('454 4.4.4 [internal] no MX or A for domain');
    expect(await of('broken.example')).toBe('451 4.4.3 [internal] Domain Lookup Failed');
  });

  it('stand for the MX of the domain with __mx__, which keeps its blocks', async () => {
    const { finder } = play(world);
    expect(show(await finder.findEntries(entries('__mx__', '10.0.0.1'), 'shop.example', wish, never))).toEqual([
      '0 mx1.shop.example 8.8.8.1:25',
      '1 mx2.shop.example 8.8.8.2:25',
      '2 10.0.0.1 10.0.0.1:25',
    ]);
    expect(await finder.findEntries(entries('__mx__'), 'inside.example', wish, never)).toMatchObject({ kind: 'private' });
  });

  it('follow pref, and stay good for ttl', async () => {
    const { finder } = play(world);
    const outcome = await finder.findEntries(
      entries('smtp://10.0.0.1?pref=20&ttl=7', 'smtp://10.0.0.2?pref=5&ttl=9', 'smtp://10.0.0.3?pref=20&ttl=8'),
      'x.example',
      wish,
      never,
    );
    expect(show(outcome)).toEqual(['5 10.0.0.2 10.0.0.2:25', '20 10.0.0.1 10.0.0.1:25', '20 10.0.0.3 10.0.0.3:25']);
    expect(outcome.ttlSeconds).toBe(7);
  });

  it('pass over what leads nowhere, and fail only when nothing is left', async () => {
    const { finder } = play(world);
    expect(show(await finder.findEntries(entries('gone.example', '10.0.0.1'), 'x.example', wish, never))).toEqual([
      '1 10.0.0.1 10.0.0.1:25',
    ]);
    expect(await finder.findEntries(entries('gone.example', 'broken.example'), 'x.example', wish, never)).toMatchObject({
      kind: 'lookup-failed',
    });
    expect(await finder.findEntries([], 'x.example', wish, never)).toMatchObject({ kind: 'no-host' });
  });

  it('never lead to prohibited_hosts', async () => {
    const { finder } = play(world);
    const strict = { ...wish, isProhibited: (ip: string) => ip === '10.0.0.1' };
    expect(await finder.findEntries(entries('10.0.0.1'), 'x.example', strict, never)).toMatchObject({ kind: 'prohibited' });
  });

  it('follow a CNAME to the gateway', async () => {
    const { finder } = play(({ name, type }) =>
      name === 'gw.example'
        ? {
            answers: type === 'A' ? [cname(name, 'real.example'), a('real.example', '10.0.0.4')] : [cname(name, 'real.example')],
            ...(type === 'A' ? {} : { authorities: [soa('example', 60, 60)] }),
          }
        : { rcode: 3 },
    );
    expect(show(await finder.findEntries(entries('gw.example'), 'x.example', wish, never))).toEqual(['0 gw.example 10.0.0.4:25']);
  });
});
