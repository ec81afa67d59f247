/** Options that decide what a look-up asks for, and how long its answer is believed. */
import { describe, expect, it } from 'vitest';
import { snapshotOf } from '../../test/chaos/room.js';
import type { RouteWish } from '../dns/find-route.js';
import { deadEnd, type Outcome } from '../dns/outcome.js';
import { VirtualClock } from '../kernel/virtual-clock.js';
import { PlaceTable } from '../module/place.js';
import { type DemandWish, HopRouter } from './route.js';

const { signal } = new AbortController();
const place = new PlaceTable().of('default', 'default', 'a.test');
const hops: Outcome = {
  kind: 'hops',
  hops: [{ name: 'mx.test', ip: '192.0.2.1', port: 25, preference: 10 }],
  ttlSeconds: 300,
  from: 'dns',
  secure: false,
};

async function open(config: string, answer: () => Outcome = () => hops) {
  const clock = new VirtualClock();
  const snapshot = await snapshotOf(config);
  const wishes: RouteWish[] = [];
  const demands: DemandWish[] = [];
  const find = async (wish: RouteWish): Promise<Outcome> => {
    wishes.push(wish);
    return answer();
  };
  const router = new HopRouter({
    clock,
    snapshot: () => snapshot,
    routes: () => undefined,
    finder: { findDomain: (_, wish) => find(wish), findEntries: (_, __, wish) => find(wish) },
    demands: async (_, list, wish) => {
      demands.push(wish);
      return list;
    },
    isSelf: () => false,
    log: () => {},
  });
  return { clock, wishes, demands, ask: async () => router.route(place, signal) };
}

describe('what a look-up asks for', () => {
  it.each<[string, Partial<RouteWish>, Partial<RouteWish>]>([
    ['fully_resolve_before_smtp = false', { resolveAll: false }, { resolveAll: true }],
    ['prefer_ipv6_mxs = true', { preferV6: true }, { preferV6: false }],
    ['use_ipv6 = true', { v6: true }, { v6: false }],
    ['remote_smtp_port = 2525', { port: 2525 }, { port: 25 }],
    ['delivery_method = lmtp', { port: 2003 }, { port: 25 }],
    ['delivery_method = lmtp lmtp_port = 24', { port: 24 }, { port: 25 }],
    ['deliver_to_private = true', { allowPrivate: true }, { allowPrivate: false }],
    ['relay_domains = ( "a.test" ) only_use_best_mx_for_relay_domains = true', { bestOnly: true }, { bestOnly: false }],
    ['bounce_domains = ( "a.test" ) only_use_best_mx_for_relay_domains = true', { bestOnly: true }, { bestOnly: false }],
    ['relay_domains = ( "b.test" ) only_use_best_mx_for_relay_domains = true', { bestOnly: false }, { bestOnly: false }],
  ])('%s', async (config, wanted, otherwise) => {
    const { ask, wishes } = await open(config);
    await ask();
    expect(wishes).toMatchObject([wanted]);
    const plain = await open('');
    await plain.ask();
    expect(plain.wishes).toMatchObject([otherwise]);
  });

  it.each<['isProhibited' | 'isSkipped', string]>([
    ['isProhibited', 'prohibited_hosts'],
    ['isSkipped', 'skip_hosts'],
  ])('%s: %s', async (question, option) => {
    const { ask, wishes } = await open(`${option} = ( 192.0.2.0/24 )`);
    await ask();
    expect(['192.0.2.9', '198.51.100.1'].map((ip) => wishes[0]?.[question](ip))).toEqual([true, false]);
  });

  it.each([
    ['', 3],
    ['mx_failures_fallback_to_a = 1', 1],
    ['mx_failures_fallback_to_a = 0', undefined],
  ])('"%s": MX is left out after %s failures', async (config, failures) => {
    const { ask, wishes, clock } = await open(config, () => deadEnd('lookup-failed', { counts: true, ttlSeconds: 1 }));
    for (let i = 0; i < 5; i++) {
      await ask();
      await clock.advance(61_000);
    }
    const first = wishes.findIndex(({ skipMx }) => skipMx);
    expect(first).toBe(failures ?? -1);
  });

  it.each<[string, DemandWish[]]>([
    ['', []],
    ['use_dane = true', [{ dane: true, sts: false, tlsaSeconds: 3600 }]],
    ['use_dane = true tlsa_expire_interval = 60', [{ dane: true, sts: false, tlsaSeconds: 60 }]],
    ['use_mta_sts = true', [{ dane: false, sts: true, tlsaSeconds: 3600 }]],
  ])('"%s": what the domain demands of TLS', async (config, asked) => {
    const { ask, demands } = await open(config);
    await ask();
    expect(demands).toEqual(asked);
  });
});

describe('how long an answer of 300 seconds is believed', () => {
  it.each([
    ['', 300],
    ['min_dns_ttl = 900', 900],
    ['max_dns_ttl = 60', 60],
  ])('"%s": %i seconds', async (config, seconds) => {
    const { ask, wishes, clock } = await open(config);
    await ask();
    await clock.advance(seconds * 1000 - 1000);
    await ask();
    expect(wishes).toHaveLength(1);
    await clock.advance(1000);
    await ask();
    expect(wishes).toHaveLength(2);
  });
});
