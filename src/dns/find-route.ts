/** Where the mail of a domain goes: does the look-ups that route.ts needs, bounded in number and time. */
import type { Clock } from '../kernel/clock.js';
import { DeadlineError, openDeadline } from '../kernel/deadline.js';
import type { Later } from '../module/hook.js';
import type { HostAddresses } from '../module/names.js';
import type { Answer } from './answer.js';
import { parseLiteral } from './literal.js';
import { isHostName, looksLikeAddress, normalizeName } from './name.js';
import { type DeadEnd, deadEnd, type HopList, type Outcome } from './outcome.js';
import type { AddressWish, HostAddress, Mx, Resolver } from './resolver.js';
import { joinHops, MOST_HOPS, type ResolvedHost, type RouteHost, type RouteRules, rankHosts } from './route.js';
import type { RouteEntry } from './route-entry.js';

/** What the options of a place say about routing. */
export interface RouteWish extends Omit<RouteRules, 'random' | 'blockLocal' | 'keepAddressOrder'> {
  /** deliver_to_private. */
  readonly allowPrivate: boolean;
  /** use_ipv6. */
  readonly v6: boolean;
  /** fully_resolve_before_smtp: false is content with the first preference that has an address. */
  readonly resolveAll: boolean;
  /** The MX look-up failed so often that the domain's own address is tried (mx_failures_fallback_to_a). */
  readonly skipMx: boolean;
}

export interface RouteMeans {
  readonly resolver: Resolver;
  readonly clock: Clock;
  /** A whole number from 0 up to, not including, `below`. */
  readonly random: (below: number) => number;
  /** resolv.conf has a sortlist. */
  readonly keepAddressOrder?: () => boolean;
  /** What a module knows of a host, before DNS is asked (hook `addresses`). */
  readonly hostAddresses?: (host: string, v6: boolean) => Later<HostAddresses | undefined>;
}

/** Hosts of one route looked up at once, and the time for all of them; what is not known then counts as timed out. */
const AT_ONCE = 16;
const BUDGET_MS = 30_000;
/** A route that left hosts aside is looked at again soon. */
const PARTIAL_SECONDS = 10;
/** How long entries of the configuration are good that ask nothing of DNS; a reload makes new ones. */
const CONFIGURED_SECONDS = 300;

export class RouteFinder {
  readonly #means: RouteMeans;

  constructor(means: RouteMeans) {
    this.#means = means;
  }

  /** Hops of a routing domain by its literal, its MX, or its address. Rejects only with the signal's reason. */
  async findDomain(domain: string, wish: RouteWish, signal: AbortSignal): Promise<Outcome> {
    return this.#inTime(signal, (own) => this.#findDomain(domain, wish, own));
  }

  /**
   * Hops of the operator's own entries, in order or by their `pref`. `domain` is what `__mx__` stands for. Entries that lead
   * nowhere are passed over while another leads somewhere; private addresses are the operator's business.
   */
  async findEntries(entries: readonly RouteEntry[], domain: string, wish: RouteWish, signal: AbortSignal): Promise<Outcome> {
    return this.#inTime(signal, async (own) => {
      const outcomes = await Promise.all(entries.map((entry) => this.#findEntry(entry, domain, wish, own)));
      const lists = outcomes.flatMap((outcome, i) => (outcome.kind === 'hops' ? [{ outcome, rank: entries[i]?.preference ?? i }] : []));
      const dead = outcomes.filter((outcome) => outcome.kind !== 'hops');
      return lists.length === 0 ? chooseEnd(dead) : mergeLists(lists, dead);
    });
  }

  async #findDomain(domain: string, wish: RouteWish, signal: AbortSignal): Promise<Outcome> {
    const rules = this.#rules(wish, !wish.allowPrivate);
    if (domain.startsWith('[')) {
      const ip = parseLiteral(domain);
      return ip === undefined ? deadEnd('bad-name') : joinHops([toHost(ip, domain, undefined)], listOf('literal'), rules);
    }
    const name = normalizeName(domain);
    if (!name || !isHostName(name)) return deadEnd('bad-name');
    const list = rankHosts(name, wish.skipMx ? NO_MX : await this.#mx(name, signal), rules);
    if ('reply' in list) return list;
    const { resolved, all } = await this.#resolve(list.hosts, false, wish, signal);
    const known = list.implicit ? resolved : resolved.map((host) => ({ ...host, answer: distrust(host.answer) }));
    const ttlSeconds = all ? list.ttlSeconds : Math.min(list.ttlSeconds, PARTIAL_SECONDS);
    return joinHops(known, { ttlSeconds, secure: list.secure, from: 'dns', vouched: list.secure }, rules);
  }

  async #findEntry(entry: RouteEntry, domain: string, wish: RouteWish, signal: AbortSignal): Promise<Outcome> {
    const outcome = await this.#followEntry(entry, domain, wish, signal);
    return outcome.kind !== 'hops' || entry.ttlSeconds === undefined ? outcome : { ...outcome, ttlSeconds: entry.ttlSeconds };
  }

  async #followEntry(entry: RouteEntry, domain: string, wish: RouteWish, signal: AbortSignal): Promise<Outcome> {
    if (entry.kind === 'own-mx') return this.#findDomain(domain, wish, signal);
    const rules = this.#rules({ ...wish, port: entry.port ?? wish.port }, false);
    if (entry.kind === 'address') return joinHops([toHost(entry.ip, entry.ip, entry.port)], listOf('configured'), rules);
    const ends: DeadEnd[] = [];
    for (const type of entry.types) {
      const outcome =
        type === 'mx'
          ? await this.#findExchangers(entry.name, wish, rules, signal)
          : await this.#findAddress(entry.name, wish, rules, signal);
      if (outcome.kind === 'hops') return outcome;
      ends.push(outcome);
    }
    return chooseEnd(ends);
  }

  async #findExchangers(name: string, wish: RouteWish, rules: RouteRules, signal: AbortSignal): Promise<Outcome> {
    const list = rankHosts(name, await this.#mx(name, signal), rules);
    if ('reply' in list) return list;
    // Without an MX the address is a matter of its own, if `type` lets it.
    if (list.implicit) return deadEnd('no-host', { counts: true, ttlSeconds: list.ttlSeconds, why: `no MX for ${name}` });
    const { resolved } = await this.#resolve(list.hosts, false, wish, signal);
    return joinHops(resolved, { ttlSeconds: list.ttlSeconds, secure: list.secure, from: 'configured', vouched: list.secure }, rules);
  }

  async #findAddress(name: string, wish: RouteWish, rules: RouteRules, signal: AbortSignal): Promise<Outcome> {
    const { resolved } = await this.#resolve([{ name, preference: 0 }], true, wish, signal);
    // The operator's own word for the host needs no proof; its addresses do (RFC 7672 2.2).
    return joinHops(resolved, { ...listOf('configured'), secure: true }, rules);
  }

  #mx(name: string, signal: AbortSignal): Promise<Answer<Mx>> {
    return orLate(this.#means.resolver.mx(name, signal), signal);
  }

  /** A module's word, else DNS. An address in place of a host name is none: without a module there is no such host. */
  async #addresses(host: string, wish: AddressWish, signal: AbortSignal): Promise<Answer<HostAddress>> {
    const told = await this.#means.hostAddresses?.(host, wish.v6);
    if (told) return toAnswer(told, host, wish.v6);
    if (looksLikeAddress(host)) return NO_HOST;
    return orLate(this.#means.resolver.addresses(host, wish, signal), signal);
  }

  /** Looks hosts up, best first, so many at once; stops when there are enough. */
  async #resolve(hosts: readonly RouteHost[], search: boolean, { v6, resolveAll }: RouteWish, signal: AbortSignal): Promise<Resolved> {
    const resolved: ResolvedHost[] = [];
    let addresses = 0;
    for (let at = 0; at < hosts.length; ) {
      const group = hosts.slice(at, at + (resolveAll ? AT_ONCE : sizeOfFirst(hosts, at)));
      const known = await Promise.all(
        group.map(async (host): Promise<ResolvedHost> => {
          const answer = await this.#addresses(host.name, { v4: true, v6, search }, signal);
          return { name: host.name.replace(/\.$/, ''), preference: host.preference, answer };
        }),
      );
      for (const host of known) if (host.answer.kind === 'found') addresses += host.answer.records.length;
      resolved.push(...known);
      at += group.length;
      if (at < hosts.length && (addresses >= MOST_HOPS || (!resolveAll && addresses > 0))) return { resolved, all: false };
    }
    return { resolved, all: true };
  }

  /** One deadline for all look-ups of a route: those that miss it count as timed out, the others stand. */
  async #inTime(signal: AbortSignal, work: (signal: AbortSignal) => Promise<Outcome>): Promise<Outcome> {
    const deadline = openDeadline(this.#means.clock, BUDGET_MS, signal);
    try {
      const outcome = await work(deadline.signal);
      signal.throwIfAborted();
      return outcome;
    } finally {
      deadline.end();
    }
  }

  #rules(wish: RouteWish, blockLocal: boolean): RouteRules {
    return { ...wish, blockLocal, random: this.#means.random, keepAddressOrder: this.#means.keepAddressOrder?.() ?? false };
  }
}

/** An MX record is a stranger's word: that its host stands in our /etc/hosts (localhost, say) lifts no block. */
const distrust = (answer: Answer<HostAddress>): Answer<HostAddress> => (answer.kind === 'found' ? { ...answer, from: 'dns' } : answer);

const LATE = {
  kind: 'timeout',
  why: 'the hosts of the domain took too long',
  fresh: true,
  outage: true,
  ttlSeconds: PARTIAL_SECONDS,
} as const;

/** A look-up that the deadline of its route ended is an answer too; only the owner's end is one for all. */
async function orLate<T>(asked: Promise<Answer<T>>, signal: AbortSignal): Promise<Answer<T>> {
  try {
    return await asked;
  } catch (error) {
    if (signal.reason instanceof DeadlineError && error === signal.reason) return LATE;
    throw error;
  }
}

const NO_HOST = { kind: 'nxdomain', ttlSeconds: CONFIGURED_SECONDS, secure: false } as const;

function toAnswer({ ips, ttlSeconds, ordered = false }: HostAddresses, name: string, v6: boolean): Answer<HostAddress> {
  const records = ips.map((ip): HostAddress => ({ ip, family: ip.includes(':') ? 6 : 4 })).filter(({ family }) => family === 4 || v6);
  if (records.length === 0) return { kind: 'nodata', ttlSeconds, secure: false };
  return { kind: 'found', records, name, ttlSeconds, secure: false, from: 'dns', ordered };
}

const NO_MX: Answer<Mx> = { kind: 'nodata', ttlSeconds: CONFIGURED_SECONDS, secure: false };

interface Resolved {
  readonly resolved: readonly ResolvedHost[];
  readonly all: boolean;
}

const listOf = (from: 'literal' | 'configured') => ({ ttlSeconds: CONFIGURED_SECONDS, secure: false, from, vouched: true }) as const;

function toHost(ip: string, name: string, port: number | undefined): ResolvedHost {
  const records: readonly HostAddress[] = [{ ip, family: ip.includes(':') ? 6 : 4 }];
  const answer: Answer<HostAddress> = { kind: 'found', records, name: ip, ttlSeconds: CONFIGURED_SECONDS, secure: false, from: 'dns' };
  return port === undefined ? { name, preference: 0, answer } : { name, preference: 0, answer, port };
}

/** How many hosts from `at` on share its preference, AT_ONCE at most. */
function sizeOfFirst(hosts: readonly RouteHost[], at: number): number {
  const preference = hosts[at]?.preference;
  let size = 1;
  while (size < AT_ONCE && hosts[at + size]?.preference === preference) size++;
  return size;
}

/** Entries by their rank, the hops of an entry by their own preference. Where nothing tells hops of an entry apart, `pref` stays as written. */
function mergeLists(lists: readonly { readonly outcome: HopList; readonly rank: number }[], dead: readonly DeadEnd[]): HopList {
  const all = lists.flatMap(({ outcome, rank }) => outcome.hops.map((hop) => ({ hop, rank })));
  all.sort((a, b) => a.rank - b.rank || a.hop.preference - b.hop.preference);
  const isPlain = lists.every(({ outcome }) => outcome.hops.every(({ preference }) => preference === outcome.hops[0]?.preference));
  let level = -1;
  let last = '';
  const hops = all.map(({ hop, rank }) => {
    const key = `${rank} ${hop.preference}`;
    if (key !== last) level++;
    last = key;
    return { ...hop, preference: isPlain ? rank : level };
  });
  const seen = new Set<string>();
  const unique = hops.filter(({ ip, port }) => !seen.has(`${ip} ${port}`) && seen.add(`${ip} ${port}`)).slice(0, MOST_HOPS);
  const ttlSeconds = Math.min(...lists.map(({ outcome }) => outcome.ttlSeconds), ...(dead.length > 0 ? [PARTIAL_SECONDS] : []));
  return { kind: 'hops', hops: unique, ttlSeconds, from: 'configured', secure: lists.every(({ outcome }) => outcome.secure) };
}

/** Of several dead ends the one that leaves most hope: nothing fails for good while one entry may still lead somewhere. */
function chooseEnd(dead: readonly DeadEnd[]): DeadEnd {
  return dead.find(({ kind }) => kind === 'lookup-failed') ?? dead.find(({ permanent }) => !permanent) ?? dead[0] ?? deadEnd('no-host');
}
