/** One connection of a place, from the decision to make it to its end: feeds the session and passes on what became of the mail. Long: a connection has one life, and every turn of it is decided here. */
import type { Via } from '../module/attempt.js';
import type { Copy } from '../module/copy.js';
import { type Broker, isShortage, type Limit, type Permit, type Shortage } from '../module/permit.js';
import type { RankedHop } from '../module/resolver.js';
import { Batch, type MailResult } from '../smtp/client/batch.js';
import type { Failure, SessionOwner } from '../smtp/client/session.js';
import type { Conclusions } from './conclude.js';
import type { Identities } from './identities.js';
import type { IdlePool } from './idle-pool.js';
import { type Persona, personaOf } from './persona.js';
import type { DeliveryPorts, OutboundSession } from './ports.js';
import { forgetsTime, receiptOf } from './receipt.js';
import type { DeliverySnapshot } from './settings.js';
import type { Shortages } from './shortages.js';
import type { Station } from './station.js';
import { levelOf, poolKey } from './terms.js';
import { namePolicy } from './tls-outcome.js';

/** What links share. */
export interface Yard {
  readonly ports: DeliveryPorts;
  readonly conclusions: Conclusions;
  readonly pool: IdlePool;
  readonly shortages: Shortages;
  readonly identities: Identities;
  /** Nothing new begins. */
  readonly stopping: boolean;
  /** Connections of the place are not alike: each stands for some of its mail only. */
  isPersonal(station: Station): boolean;
  /** Looks whether anything can start at a place. */
  pump(station: Station): void;
  /** The place waits for no slot any more. */
  calm(station: Station): void;
  /** An idle connection came free that the place waits for. */
  offer(station: Station): void;
  /** The link has a session. */
  opened(link: Link): void;
  /** The link was greeted. */
  greeted(link: Link): void;
  /** Its session ended; `failure` says why when it was not our will. */
  closed(link: Link, failure: Failure | undefined): void;
  /** Its socket is gone. */
  gone(link: Link): void;
}

/** A connection that others wait for is given up after so many mails, or after this time. */
const FAIR_MAILS = 100;
const FAIR_MS = 1000;

export class Link implements SessionOwner {
  station: Station;
  /** When it was decided to connect, monotonic milliseconds. */
  readonly since: number;
  /** Hops this link has tried or may not use. */
  readonly tried = new Set<string>();
  hop: RankedHop | undefined;
  /** Address it comes from; '' for the system's choice. */
  source = '';
  session: OutboundSession | undefined;
  /** Why the last hop failed. */
  failure: Failure | undefined;
  poolKey = '';
  /** Mail that the connection is made for, where connections are not all alike; no rate has been asked yet. */
  reserved: readonly Copy[] | undefined;
  /** Mail that was taken before the session could send it. */
  stock: Batch | undefined;
  isGreeted = false;
  /** Made for its mail alone, without the demands of the domain (RFC 8689 TLS-Required: No). */
  isRelaxed = false;
  #permit: Permit | undefined;
  #limits: readonly Limit[] = [];
  #reading = false;
  #isLeaving = false;
  /** Mails handed to the session that have no result yet. */
  #inFlight = 0;
  /** When it began to serve its place (monotonic), and the mails delivered until then. */
  #servesSince = 0;
  #servedBefore = 0;
  #persona: Persona = { helo: '', origin: undefined, identity: undefined };
  /** The configuration that `poolKey` was made under. */
  #keyedBy: DeliverySnapshot | undefined;
  #tlsFacts: Readonly<Record<string, string>> | undefined;
  #via: Via | undefined;
  readonly #yard: Yard;

  constructor(yard: Yard, station: Station) {
    this.#yard = yard;
    this.since = yard.ports.clock.mono();
    this.station = station;
  }

  /** What it says of the mail it carries. */
  get persona(): Persona {
    return this.#persona;
  }

  /** Becomes what the mail it is made for asks for. */
  adopt(snapshot: DeliverySnapshot, hop: RankedHop): void {
    const { values } = this.station;
    this.hop = hop;
    this.source = this.station.sourceFor(hop.ip) ?? '';
    this.#keyedBy = snapshot;
    this.#persona = this.wishFor(this.reserved?.[0]);
    this.poolKey = poolKey(values, hop, this.source, this.#persona);
  }

  /** What a mail of its place asks a connection to say. */
  wishFor(mail: Copy | undefined): Persona {
    const { ports, identities } = this.#yard;
    return personaOf(mail, this.station.values, ports.hostname(), identities.of(mail));
  }

  /** Keeps what the broker gave until the socket is gone. */
  hold(permit: Permit, limits: readonly Limit[]): void {
    this.#permit = permit;
    this.#limits = limits;
  }

  /** Holds slots of another place in place of its own; those of both stay taken. Answers what was short, its own are kept then. */
  exchange(broker: Broker, limits: readonly Limit[]): Shortage | undefined {
    const permit = this.#permit ? broker.exchange(this.#permit, limits) : broker.acquire(limits);
    if (isShortage(permit)) return permit;
    this.hold(permit, limits);
    return undefined;
  }

  /** What its permit was asked for with. */
  get limits(): readonly Limit[] {
    return this.#limits;
  }

  holds(key: string): boolean {
    return this.#limits.some((limit) => limit.key === key);
  }

  /** Gives its slots back. */
  letGo(): void {
    const permit = this.#permit;
    this.#permit = undefined;
    this.#limits = [];
    permit?.release();
  }

  /** Mail that was taken and never offered goes back. */
  returnStock(): void {
    const { stock, reserved } = this;
    this.stock = this.reserved = undefined;
    const { supply } = this.#yard.ports;
    if (stock) supply.putBack(stock.mails);
    if (reserved) supply.putBack(reserved);
  }

  /** Takes mail for an idle session; false when there was none. */
  feed(): boolean {
    const { session } = this;
    if (!session?.idle) return false;
    const batch = this.#takeBatch(session, false);
    if (!batch) return this.#reading;
    this.#rouse();
    session.begin(batch);
    return true;
  }

  next(session: OutboundSession, riding: boolean): Batch | undefined {
    if (!this.isGreeted) this.#greet(session);
    const batch = this.#takeBatch(session, riding);
    if (!batch && !riding && !this.#reading) this.#rest(session);
    return batch;
  }

  concluded(session: OutboundSession, batch: Batch): void {
    const { mails, results } = batch;
    const { conclusions, ports } = this.#yard;
    this.#inFlight -= mails.length;
    let back: Copy[] | undefined;
    for (let i = 0; i < mails.length; i++) {
      const mail = mails[i];
      const result = results[i];
      if (!mail || !result) continue;
      if (result.outcome === 'unsent') (back ??= []).push(mail);
      else conclusions.conclude(mail, this.#factsOf(result, result.outcome, session.id));
    }
    if (back) ports.supply.putBack(back);
  }

  closed(session: OutboundSession, failure: Failure | undefined): void {
    this.#rouse();
    if (session !== this.session && this.session) return;
    this.#yard.closed(this, failure);
  }

  gone(): void {
    this.letGo();
    this.#yard.gone(this);
  }

  #factsOf(result: MailResult, outcome: 'delivered' | 'deferred' | 'failed', connectionId: string) {
    return {
      outcome,
      reply: result.reply,
      stage: result.stage,
      bytes: result.bytes,
      possibleDuplicate: result.possibleDuplicate,
      connectionId,
      hop: this.hop,
      tls: this.#tlsFacts,
      via: this.#via,
      quiet: false,
      receipt: receiptOf(this.session),
      forgetsTime: forgetsTime(this.session),
    };
  }

  #greet(session: OutboundSession): void {
    this.isGreeted = true;
    this.#servesSince = this.#yard.ports.clock.mono();
    const { tls } = session;
    // The server was told nothing: whose mail goes over this connection is all the same.
    if (this.hop && this.#persona.origin && !session.isIntroduced) {
      this.#persona = { ...this.#persona, origin: undefined };
      this.poolKey = poolKey(this.station.values, this.hop, this.source, this.#persona);
    }
    // Made once a connection; a place it moves to has the same TLS options (poolKey).
    if (this.hop) this.#via = { localIp: session.local?.ip ?? this.source, tlsLevel: levelOf(this.station.values, this.hop, false) };
    if (tls) this.#tlsFacts = namePolicy(tls, session, this.hop?.demand?.by);
    this.#yard.greeted(this);
  }

  #takeBatch(session: OutboundSession, riding: boolean): Batch | undefined {
    const { stopping, ports } = this.#yard;
    const { station } = this;
    if (this.stock) {
      const batch = this.stock;
      this.stock = undefined;
      this.#inFlight += batch.mails.length;
      return batch;
    }
    if (this.isRelaxed && !this.reserved) {
      if (!riding) {
        this.#isLeaving = true;
        session.leave();
      }
      return undefined;
    }
    if (stopping || this.#reading || station.throttle || station.draining || ports.spool.blocked !== undefined) {
      this.returnStock();
      return undefined;
    }
    station.refresh(ports.snapshot());
    if (station.values.suspend_delivery || station.values.blackhole === 'internal') {
      this.returnStock();
      return undefined;
    }
    if (this.reserved) {
      const mails = this.reserved;
      this.reserved = undefined;
      return this.#admit(mails);
    }
    const room = this.#isOutdated() || this.#hasHadItsShare(session) ? 0 : this.#roomOn(session);
    if (room <= 0) {
      if (!riding) {
        this.#isLeaving = true;
        session.leave();
      }
      return undefined;
    }
    if (station.head && !this.#fits(station.head)) return undefined;
    const mails = this.#yard.identities.take(station, ports.supply, room);
    if (mails instanceof Promise) {
      this.#read(mails);
      return undefined;
    }
    return this.#admitFitting(mails);
  }

  /** Whether this connection may carry a batch; all of one come from the same reception. */
  #fits([mail]: readonly Copy[]): boolean {
    if (!mail || !this.#yard.isPersonal(this.station)) return true;
    const wish = this.wishFor(mail);
    if (wish.helo !== this.#persona.helo || wish.identity?.key !== this.#persona.identity?.key) return false;
    return this.session?.isIntroduced === false || wish.origin?.key === this.#persona.origin?.key;
  }

  /** What may not go over this connection waits at the head of its place for one that may. */
  #admitFitting(mails: readonly Copy[]): Batch | undefined {
    if (this.#fits(mails)) return this.#admit(mails);
    // Another connection may have been quicker while these were read back.
    this.station.hold(mails, this.#yard.ports.supply);
    return undefined;
  }

  /** Made under options that are no longer in force: the mail of now may ask for a source, a name or TLS that it lacks. */
  #isOutdated(): boolean {
    const { station, hop } = this;
    const { snapshot } = station;
    if (snapshot === this.#keyedBy || !hop) return false;
    const { values } = station;
    const persona = this.#yard.isPersonal(station) ? this.#persona : this.wishFor(undefined);
    if (poolKey(values, hop, station.sourceFor(hop.ip) ?? '', persona) !== this.poolKey) return true;
    this.#keyedBy = snapshot;
    return false;
  }

  /** Another place waits for a slot that this connection holds, and has waited long enough. */
  #hasHadItsShare(session: OutboundSession): boolean {
    const { shortages, ports } = this.#yard;
    if (!shortages.concern(this.#limits, this.station)) return false;
    return session.deliveries - this.#servedBefore >= FAIR_MAILS || ports.clock.mono() - this.#servesSince >= FAIR_MS;
  }

  /** How many more mails the connection may take now. */
  #roomOn(session: OutboundSession): number {
    const {
      max_recipients_per_batch: batch,
      max_deliveries_per_connection: deliveries,
      max_recipients_per_connection: recipients,
    } = this.station.values;
    let room = batch;
    if (deliveries > 0) room = Math.min(room, deliveries - session.deliveries - this.#inFlight);
    if (recipients > 0) room = Math.min(room, recipients - session.recipients);
    return room;
  }

  /** Lets through as many mails as the rate allows; the others go back and the place waits. */
  #admit(mails: readonly Copy[]): Batch | undefined {
    const { broker, supply } = this.#yard.ports;
    const { station } = this;
    const limits = station.limits.message;
    let admitted = mails.length;
    if (limits.length > 0) {
      for (let i = 0; i < mails.length; i++) {
        const permit = broker.acquire(limits);
        if (!isShortage(permit)) continue;
        admitted = i;
        const cancel = broker.wait(permit, () => {
          station.throttle = undefined;
          this.#yard.pump(station);
        });
        station.throttle = { shortage: permit, cancel };
        // The hindrance stands before the mail is back, else the queue would wake us at once.
        supply.putBack(mails.slice(i));
        break;
      }
    }
    if (admitted === 0) return undefined;
    this.#inFlight += admitted;
    return new Batch(admitted === mails.length ? mails : mails.slice(0, admitted));
  }

  /** Bodies are read back from the spool: goes on when they are there. */
  #read(mails: Promise<readonly Copy[]>): void {
    this.#reading = true;
    this.#rouse();
    mails.then(
      (read) => {
        this.#reading = false;
        this.#accept(read);
      },
      (error: unknown) => {
        this.#reading = false;
        this.#yard.ports.log('error', `mail of ${this.station.place.domain} could not be read back`, error);
      },
    );
  }

  #accept(mails: readonly Copy[]): void {
    const { session } = this;
    const { stopping, ports } = this.#yard;
    if (!session || session.hasClosed || stopping) {
      ports.supply.putBack(mails);
      return;
    }
    const batch = mails.length > 0 ? this.#admitFitting(mails) : undefined;
    if (batch && session.idle) {
      session.begin(batch);
    } else if (batch) {
      this.#inFlight -= batch.mails.length;
      this.stock = batch;
    } else if (session.idle) {
      this.#rest(session);
    }
  }

  /** Nothing to do: others may use the connection until it is idle for too long. */
  #rest(session: OutboundSession): void {
    const { pool, shortages, stopping, ports } = this.#yard;
    if (stopping || this.#isLeaving || session.hasClosed) return;
    this.station.idle.add(this);
    pool.add(this);
    if (this.station.wait && ports.supply.waiting(this.station.place) === 0) this.#yard.calm(this.station);
    const other = pool.wanting(this.poolKey);
    if (other && other !== this.station) this.#yard.offer(other);
    else if (shortages.concern(this.#limits, this.station)) session.leave();
    if (this.station.head) this.#yard.pump(this.station);
  }

  #rouse(): void {
    this.station.idle.delete(this);
    this.#yard.pool.remove(this);
  }

  /** Serves another place from now on. The caller has settled the slots. */
  moveTo(station: Station): void {
    this.#rouse();
    this.station.links.delete(this);
    this.station = station;
    this.#keyedBy = station.snapshot;
    station.links.add(this);
    this.#servesSince = this.#yard.ports.clock.mono();
    this.#servedBefore = this.session?.deliveries ?? 0;
  }
}
