/** The carrier: brings due mail of every place to a next hop, within all limits, and says what holds it when it does not move. */
import type { Carrier, Hindrance } from '../module/flow.js';
import type { Place } from '../module/place.js';
import type { Route } from '../module/resolver.js';
import type { Failure } from '../smtp/client/session.js';
import { WORDS } from '../smtp/client/words.js';
import { Conclusions } from './conclude.js';
import { drain } from './drain.js';
import { connectionGoal } from './goal.js';
import { Identities } from './identities.js';
import { IdlePool } from './idle-pool.js';
import type { Link, Yard } from './link.js';
import { Opener } from './opener.js';
import { isPersonal } from './persona.js';
import type { DeliveryPorts } from './ports.js';
import { Shortages } from './shortages.js';
import { Sources } from './sources.js';
import { Station } from './station.js';
import { tellGreeted } from './tls-outcome.js';
import { Troubles } from './troubles.js';

/** Shortest pause between two look-ups that fail; it doubles. */
const LOOKUP_PAUSE_SECONDS = 60;

const NO_SOURCES: readonly string[] = [];
const SPOKEN: ReadonlySet<string> = new Set(['esmtp', 'smtp', 'lmtp']);

export class Delivery implements Carrier, Yard {
  readonly ports: DeliveryPorts;
  readonly conclusions: Conclusions;
  readonly pool = new IdlePool();
  readonly shortages = new Shortages();
  readonly identities: Identities;
  readonly #stations = new Map<Place, Station>();
  readonly #troubles = new Troubles();
  readonly #links = new Set<Link>();
  readonly #opener: Opener;
  readonly #sources: Sources;
  readonly #abort = new AbortController();
  #stopping = false;
  #empty: (() => void)[] = [];

  constructor(ports: DeliveryPorts) {
    this.ports = ports;
    this.conclusions = new Conclusions(ports);
    this.identities = new Identities(
      () => ports.chains().outbound_auth,
      () => this.#stopping,
    );
    this.#sources = new Sources(
      ports.clock,
      (source) => this.#resume(source),
      (text) => ports.log('error', text),
    );
    this.#opener = new Opener(this, this.#sources);
  }

  isPersonal(station: Station): boolean {
    return isPersonal(station.values) || this.identities.asked;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  wake(place: Place): void {
    let station = this.#stations.get(place);
    if (!station) {
      station = new Station(place, this.ports.snapshot(), this.#troubles.of(place), this.#furtherSources);
      this.#stations.set(place, station);
    }
    this.pump(station);
  }

  connections(place: Place): number {
    let count = 0;
    for (const { session } of this.#stations.get(place)?.links ?? []) if (session?.ready && !session.hasClosed) count++;
    return count;
  }

  /** Open connections of all places, and how many of them are idle. */
  totals(): { readonly connections: number; readonly idle: number; readonly pendingOutcomes: number } {
    return { connections: this.#links.size, idle: this.pool.size, pendingOutcomes: this.conclusions.pending };
  }

  /** Every connection, for the console. */
  rows() {
    const now = this.ports.clock.mono();
    return [...this.#links].map(({ hop, session, isGreeted, since, station: { place } }) => ({
      peer: hop ? `${hop.name} [${hop.ip}]:${hop.port}` : '',
      state: isGreeted ? (session?.idle ? ('idle' as const) : ('busy' as const)) : ('connecting' as const),
      seconds: Math.round((now - since) / 1000),
      binding: place.binding,
      domain: place.domain,
    }));
  }

  hindrance(place: Place): Hindrance | undefined {
    const { spool, snapshot, clock } = this.ports;
    if (this.#stopping) return { code: 'stopping', text: 'the daemon is shutting down' };
    if (spool.blocked !== undefined) return { code: 'spool_blocked', text: spool.blocked };
    const values = snapshot().at(place);
    if (values.suspend_delivery) return { code: 'suspended', text: 'suspend_delivery is set' };
    const sources = this.#stations.get(place)?.sources ?? [values.bind_address ?? ''];
    const paused = this.#sources.arePaused(sources) && this.#sources.pauseOf(sources[0] ?? '');
    if (paused) return { code: 'source_paused', text: `cannot connect from this source (${paused.code})`, untilMs: paused.untilMs };
    return this.#stations.get(place)?.explain(clock);
  }

  /** A new snapshot is in force: everything that waits asks again, TLS files are read anew. */
  reloaded(): void {
    this.forgetTls();
    for (const station of [...this.#stations.values()]) {
      station.capUntil = 0;
      this.pump(station);
    }
  }

  /** What connections share about TLS. */
  tlsMemory() {
    return { contexts: this.#opener.contexts.list(), plain: this.#opener.hosts.plain() };
  }

  /** TLS files are read anew, and TLS is tried again with hosts that failed at it. */
  forgetTls(): void {
    this.#opener.contexts.forget();
    this.#opener.hosts.forgetPlain();
  }

  /** Another process waits for a slot of this counter, or does so no more: connections that hold one make room. */
  wanted(key: string, elsewhere: boolean): void {
    this.shortages.setElsewhere(key, elsewhere);
    if (elsewhere) this.pool.findHolder(key)?.session?.leave();
  }

  async stop(signal: AbortSignal): Promise<void> {
    this.#stopping = true;
    this.#abort.abort();
    for (const station of this.#stations.values()) {
      this.calm(station);
      station.returnHead(this.ports.supply);
      station.throttle?.cancel();
      station.throttle = undefined;
    }
    for (const link of [...this.#links]) link.session?.stop();
    const cut = (): void => {
      for (const link of [...this.#links]) link.session?.abort();
    };
    if (signal.aborted) cut();
    signal.addEventListener('abort', cut, { once: true });
    if (this.#links.size > 0) await new Promise<void>((done) => this.#empty.push(done));
    await Promise.race([this.conclusions.settled(), aborted(signal)]);
    signal.removeEventListener('abort', cut);
  }

  pump(station: Station): void {
    const { ports } = this;
    const { supply } = ports;
    if (this.#stopping || ports.spool.blocked !== undefined || station.draining) return;
    // Forgotten when it had nothing left, and perhaps made anew since: two of one place would both open connections.
    if (this.#stations.get(station.place) !== station) {
      this.wake(station.place);
      return;
    }
    if (station.waiting(supply) === 0) {
      this.calm(station);
      this.#forget(station);
      return;
    }
    station.refresh(ports.snapshot());
    const { values } = station;
    if (values.suspend_delivery) station.returnHead(supply);
    if (values.suspend_delivery || this.#endAtOnce(station) || station.throttle) return;
    if (values.use_dane || values.use_mta_sts) this.#partFromOld(station);
    for (const link of [...station.idle]) if (!link.feed() && !station.head) break;
    const wanted = this.#shortfall(station);
    if (wanted <= 0 && station.head) this.#makeRoom(station);
    if (wanted <= 0 || station.wait || station.routing || this.#sources.arePaused(station.sources)) return;
    const route = ports.router.route(station.place, this.#abort.signal);
    if (route instanceof Promise) this.#awaitRoute(station, route);
    else this.#follow(station, route, wanted);
  }

  /** Connections made before the domain changed its demands end after the mail in hand. */
  #partFromOld(station: Station): void {
    if (station.links.size === 0) return;
    const route = this.ports.router.route(station.place, this.#abort.signal);
    // Its look-up is on the way: the next call will know.
    if (route instanceof Promise) return void route.catch(() => undefined);
    if ('problem' in route) return;
    for (const { hop, session, isRelaxed } of [...station.links]) {
      if (!hop || !session?.ready || isRelaxed) continue;
      const now = route.hops.find(({ ip, port, name }) => ip === hop.ip && port === hop.port && name === hop.name);
      if (now && (now.demand?.digest !== hop.demand?.digest || now.vouched !== hop.vouched)) session.leave();
    }
  }

  offer(station: Station): void {
    this.calm(station);
    this.pump(station);
  }

  calm(station: Station): void {
    const { wait } = station;
    station.wait = undefined;
    this.pool.unwant(station);
    if (!wait) return;
    wait.cancel();
    this.shortages.remove(wait.shortage.key, station);
  }

  opened(link: Link): void {
    this.#links.add(link);
  }

  greeted(link: Link): void {
    const { station, hop } = link;
    station.opening--;
    station.succeed();
    this.#sources.succeed(link.source);
    if (!hop) return;
    this.#opener.hosts.clear(link.source, hop);
    tellGreeted(this.ports, link, hop);
  }

  closed(link: Link, failure: Failure | undefined): void {
    const { station, hop } = link;
    if (!link.isGreeted) {
      if (failure) this.#opener.fail(link, failure);
      return;
    }
    link.returnStock();
    station.links.delete(link);
    const { values } = station;
    if (hop && failure?.kind === 'protocol' && values.host_failure_retry > 0) {
      this.#opener.hosts.quarantine(link.source, hop, values.host_failure_retry);
    }
  }

  gone(link: Link): void {
    this.#links.delete(link);
    const { station, failure } = link;
    if (!link.isGreeted) {
      const goesOn = failure && !this.#stopping && !this.#sources.arePaused(station.sources);
      if (goesOn) this.#opener.advance(link);
      else this.#opener.drop(link);
    }
    if (this.#links.size === 0 && this.#stopping) this.#announceEmpty();
    else this.pump(station);
  }

  /** Mail that no connection is needed for: blackholed, of an unknown protocol, or held by a failed look-up. */
  #endAtOnce(station: Station): boolean {
    const { values } = station;
    const { hold } = station.trouble;
    let reply: string | undefined;
    if (values.blackhole === 'internal') reply = WORDS.blackholed;
    else if (!SPOKEN.has(values.delivery_method)) reply = `451 4.3.5 [internal] delivery_method ${values.delivery_method} is not available`;
    else if (hold && hold.until > this.ports.clock.mono()) reply = hold.reply;
    if (reply === undefined) return false;
    drain(this, station, reply, values.blackhole === 'internal');
    return true;
  }

  #awaitRoute(station: Station, route: Promise<Route>): void {
    station.routing = true;
    route
      .catch((error: unknown): Route => {
        if (!this.#stopping) this.ports.log('error', `the next hops of ${station.place.domain} could not be found`, error);
        return { problem: WORDS.noHosts, permanent: false, lookupFailed: false };
      })
      .then((found) => {
        station.routing = false;
        if (this.#stopping) return;
        // Counted anew: the answer may have come much later.
        this.#follow(station, found, this.#shortfall(station));
      })
      .catch((error: unknown) => this.ports.log('error', `delivery to ${station.place.domain} stumbled`, error));
  }

  /** How many connections more the place should have. */
  #shortfall(station: Station): number {
    const { values } = station;
    // Where connections are not all alike, those being opened have their mail already.
    const left = station.waiting(this.ports.supply) - (this.isPersonal(station) ? 0 : station.opening);
    let goal = connectionGoal(left + station.working, values.connection_allocation_aggressiveness, values.max_outbound_connections);
    if (station.capUntil > this.ports.clock.mono()) goal = Math.min(goal, station.cap);
    return Math.min(left, goal - station.links.size);
  }

  /** Connections that may not carry the mail at the head keep those away that may: the longest idle one goes. */
  #makeRoom(station: Station): void {
    for (const { session } of station.idle) {
      if (!session?.idle) continue;
      session.leave();
      return;
    }
  }

  #follow(station: Station, route: Route, wanted: number): void {
    if ('problem' in route) {
      this.#misroute(station, route);
      return;
    }
    station.trouble.hold = undefined;
    station.trouble.lookupFailures = 0;
    for (let i = 0; i < wanted && !station.wait; i++) if (!this.#opener.open(station, route.hops)) break;
  }

  #misroute(station: Station, { problem, permanent, lookupFailed }: Extract<Route, { problem: string }>): void {
    if (!lookupFailed || permanent) {
      drain(this, station, problem);
      return;
    }
    const { values, place, trouble } = station;
    trouble.lookupFailures++;
    if (trouble.lookupFailures >= values.dns_failures_to_purge) {
      trouble.lookupFailures = 0;
      trouble.hold = undefined;
      drain(this, station, WORDS.lookupFailed);
      return;
    }
    const pause = Math.min(LOOKUP_PAUSE_SECONDS * 2 ** (trouble.lookupFailures - 1), values.retry_interval);
    trouble.hold = { until: this.ports.clock.mono() + pause * 1000, reply: problem };
    this.ports.router.forget(place.domain);
    drain(this, station, problem);
  }

  #announceEmpty(): void {
    const waiting = this.#empty;
    this.#empty = [];
    for (const done of waiting) done();
  }

  #resume(source: string): void {
    for (const station of [...this.#stations.values()]) if (station.sources.includes(source)) this.pump(station);
  }

  /** Asked of modules once a place and configuration, at once. */
  readonly #furtherSources = (place: Place): readonly string[] => {
    const chain = this.ports.chains().sources;
    if (chain.placed.length === 0) return NO_SOURCES;
    const answer = chain.run(place);
    if (!(answer instanceof Promise)) return answer ?? NO_SOURCES;
    answer.catch(() => undefined);
    this.ports.log('error', `the sources of binding ${place.binding} were not answered at once`);
    return NO_SOURCES;
  };

  #forget(station: Station): void {
    if (!station.isForgettable || !this.#stations.delete(station.place)) return;
    this.#troubles.keep(station.place, station.trouble);
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });
