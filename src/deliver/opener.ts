/** Opens connections: chooses the hop, gets the permit, connects, goes on to the next hop when that fails. Long: each of these steps may end in any other. */
import type { SecureContext } from 'node:tls';
import { codeOf } from '../kernel/problems.js';
import { STAGE } from '../module/attempt.js';
import type { Copy } from '../module/copy.js';
import { isShortage, type Shortage, UNDECIDED } from '../module/permit.js';
import type { RankedHop } from '../module/resolver.js';
import type { Failure } from '../smtp/client/session.js';
import { ClientSession } from '../smtp/client/session.js';
import { ClientTlsContexts } from '../smtp/client/tls-contexts.js';
import { ClientKit } from '../smtp/client/wire.js';
import { WORDS } from '../smtp/client/words.js';
import { chooseHop, hopKey } from './choose-hop.js';
import { HostMemory } from './host-memory.js';
import { hostKey, SERVER_KEY } from './limits.js';
import { Link, type Yard } from './link.js';
import type { OutboundSession } from './ports.js';
import type { Sources } from './sources.js';
import type { Station } from './station.js';
import { levelOf, makeTerms, poolKey, tlsKey, tlsSettingsOf } from './terms.js';
import { tellFailure } from './tls-outcome.js';
import { barredBy, factsOf, mayGoInClear, vetoed } from './unopened.js';

/** After a host refused a connection while others work, the place makes do with these for so long. */
const CAP_MS = 60_000;

export class Opener {
  readonly hosts: HostMemory;
  readonly contexts = new ClientTlsContexts();
  readonly #yard: Yard;
  readonly #sources: Sources;
  readonly #connect: NonNullable<Yard['ports']['connect']>;
  readonly #routes = new WeakMap<Link, readonly RankedHop[]>();

  constructor(yard: Yard, sources: Sources) {
    this.#yard = yard;
    this.#sources = sources;
    const { clock, watch, connect } = yard.ports;
    this.hosts = new HostMemory(clock);
    const kit = new ClientKit(clock, watch);
    this.#connect = connect ?? ((id, terms, owner): OutboundSession => new ClientSession(id, kit, terms, owner));
  }

  /** Begins one more connection of a place; false when something has to be waited for first. */
  open(station: Station, hops: readonly RankedHop[]): boolean {
    const link = new Link(this.#yard, station);
    station.links.add(link);
    station.opening++;
    this.#routes.set(link, hops);
    if (this.#yard.isPersonal(station)) {
      const { supply } = this.#yard.ports;
      const mails = this.#yard.identities.take(station, supply, station.values.max_recipients_per_batch);
      if (mails instanceof Promise) {
        mails.then(
          (read) => {
            this.#begin(link, read);
            if (station.head) this.#yard.pump(station);
          },
          () => this.drop(link),
        );
        return true;
      }
      return this.#begin(link, mails);
    }
    return this.advance(link);
  }

  #begin(link: Link, mails: readonly Copy[]): boolean {
    if (mails.length === 0 || this.#yard.stopping) {
      this.#yard.ports.supply.putBack(mails);
      this.drop(link);
      return false;
    }
    const cannot = this.#yard.identities.of(mails[0])?.cannot;
    if (cannot !== undefined) {
      link.failure = { kind: 'login', reply: cannot, stage: STAGE.notConnected, detail: 'no identity' };
      this.drop(link);
      this.#conclude(link, mails);
      return true;
    }
    link.reserved = mails;
    return this.advance(link);
  }

  /** Goes to the best hop that is left; false when the link ended without an attempt. */
  advance(link: Link): boolean {
    const { station } = link;
    const hops = this.#routes.get(link) ?? [];
    if (this.#sources.arePaused(station.sources)) return this.drop(link);
    const isPaused = ({ ip }: RankedHop): boolean => this.#sources.pauseOf(station.sourceFor(ip) ?? '') !== undefined;
    if (link.tried.size === 0 && !link.isRelaxed && this.#takeOverAny(link, hops)) return true;
    let shortage: Shortage | undefined;
    for (;;) {
      const hop = chooseHop(hops, {
        isOut: (each) => link.tried.has(hopKey(each)) || station.sourceFor(each.ip) === undefined || isPaused(each),
        isQuarantined: (each) => this.hosts.isQuarantined(station.sourceFor(each.ip), each),
        load: (each) => countLinks(station, each),
      });
      if (!hop) break;
      if (hop.demand?.barred && hop.demand.enforced) {
        link.tried.add(hopKey(hop));
        link.failure = barredBy(hop.demand.barred);
        tellFailure(this.#yard.ports, station, hop, link.failure);
        continue;
      }
      const veto = this.#yard.ports.chains().veto;
      if (veto.placed.length > 0) {
        const said = veto.run(station.place, hop);
        if (said instanceof Promise) {
          said.then(
            (reply) => this.#afterVeto(link, hop, reply),
            () => this.#afterVeto(link, hop, WORDS.noConnection),
          );
          return true;
        }
        if (said !== undefined) {
          link.tried.add(hopKey(hop));
          link.failure = vetoed(said);
          continue;
        }
      }
      const short = this.#tryHop(link, hop);
      if (!short) return true;
      // An answer that is on its way is waited for first.
      if (!shortage || short.key === UNDECIDED) shortage = short;
      if (short.key !== hostKey(hop.name)) break;
      // The host is full, another one may not be.
      link.tried.add(hopKey(hop));
    }
    if (!shortage) {
      // Nobody has refused the mail yet: it waits for its source.
      if (link.tried.size === 0 && hops.some(isPaused)) return this.drop(link);
      this.#exhaust(link);
      return true;
    }
    this.#await(link, hops, shortage);
    return this.drop(link);
  }

  #afterVeto(link: Link, hop: RankedHop, reply: string | undefined): void {
    if (this.#yard.stopping) {
      this.drop(link);
      return;
    }
    if (reply !== undefined) {
      link.tried.add(hopKey(hop));
      link.failure = vetoed(reply);
      this.advance(link);
      return;
    }
    const short = this.#tryHop(link, hop);
    if (!short) return;
    this.#await(link, this.#routes.get(link) ?? [], short);
    this.drop(link);
  }

  /** Gets the permit and connects, or takes over an idle connection; answers what was short. */
  #tryHop(link: Link, hop: RankedHop): Shortage | undefined {
    const { broker, snapshot } = this.#yard.ports;
    const { station } = link;
    const { limits } = station;
    const hostLimit = snapshot().host(hop.name, station.place).max_outbound_connections;
    let wanted = limits.forConnection(hop.name, hostLimit, true, false);
    let permit = broker.acquire(wanted);
    if (isShortage(permit) && permit.key === SERVER_KEY && limits.reserve && station.links.size === 1) {
      // A place that has no connection at all may use the reserve.
      wanted = limits.forConnection(hop.name, hostLimit, true, true);
      permit = broker.acquire(wanted);
    }
    if (isShortage(permit)) return permit;
    link.hold(permit, wanted);
    link.adopt(snapshot(), hop);
    this.#dial(link, hop);
    return undefined;
  }

  /** Looks for an idle connection to one of the best hops before a new one is made. */
  #takeOverAny(link: Link, hops: readonly RankedHop[]): boolean {
    const { pool, ports } = this.#yard;
    if (pool.size === 0 || !ports.snapshot().global.migrate_connections_between_sibling_domains) return false;
    const best = Math.min(...hops.map(({ preference }) => preference));
    return hops.some((hop) => hop.preference === best && this.#keysOf(link, hop).some((key) => this.#takeOver(link, key)));
  }

  /** What an idle connection may be called that could serve: one of the mail's own persona, or one that tells nobody's origin. */
  #keysOf(link: Link, hop: RankedHop): readonly string[] {
    const { values } = link.station;
    const source = link.station.sourceFor(hop.ip) ?? '';
    const wish = link.wishFor(link.reserved?.[0]);
    const exact = poolKey(values, hop, source, wish);
    return wish.origin ? [exact, poolKey(values, hop, source, { ...wish, origin: undefined })] : [exact];
  }

  /** Lets an idle connection of a sibling place serve this one. */
  #takeOver(link: Link, key: string): boolean {
    const { pool, ports } = this.#yard;
    const { station } = link;
    const snapshot = ports.snapshot();
    const idle = pool.find(key);
    if (!idle?.hop || !idle.session?.idle) return false;
    const before = idle.station;
    const hostLimit = snapshot.host(idle.hop.name, station.place).max_outbound_connections;
    // Its socket is open all the while: no slot of it may come free before it is gone.
    const short = idle.exchange(ports.broker, station.limits.forConnection(idle.hop.name, hostLimit, false, false));
    if (short) {
      if (idle.holds(short.key)) idle.session.leave();
      return false;
    }
    const { stock, reserved } = link;
    link.stock = link.reserved = undefined;
    this.drop(link);
    idle.stock = stock;
    idle.reserved = reserved;
    idle.moveTo(station);
    idle.session.terms = {
      ...makeTerms(station.values, this.#factsFor(idle, idle.hop, undefined)),
      tlsContext: undefined,
    };
    this.#yard.pump(before);
    if (!idle.feed() && idle.session.idle) idle.session.leave();
    return true;
  }

  #factsFor(link: Link, hop: RankedHop, tlsContext: SecureContext | undefined) {
    return {
      hop,
      persona: link.persona,
      source: link.source,
      isPlain: link.station.values.tls_ifavailable_fallback && this.hosts.isPlain(hop, tlsKey(link.station.values, hop)),
      tlsContext,
    };
  }

  #dial(link: Link, hop: RankedHop): void {
    const { values } = link.station;
    const facts = this.#factsFor(link, hop, undefined);
    if (levelOf(values, hop, facts.isPlain) === 'no') {
      this.#start(link, hop, undefined);
      return;
    }
    const context = this.contexts.of(tlsSettingsOf(values));
    if (!(context instanceof Promise)) {
      this.#start(link, hop, context);
      return;
    }
    context.then(
      (loaded) => this.#start(link, hop, loaded),
      (error: unknown) => {
        this.#yard.ports.log('error', `the TLS settings for ${link.station.place.domain} cannot be used`, error);
        link.failure = { kind: 'tls', reply: WORDS.tlsFailed, stage: STAGE.notConnected, detail: 'settings' };
        link.tried.add(hopKey(hop));
        link.letGo();
        this.advance(link);
      },
    );
  }

  #start(link: Link, hop: RankedHop, tlsContext: SecureContext | undefined): void {
    if (this.#yard.stopping) {
      this.drop(link);
      return;
    }
    const terms = makeTerms(link.station.values, this.#factsFor(link, hop, tlsContext));
    try {
      const { ports } = this.#yard;
      const id = ports.nextId();
      const trace = ports.trace?.(link.station.place, hop, id);
      link.session = this.#connect(id, trace ? { ...terms, trace } : terms, link);
    } catch (error) {
      const code = codeOf(error);
      if (this.#sources.blame(link.source, code)) {
        this.drop(link);
        return;
      }
      // A module may name a hop that is none.
      this.#yard.ports.log('error', `cannot connect to ${hop.name} (${hop.ip} port ${hop.port})`, error);
      link.failure = { kind: 'connect', reply: WORDS.noConnection, stage: STAGE.notConnected, detail: code };
      link.tried.add(hopKey(hop));
      link.letGo();
      setImmediate(() => this.advance(link));
      return;
    }
    this.#yard.opened(link);
  }

  /** The session of a link that was never greeted has failed. What follows waits until its socket and its slots are gone. */
  fail(link: Link, failure: Failure): void {
    const { hop, station } = link;
    const { ports } = this.#yard;
    link.failure = failure;
    if (!hop) return;
    if (failure.kind === 'connect' && this.#sources.blame(link.source, failure.detail)) return;
    const { values } = station;
    tellFailure(ports, station, hop, failure);
    ports.chains().connect_failed.run({ place: station.place, hop: hop.name, reply: failure.reply, at: ports.clock.now() });
    const mayGoPlain = values.tls_ifavailable_fallback && levelOf(values, hop, false) === 'ifavailable';
    if (failure.kind === 'tls' && mayGoPlain && !this.hosts.isPlain(hop, tlsKey(values, hop))) {
      // The same hop once more, in clear.
      this.hosts.rememberPlain(hop, tlsKey(values, hop));
      return;
    }
    link.tried.add(hopKey(hop));
    // Others may be welcome there.
    if (failure.kind === 'login') return;
    const others = (this.#routes.get(link) ?? []).some(
      (each) =>
        !link.tried.has(hopKey(each)) &&
        station.sourceFor(each.ip) !== undefined &&
        !this.hosts.isQuarantined(station.sourceFor(each.ip), each),
    );
    if (others && values.host_failure_retry > 0) this.hosts.quarantine(link.source, hop, values.host_failure_retry);
  }

  /** Ends a link that has no socket; mail it had taken goes back. Always false. */
  drop(link: Link): false {
    const { station } = link;
    link.letGo();
    link.returnStock();
    if (station.links.delete(link) && !link.isGreeted) station.opening--;
    return false;
  }

  /** No hop is left: one batch hears of it, and after a streak of failures all mail of the place is put off. */
  #exhaust(link: Link): void {
    const { station } = link;
    const { ports } = this.#yard;
    const { clock, supply } = ports;
    if (station.working > 0 && link.failure?.kind === 'login') {
      const { reserved = [] } = link;
      link.reserved = undefined;
      this.drop(link);
      this.#conclude(link, reserved);
      return;
    }
    if (station.working > 0) {
      station.cap = station.working;
      station.capUntil = clock.mono() + CAP_MS;
      this.drop(link);
      return;
    }
    const now = clock.mono();
    const { trouble } = station;
    trouble.failures++;
    trouble.failingSince ??= now;
    const { values } = station;
    const mails = link.reserved ?? link.stock?.mails ?? this.#yard.identities.take(station, supply, values.max_recipients_per_batch);
    link.stock = link.reserved = undefined;
    this.drop(link);
    const go = (read: readonly Copy[]): void => {
      if (this.#relax(link, read)) return;
      this.#conclude(link, read);
      this.#delayWhenHopeless(station);
    };
    if (mails instanceof Promise) mails.then(go, () => {});
    else go(mails);
  }

  /** Mail hears why its link got nowhere. */
  #conclude(link: Link, mails: readonly Copy[]): void {
    const facts = factsOf(link);
    for (const mail of mails) this.#yard.conclusions.conclude(mail, facts);
    // Not from here: a host that fails at once would make the stack as deep as the queue.
    if (mails.length > 0) setImmediate(() => this.#yard.pump(link.station));
  }

  /** Mail whose sender puts delivery above encryption goes once more, as if the domain demanded nothing; true when it is on its way. */
  #relax(before: Link, mails: readonly Copy[]): boolean {
    const { station } = before;
    const hops = this.#routes.get(before) ?? [];
    if (before.isRelaxed || this.#yard.stopping || !hops.some(({ demand }) => demand?.enforced) || !mayGoInClear(mails[0])) return false;
    const link = new Link(this.#yard, station);
    link.isRelaxed = true;
    link.reserved = mails;
    station.links.add(link);
    station.opening++;
    this.#routes.set(
      link,
      hops.map((hop) => ({ ...hop, demand: undefined })),
    );
    setImmediate(() => this.advance(link));
    return true;
  }

  #delayWhenHopeless(station: Station): void {
    const { clock, supply } = this.#yard.ports;
    const { values, trouble } = station;
    const many = values.mx_failures_to_delay > 0 && trouble.failures >= values.mx_failures_to_delay;
    const long =
      values.connect_timeout_to_delay > 0 &&
      trouble.failingSince !== undefined &&
      clock.mono() - trouble.failingSince >= values.connect_timeout_to_delay * 1000;
    if (!many && !long) return;
    station.succeed();
    station.returnHead(supply);
    supply.delay(station.place, clock.now() + values.retry_interval * 1000, WORDS.unreachable);
  }

  #await(link: Link, hops: readonly RankedHop[], shortage: Shortage): void {
    const { station } = link;
    const { broker } = this.#yard.ports;
    const { pool, shortages } = this.#yard;
    if (station.wait) return;
    for (const hop of hops) for (const key of this.#keysOf(link, hop)) pool.want(key, station);
    const cancel = broker.wait(shortage, () => {
      this.#yard.calm(station);
      this.#yard.pump(station);
    });
    station.wait = { shortage, cancel };
    // A rate is waited for by the clock: nobody can give it up.
    if (shortage.waitMs === undefined) shortages.add(shortage.key, station);
    // An idle connection that holds such a slot is worth less than mail that waits.
    if (shortage.waitMs === undefined) pool.findHolder(shortage.key)?.session?.leave();
  }
}

const countLinks = (station: Station, { ip, port }: RankedHop): number => {
  let count = 0;
  for (const { hop } of station.links) if (hop?.ip === ip && hop.port === port) count++;
  return count;
};
