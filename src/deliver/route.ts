/** Names to hops: option `gateway`, then `routes`, then a module's word, then an address literal or DNS; remembered as long as DNS allows. */

import type { RouteFinder, RouteWish } from '../dns/find-route.js';
import { Flights } from '../dns/flights.js';
import type { DeadEnd, HopList, Outcome } from '../dns/outcome.js';
import { parseRouteEntry, type RouteEntry } from '../dns/route-entry.js';
import type { Clock } from '../kernel/clock.js';
import { Lru } from '../kernel/lru.js';
import type { Later } from '../module/hook.js';
import type { Place, PlaceParts } from '../module/place.js';
import type { RankedHop, Route, Router } from '../module/resolver.js';

/** Options of one place that decide where its mail goes. */
export interface RouteValues {
  readonly gateway?: string | undefined;
  readonly routes?: readonly string[] | undefined;
  readonly delivery_method: string;
  readonly remote_smtp_port: number;
  readonly lmtp_port: number;
  readonly deliver_to_private: boolean;
  readonly fully_resolve_before_smtp: boolean;
  readonly mx_failures_fallback_to_a: number;
  readonly use_dane: boolean;
  readonly use_mta_sts: boolean;
  readonly tlsa_expire_interval: number;
}

interface Addresses {
  has(ip: string): boolean;
}

interface Domains {
  has(domain: string): boolean;
}

export interface RouteGlobals {
  readonly prohibited_hosts?: Addresses | undefined;
  readonly skip_hosts?: Addresses | undefined;
  readonly relay_domains?: Domains | undefined;
  readonly bounce_domains?: Domains | undefined;
  readonly only_use_best_mx_for_relay_domains: boolean;
  readonly use_ipv6: boolean;
  readonly prefer_ipv6_mxs: boolean;
  readonly min_dns_ttl: number;
  readonly max_dns_ttl: number;
}

/** What routing needs of a configuration snapshot. */
export interface RouteSnapshot {
  readonly global: RouteGlobals;
  at(where: PlaceParts): RouteValues;
  /** Some scope names this routing domain as its `gateway`: mail waits under it because the operator says so. */
  isGateway?(domain: string): boolean;
}

/** What the options of a place ask for. */
export interface DemandWish {
  readonly dane: boolean;
  readonly sts: boolean;
  readonly tlsaSeconds: number;
}

export interface RoutePorts {
  readonly clock: Clock;
  snapshot(): RouteSnapshot;
  /** Hook `routes`. */
  routes(place: Place): Later<readonly RankedHop[] | undefined>;
  readonly finder: Pick<RouteFinder, 'findDomain' | 'findEntries'>;
  /** Puts on each hop what its domain demands of TLS; asked where use_dane or use_mta_sts is set. */
  demands?(domain: string, list: HopList, wish: DemandWish, signal: AbortSignal): Promise<Pick<HopList, 'hops' | 'ttlSeconds'>>;
  /** One of our own listeners has this address and port. */
  isSelf(ip: string, port: number): boolean;
  log(level: 'warning' | 'error', text: string): void;
}

/** Domains whose routes are kept. */
const REMEMBERED_DOMAINS = 65_536;
/** Longest time a dead end is repeated without asking again. */
const DEAD_END_SECONDS = 60;

const NO_HOSTS: Route = { problem: '451 4.4.1 [internal] No valid hosts', permanent: false, lookupFailed: false };

type LookUp = (signal: AbortSignal) => Promise<Route>;

const NOT_STARTED: LookUp = () => Promise.reject(new RangeError('joined a look-up that had ended'));

interface Entry {
  readonly route: Route;
  /** Monotonic milliseconds. */
  readonly until: number;
}

export class HopRouter implements Router {
  readonly #ports: RoutePorts;
  /** By routing domain, then by group and binding. */
  readonly #entries = new Lru<Map<string, Entry>>({ capacity: REMEMBERED_DOMAINS });
  /** Look-ups under way; who asks the same joins them, and one who leaves ends them for nobody else. */
  #pending = new Flights<Route>();
  /** Failed look-ups in a row. */
  readonly #failures = new Lru<number>({ capacity: REMEMBERED_DOMAINS });
  #snapshot: RouteSnapshot | undefined;

  constructor(ports: RoutePorts) {
    this.#ports = ports;
  }

  route(place: Place, signal: AbortSignal): Route | Promise<Route> {
    const snapshot = this.#ports.snapshot();
    if (snapshot !== this.#snapshot) {
      this.#snapshot = snapshot;
      this.#entries.clear();
      // Those under way find what the old options ask for: they are for those who asked then.
      this.#pending = new Flights();
    }
    const key = `${place.group}\n${place.binding}`;
    const known = this.#entries.get(place.domain)?.get(key);
    if (known && known.until > this.#ports.clock.mono()) return known.route;
    const full = `${key}\n${place.domain}`;
    if (this.#pending.has(full)) return this.#pending.join(full, signal, NOT_STARTED);
    const answer = this.#decide(place, snapshot);
    return typeof answer === 'function' ? this.#pending.join(full, signal, answer) : answer;
  }

  forget(domain: string): void {
    if (domain === '') this.#entries.clear();
    else this.#entries.delete(domain);
  }

  #decide(place: Place, snapshot: RouteSnapshot): Route | LookUp {
    const { gateway, routes } = snapshot.at(place);
    if (gateway !== undefined && gateway !== '') return (signal) => this.#findEntries([gateway], place, snapshot, 'gateway', signal);
    if (routes && routes.length > 0) return (signal) => this.#findEntries(routes, place, snapshot, 'routes', signal);
    if (snapshot.isGateway?.(place.domain)) return (signal) => this.#findEntries([place.domain], place, snapshot, 'gateway', signal);
    const hops = this.#ports.routes(place);
    if (hops instanceof Promise)
      return async (signal) => {
        const given = await hops;
        return given ? this.#given(given) : this.#findDomain(place, snapshot, signal);
      };
    return hops ? this.#given(hops) : (signal) => this.#findDomain(place, snapshot, signal);
  }

  #given(hops: readonly RankedHop[]): Route {
    return hops.length === 0 ? NO_HOSTS : { hops, expiresAt: this.#ports.clock.now(), from: 'module' };
  }

  async #findDomain(place: Place, snapshot: RouteSnapshot, signal: AbortSignal): Promise<Route> {
    const found = await this.#ports.finder.findDomain(place.domain, this.#wishOf(place, snapshot), signal);
    const outcome = await this.#judge(found, place, snapshot, signal);
    return this.#keep(outcome, outcome.kind === 'hops' && outcome.from === 'literal' ? 'literal' : 'dns', place, snapshot);
  }

  async #findEntries(
    texts: readonly string[],
    place: Place,
    snapshot: RouteSnapshot,
    from: 'gateway' | 'routes',
    signal: AbortSignal,
  ): Promise<Route> {
    const entries: RouteEntry[] = [];
    for (const text of texts) {
      const entry = parseRouteEntry(text);
      if (typeof entry === 'string') this.#ports.log('error', `${from} of ${place.domain}: ${entry}`);
      else entries.push(entry);
    }
    // What the operator wrote cannot be read: DNS is no substitute for it.
    if (entries.length === 0) return NO_HOSTS;
    const found = await this.#ports.finder.findEntries(entries, place.domain, this.#wishOf(place, snapshot), signal);
    const outcome = await this.#judge(found, place, snapshot, signal);
    return this.#keep(outcome, from, place, snapshot);
  }

  async #judge(outcome: Outcome, place: Place, snapshot: RouteSnapshot, signal: AbortSignal): Promise<Outcome> {
    const { use_dane: dane, use_mta_sts: sts, tlsa_expire_interval: tlsaSeconds } = snapshot.at(place);
    if (outcome.kind !== 'hops' || !(dane || sts) || !this.#ports.demands) return outcome;
    return { ...outcome, ...(await this.#ports.demands(place.domain, outcome, { dane, sts, tlsaSeconds }, signal)) };
  }

  #wishOf(place: Place, snapshot: RouteSnapshot): RouteWish {
    const { global } = snapshot;
    const values = snapshot.at(place);
    const failures = this.#failures.get(place.domain) ?? 0;
    const isOurs = global.relay_domains?.has(place.domain) === true || global.bounce_domains?.has(place.domain) === true;
    return {
      port: values.delivery_method === 'lmtp' ? values.lmtp_port : values.remote_smtp_port,
      isProhibited: (ip) => global.prohibited_hosts?.has(ip) === true,
      isSkipped: (ip) => global.skip_hosts?.has(ip) === true,
      isSelf: (ip, port) => this.#ports.isSelf(ip, port),
      preferV6: global.prefer_ipv6_mxs,
      bestOnly: global.only_use_best_mx_for_relay_domains && isOurs,
      allowPrivate: values.deliver_to_private,
      v6: global.use_ipv6,
      resolveAll: values.fully_resolve_before_smtp,
      skipMx: values.mx_failures_fallback_to_a > 0 && failures >= values.mx_failures_fallback_to_a,
    };
  }

  #keep(outcome: Outcome, from: 'dns' | 'literal' | 'gateway' | 'routes', place: Place, snapshot: RouteSnapshot): Route {
    const { clock } = this.#ports;
    if (outcome.kind === 'lookup-failed') {
      if (outcome.counts) this.#failures.set(place.domain, (this.#failures.get(place.domain) ?? 0) + 1);
    } else this.#failures.delete(place.domain);
    const { min_dns_ttl: least, max_dns_ttl: most } = snapshot.global;
    const seconds = Math.min(Math.max(outcome.ttlSeconds, least), most);
    if (outcome.kind === 'hops') {
      const route: Route = { hops: outcome.hops, expiresAt: clock.now() + seconds * 1000, from };
      this.#remember(place, route, seconds, snapshot);
      return route;
    }
    const route = problemOf(outcome);
    // Repeated from memory it is no new failure.
    this.#remember(place, { ...route, lookupFailed: false }, Math.min(seconds, DEAD_END_SECONDS), snapshot);
    return route;
  }

  #remember(place: Place, route: Route, seconds: number, snapshot: RouteSnapshot): void {
    // A reload came in between: what was found under the old options is used once.
    if (snapshot !== this.#snapshot || seconds <= 0) return;
    const byBinding = this.#entries.get(place.domain) ?? new Map<string, Entry>();
    byBinding.set(`${place.group}\n${place.binding}`, { route, until: this.#ports.clock.mono() + seconds * 1000 });
    this.#entries.set(place.domain, byBinding);
  }
}

const problemOf = ({ reply, permanent, counts }: DeadEnd) => ({ problem: reply, permanent, lookupFailed: counts });
