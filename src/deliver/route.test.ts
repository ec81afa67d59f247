import { describe, expect, it } from 'vitest';
import { snapshotOf } from '../../test/chaos/room.js';
import type { RouteFinder, RouteWish } from '../dns/find-route.js';
import { deadEnd, type Outcome } from '../dns/outcome.js';
import type { RouteEntry } from '../dns/route-entry.js';
import { VirtualClock } from '../kernel/virtual-clock.js';
import { PlaceTable } from '../module/place.js';
import type { RankedHop } from '../module/resolver.js';
import { HopRouter } from './route.js';

const { signal } = new AbortController();
const found = (ip: string, ttlSeconds = 300): Outcome => ({
  kind: 'hops',
  hops: [{ name: 'mx.test', ip, port: 25, preference: 10 }],
  ttlSeconds,
  from: 'dns',
  secure: false,
});

interface Held {
  readonly signal: AbortSignal;
  readonly wish: RouteWish;
  readonly answer: (outcome: Outcome) => void;
}

async function setUp(
  config: string,
  answers: { domain?: () => Outcome; entries?: () => Outcome; hook?: () => readonly RankedHop[] | undefined } = {},
) {
  const clock = new VirtualClock();
  const asked: { domain?: string; entries?: readonly RouteEntry[]; wish: RouteWish }[] = [];
  const finder: Pick<RouteFinder, 'findDomain' | 'findEntries'> = {
    async findDomain(domain, wish, end) {
      asked.push({ domain, wish });
      if (held) return new Promise((answer) => held?.push({ signal: end, wish, answer }));
      return answers.domain?.() ?? found('192.0.2.1');
    },
    async findEntries(entries, _, wish) {
      asked.push({ entries, wish });
      return answers.entries?.() ?? found('192.0.2.9');
    },
  };
  let held: Held[] | undefined;
  let snapshot = await snapshotOf(config);
  const logs: string[] = [];
  const router = new HopRouter({
    clock,
    snapshot: () => snapshot,
    routes: () => answers.hook?.(),
    finder,
    isSelf: () => false,
    log: (_, text) => logs.push(text),
  });
  const places = new PlaceTable();
  return {
    clock,
    asked,
    logs,
    router,
    /** Look-ups wait from now on until they are answered. */
    hold: (): readonly Held[] => (held = []),
    place: (domain: string) => places.of('default', 'default', domain),
    reload: async (text: string) => {
      snapshot = await snapshotOf(text);
    },
  };
}

describe('HopRouter', () => {
  it('asks DNS once and remembers as long as the answer is good', async () => {
    const { router, place, asked, clock } = await setUp('');
    expect(await router.route(place('a.test'), signal)).toMatchObject({ from: 'dns', hops: [{ ip: '192.0.2.1' }] });
    expect(router.route(place('a.test'), signal)).not.toBeInstanceOf(Promise);
    expect(asked).toHaveLength(1);
    await clock.advance(300_000);
    await router.route(place('a.test'), signal);
    expect(asked).toHaveLength(2);
  });

  it('lets one question answer all who ask at once', async () => {
    const { router, place, asked } = await setUp('');
    await Promise.all([1, 2, 3].map(() => router.route(place('a.test'), signal)));
    expect(asked).toHaveLength(1);
  });

  it('ends a look-up for those who leave it, and for good when all have left', async () => {
    const { router, place, hold } = await setUp('');
    const asked = hold();
    const [first, second, third] = [new AbortController(), new AbortController(), new AbortController()];
    const one = Promise.resolve(router.route(place('a.test'), first.signal));
    const two = Promise.resolve(router.route(place('a.test'), second.signal));
    expect(asked).toHaveLength(1);
    first.abort(new Error('the first left'));
    await expect(one).rejects.toThrow('the first left');
    expect(asked[0]?.signal.aborted).toBe(false);
    asked[0]?.answer(found('192.0.2.5'));
    expect(await two).toMatchObject({ hops: [{ ip: '192.0.2.5' }] });
    router.forget('a.test');
    const alone = Promise.resolve(router.route(place('a.test'), third.signal));
    third.abort(new Error('nobody left'));
    await expect(alone).rejects.toThrow('nobody left');
    expect(asked[1]?.signal.aborted).toBe(true);
    // Who asks then does not join what was ended.
    const next = Promise.resolve(router.route(place('a.test'), signal));
    asked[2]?.answer(found('192.0.2.6'));
    expect(await next).toMatchObject({ hops: [{ ip: '192.0.2.6' }] });
  });

  it('gives nobody after a reload what was asked for under the old options', async () => {
    const { router, place, hold, reload } = await setUp('');
    const asked = hold();
    const before = Promise.resolve(router.route(place('a.test'), signal));
    await reload('use_ipv6 = true');
    const after = Promise.resolve(router.route(place('a.test'), signal));
    expect(asked.map(({ wish }) => wish.v6)).toEqual([false, true]);
    asked[0]?.answer(found('192.0.2.1'));
    asked[1]?.answer(found('2001:db8::1'));
    expect(await before).toMatchObject({ hops: [{ ip: '192.0.2.1' }] });
    expect(await after).toMatchObject({ hops: [{ ip: '2001:db8::1' }] });
    expect(router.route(place('a.test'), signal)).toMatchObject({ hops: [{ ip: '2001:db8::1' }] });
  });

  it('counts a domain that is not there like a look-up that failed, once each time it is asked', async () => {
    const { router, place, clock } = await setUp('', { domain: () => deadEnd('no-host', { counts: true, ttlSeconds: 600 }) });
    const reply = { problem: '454 4.4.4 [internal] no MX or A for domain', permanent: false };
    expect(await router.route(place('a.test'), signal)).toEqual({ ...reply, lookupFailed: true });
    expect(router.route(place('a.test'), signal)).toEqual({ ...reply, lookupFailed: false });
    await clock.advance(60_001);
    expect(await router.route(place('a.test'), signal)).toEqual({ ...reply, lookupFailed: true });
  });

  it('clamps the time to live', async () => {
    const { router, place, asked, clock } = await setUp('min_dns_ttl = 60\nmax_dns_ttl = 100', { domain: () => found('192.0.2.1', 5) });
    await router.route(place('a.test'), signal);
    await clock.advance(59_000);
    await router.route(place('a.test'), signal);
    expect(asked).toHaveLength(1);
    await clock.advance(1001);
    await router.route(place('a.test'), signal);
    expect(asked).toHaveLength(2);
  });

  it('prefers gateway to routes, routes to a module, a module to DNS', async () => {
    const hook = () => [{ name: 'm.test', ip: '192.0.2.7', port: 25, preference: 0 }];
    const config = 'domain "b.test" { routes = ( "192.0.2.5" ) }\ndomain "c.test" { gateway = "relay.test"\nroutes = ( "192.0.2.5" ) }';
    const { router, place, asked } = await setUp(config, { hook });
    expect(await router.route(place('c.test'), signal)).toMatchObject({ from: 'gateway' });
    expect(asked.at(-1)?.entries).toMatchObject([{ kind: 'host', name: 'relay.test' }]);
    expect(await router.route(place('b.test'), signal)).toMatchObject({ from: 'routes' });
    expect(asked.at(-1)?.entries).toMatchObject([{ kind: 'address', ip: '192.0.2.5' }]);
    expect(await router.route(place('a.test'), signal)).toMatchObject({ from: 'module', hops: [{ ip: '192.0.2.7' }] });
    expect(asked).toHaveLength(2);
  });

  it('asks DNS where an empty gateway takes away the one around it', async () => {
    const { router, place, asked } = await setUp('gateway = "relay.test"\ndomain "b.test" { gateway = "" }');
    expect(await router.route(place('b.test'), signal)).toMatchObject({ from: 'dns' });
    expect(asked[0]?.entries).toBeUndefined();
    expect(await router.route(place('a.test'), signal)).toMatchObject({ from: 'gateway' });
  });

  it('hands over what the options ask for', async () => {
    const config = `prohibited_hosts = ( "10.0.0.0/8" )\nskip_hosts = ( "192.0.2.66" )\nuse_ipv6 = true\nrelay_domains = ( "a.test" )
only_use_best_mx_for_relay_domains = true\ndeliver_to_private = true\ndelivery_method = LMTP\nlmtp_port = 2424`;
    const { router, place, asked } = await setUp(config);
    await router.route(place('a.test'), signal);
    const wish = asked[0]?.wish;
    expect(wish).toMatchObject({ port: 2424, allowPrivate: true, v6: true, bestOnly: true, resolveAll: true, skipMx: false });
    expect(wish?.isProhibited('10.1.2.3')).toBe(true);
    expect(wish?.isSkipped('192.0.2.66')).toBe(true);
    await router.route(place('b.test'), signal);
    expect(asked[1]?.wish.bestOnly).toBe(false);
  });

  it('counts a failed look-up once, repeats it for a minute, and goes to the address after some', async () => {
    const { router, place, asked, clock } = await setUp('mx_failures_fallback_to_a = 2', {
      domain: () => deadEnd('lookup-failed', { counts: true, ttlSeconds: 600 }),
    });
    const a = place('a.test');
    expect(await router.route(a, signal)).toMatchObject({ permanent: false, lookupFailed: true });
    expect(router.route(a, signal)).toMatchObject({ lookupFailed: false });
    await clock.advance(60_001);
    await router.route(a, signal);
    router.forget('a.test');
    await router.route(a, signal);
    expect(asked.map(({ wish }) => wish.skipMx)).toEqual([false, false, true]);
  });

  it('says at once that a domain takes no mail', async () => {
    const { router, place } = await setUp('', { domain: () => deadEnd('null-mx') });
    expect(await router.route(place('a.test'), signal)).toEqual({
      problem: '550 5.4.4 [internal] NULL MX domain does not accept mail',
      permanent: true,
      lookupFailed: false,
    });
  });

  it('forgets everything on reload', async () => {
    const { router, place, asked, reload } = await setUp('');
    await router.route(place('a.test'), signal);
    await reload('gateway = "relay.test"');
    expect(await router.route(place('a.test'), signal)).toMatchObject({ from: 'gateway' });
    expect(asked).toHaveLength(2);
  });
});
