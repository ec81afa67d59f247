/** From MX and address answers to hops (RFC 5321 5.1, RFC 7505). Pure: look-ups are done before, chance is handed in. */
import { isLocalIp, kindOfIp } from '../kernel/ip-kind.js';
import { type Answer, type Failed, hasFailed } from './answer.js';
import { isHostName, looksLikeAddress } from './name.js';
import { type DeadEnd, deadEnd, type Outcome, type RouteHop } from './outcome.js';
import type { HostAddress, Mx } from './resolver.js';

/** A host to look up, with its MX preference. */
export interface RouteHost {
  readonly name: string;
  readonly preference: number;
}

export interface RouteRules {
  readonly port: number;
  /** A whole number from 0 up to, not including, `below`. */
  readonly random: (below: number) => number;
  /** Addresses that must never be connected to: where they come first, the mail fails (prohibited_hosts). */
  readonly isProhibited: (ip: string) => boolean;
  /** Addresses to pass over (skip_hosts). */
  readonly isSkipped: (ip: string) => boolean;
  /** Pass over private and loopback addresses: true for what strangers wrote, false for what the operator wrote. */
  readonly blockLocal: boolean;
  /** True for a listener of our own: it and everything behind it is no way (RFC 5321 5.1). */
  readonly isSelf: (ip: string, port: number) => boolean;
  /** IPv6 first within a preference (prefer_ipv6_mxs). */
  readonly preferV6: boolean;
  /** Only the hosts of the best preference (only_use_best_mx_for_relay_domains). */
  readonly bestOnly: boolean;
  /** The order of a host's addresses means something (sortlist). */
  readonly keepAddressOrder: boolean;
}

/** Hosts, addresses of a host, and hops that are used at most; the best are kept. */
export const MOST_HOSTS = 200;
const MOST_ADDRESSES = 32;
export const MOST_HOPS = 500;
/** How soon a route is looked at again that lacks a host because its look-up failed. */
const INCOMPLETE_SECONDS = 60;

export interface HostList {
  readonly hosts: readonly RouteHost[];
  readonly ttlSeconds: number;
  readonly secure: boolean;
  /** The domain itself, for want of an MX. */
  readonly implicit: boolean;
}

/** The hosts of a domain, best first, equals in random order; the domain itself when it has no MX; or a dead end. */
export function rankHosts(
  domain: string,
  mx: Answer<Mx>,
  { random, bestOnly }: Pick<RouteRules, 'random' | 'bestOnly'>,
): HostList | DeadEnd {
  if (hasFailed(mx)) return failedLookup(mx);
  if (mx.kind !== 'found') {
    return { hosts: [{ name: domain, preference: 0 }], ttlSeconds: mx.ttlSeconds, secure: mx.secure, implicit: true };
  }
  const best = new Map<string, number>();
  for (const { exchange, preference } of mx.records) {
    if (isHostName(exchange) || looksLikeAddress(exchange)) best.set(exchange, Math.min(preference, best.get(exchange) ?? preference));
  }
  const { ttlSeconds, secure } = mx;
  if (best.size === 0) {
    return mx.records.some(({ exchange }) => exchange === '')
      ? deadEnd('null-mx', { ttlSeconds })
      : deadEnd('no-host', { ttlSeconds, counts: true, why: 'no MX record names a host' });
  }
  const hosts = shuffle(
    [...best].map(([name, preference]) => ({ name, preference })),
    random,
  ).sort((a, b) => a.preference - b.preference);
  const first = hosts[0]?.preference;
  const kept = bestOnly ? hosts.filter(({ preference }) => preference === first) : hosts;
  return { hosts: kept.slice(0, MOST_HOSTS), ttlSeconds, secure, implicit: false };
}

/** What came of the look-up of a host. */
export interface ResolvedHost extends RouteHost {
  readonly port?: number;
  readonly answer: Answer<HostAddress>;
}

/** The hops of hosts in their order, or the reason why none is left. `list` gives time to live and proof of where the hosts came from. */
export function joinHops(
  resolved: readonly ResolvedHost[],
  list: {
    readonly ttlSeconds: number;
    readonly secure: boolean;
    readonly from: 'dns' | 'configured' | 'literal';
    readonly vouched?: boolean;
  },
  rules: RouteRules,
): Outcome {
  const seen = new Set<string>();
  let ttlSeconds = list.ttlSeconds;
  let hops: RouteHop[] = [];
  let local = 0;
  let skipped = 0;
  for (const { name, preference, port = rules.port, answer } of resolved) {
    if (answer.kind !== 'found') {
      if (hasFailed(answer)) ttlSeconds = Math.min(ttlSeconds, INCOMPLETE_SECONDS);
      continue;
    }
    ttlSeconds = Math.min(ttlSeconds, answer.ttlSeconds);
    const tlsaBases = list.secure && answer.secure && answer.from === 'dns' ? basesOf(name, answer.name) : undefined;
    const addresses = rules.keepAddressOrder || answer.ordered ? answer.records : shuffle(answer.records, rules.random);
    for (const { ip } of addresses.slice(0, MOST_ADDRESSES)) {
      if (rules.isSkipped(ip)) skipped++;
      else if (rules.blockLocal && isBlocked(ip, answer.from)) local++;
      else if (!seen.has(`${ip} ${port}`) && hops.length < MOST_HOPS) {
        seen.add(`${ip} ${port}`);
        hops.push({ name, ip, port, preference, ...(tlsaBases && { tlsaBases }), ...(list.vouched && { vouched: true }) });
      }
    }
  }
  if (rules.preferV6)
    hops = hops
      .map((hop) => ({ hop, v4: hop.ip.includes(':') ? 0 : 1 }))
      .sort(byPreferenceAndFamily)
      .map(({ hop }) => hop);
  const self = cutBehind(hops, ({ ip, port }) => rules.isSelf(ip, port));
  if (self && self.length === 0) return deadEnd('self', { ttlSeconds });
  const allowed = cutBehind(self ?? hops, ({ ip }) => rules.isProhibited(ip));
  if (allowed && allowed.length === 0) return deadEnd('prohibited', { ttlSeconds });
  const left = allowed ?? self ?? hops;
  if (left.length > 0) return { kind: 'hops', hops: left, ttlSeconds, from: list.from, secure: list.secure };
  return explainNothing(resolved, ttlSeconds, local, skipped);
}

/** The end of the CNAMEs goes before the name that was asked for. */
const basesOf = (name: string, end: string): readonly string[] => (end === name ? [name] : [end, name]);

/** An operator who gives a domain a private address in /etc/hosts means it; loopback there is the machine's own name. */
const isBlocked = (ip: string, from: 'dns' | 'file'): boolean => (from === 'dns' ? isLocalIp(ip) : kindOfIp(ip) === 'loopback');

/** The hops of better preference than the first that is `barred`; undefined when none is. */
function cutBehind(hops: readonly RouteHop[], barred: (hop: RouteHop) => boolean): RouteHop[] | undefined {
  const limit = Math.min(...hops.filter(barred).map(({ preference }) => preference));
  return limit === Number.POSITIVE_INFINITY ? undefined : hops.filter(({ preference }) => preference < limit);
}

function explainNothing(resolved: readonly ResolvedHost[], ttlSeconds: number, local: number, skipped: number): DeadEnd {
  const failed = resolved.map(({ answer }) => answer).filter(hasFailed);
  const [first] = failed;
  // What nobody could look up may be a good host: no final word before it is known.
  if (first) return failedLookup({ ...first, fresh: failed.some(({ fresh }) => fresh), outage: failed.some(({ outage }) => outage) });
  if (local > 0) return deadEnd('private', { ttlSeconds });
  if (skipped > 0) return deadEnd('skipped', { ttlSeconds, why: 'all addresses are on skip_hosts' });
  const times = resolved.map(({ answer }) => answer.ttlSeconds);
  return deadEnd('no-host', { ttlSeconds: Math.min(ttlSeconds, ...times), counts: true });
}

const failedLookup = ({ ttlSeconds, fresh, outage, kind, why }: Failed): DeadEnd =>
  deadEnd('lookup-failed', { ttlSeconds, counts: fresh && !outage, why: `${kind} (${why})` });

interface Ranked {
  readonly hop: RouteHop;
  readonly v4: number;
}
const byPreferenceAndFamily = (a: Ranked, b: Ranked): number => a.hop.preference - b.hop.preference || a.v4 - b.v4;

/** Fisher and Yates; a new array. */
export function shuffle<T>(items: readonly T[], random: (below: number) => number): T[] {
  const mixed = [...items];
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = random(i + 1);
    const taken = mixed[i] as T;
    mixed[i] = mixed[j] as T;
    mixed[j] = taken;
  }
  return mixed;
}
