/** All SMTP sessions of a process: takes connections in, keeps the limits that span sessions, and ends them all at shut-down. */
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { InboundValues } from '../../config/snapshot.js';
import type { Clock } from '../../kernel/clock.js';
import { Watch, type Watched } from '../../kernel/watch.js';
import { DateFormat } from '../../mail/date.js';
import { ClientCount } from '../../net/client-count.js';
import { plainIp } from '../../net/plain-ip.js';
import type { TlsContexts } from '../../net/tls-contexts.js';
import type { Door, Guest, House } from './house.js';
import { Profile } from './profile.js';
import type { Reception } from './reception.js';
import { SmtpSession } from './session.js';
import { namedSettingsOf, tlsSettingsOf } from './tls-settings.js';

export interface ServicePorts<Own> {
  readonly reception: Reception<Own>;
  readonly clock: Clock;
  readonly contexts: TlsContexts;
  readonly hostname: string;
  /** Product and version for the banner, e.g. `Celeris 0.1.0`. */
  readonly product: string;
  nextId(): string;
  /** A listener could not accept a connection. */
  troubled?(error: Error, listen: string): void;
  /** Option large_message_threshold of the newest snapshot, in octets. */
  largeBodyBytes(): number;
}

/** How many connections there are now over all processes of the daemon, the one in question included. */
export interface Crowding {
  readonly service: number;
  readonly listener: number;
  readonly client: number;
}

/** Beats with the watch, so that sessions need not read the clock. */
class CoarseClock implements Watched {
  dueAt = 1;
  now: number;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.now = clock.mono();
  }

  expire(): void {
    this.now = this.#clock.mono();
    this.dueAt = 1;
  }
}

export class SmtpService<Own> implements House<Own> {
  readonly reception: Reception<Own>;
  readonly clock: Clock;
  readonly watch: Watch;
  readonly hostname: string;
  readonly product: string;
  readonly #ports: ServicePorts<Own>;
  readonly #coarse: CoarseClock;
  readonly #sessions = new Set<SmtpSession<Own>>();
  readonly #clients = new ClientCount();
  /** What was said of connections at their arrival, where there are other processes. */
  readonly #crowding = new WeakMap<object, Crowding & { readonly ip: string }>();
  readonly #perListener = new Map<string, number>();
  readonly #dates = new DateFormat();
  #profiles = new WeakMap<InboundValues, Profile>();
  #stopping = false;
  #emptied: (() => void) | undefined;

  constructor(ports: ServicePorts<Own>) {
    this.#ports = ports;
    this.reception = ports.reception;
    this.clock = ports.clock;
    this.hostname = ports.hostname;
    this.product = ports.product;
    this.watch = new Watch(ports.clock);
    this.#coarse = new CoarseClock(ports.clock);
    // First in the set: the sweep sets the time before it looks at sessions.
    this.watch.add(this.#coarse);
  }

  get coarseNow(): number {
    return this.#coarse.now;
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  /** The sessions, for the console. */
  list(): Iterable<SmtpSession<Own>> {
    return this.#sessions;
  }

  /** Takes a connection that was accepted by a listener socket. Without `crowding` ours are all there are. */
  accept(socket: Socket, door: Door, crowding?: Crowding): void {
    const peer = { ip: plainIp(socket.remoteAddress), port: socket.remotePort ?? 0 };
    const session = new SmtpSession(this, door, socket, peer);
    this.#enter(session);
    if (crowding) this.#crowding.set(session, { ...crowding, ip: peer.ip });
    if (!session.admit()) return;
    if (this.#stopping) session.shutDown();
    const { proxy_protocol, proxy_protocol_timeout } = session.options;
    if (proxy_protocol !== 'false' && !this.#stopping) session.awaitProxy(proxy_protocol_timeout);
    else if (this.isCrowded(session)) session.turnAway();
    else session.start();
  }

  troubled(error: Error, door: Door): void {
    this.#ports.troubled?.(error, door.listen);
  }

  date(): string {
    return this.#dates.format(this.clock.now());
  }

  nextId(): string {
    return this.#ports.nextId();
  }

  largeBodyBytes(): number {
    return this.#ports.largeBodyBytes();
  }

  profileOf(options: InboundValues): Profile {
    const known = this.#profiles.get(options);
    if (known) return known;
    const hasCertificate = !options.use_ssl && this.contextOf(options) !== undefined;
    const profile = new Profile(options, hasCertificate, this.hostname, this.reception.mechanisms?.(options));
    this.#profiles.set(options, profile);
    return profile;
  }

  contextOf(options: InboundValues): SecureContext | undefined {
    const settings = tlsSettingsOf(options);
    return settings && this.#ports.contexts.of(settings);
  }

  namedContextOf(options: InboundValues, serverName: string): SecureContext | undefined {
    const settings = namedSettingsOf(options, serverName);
    return settings && this.#ports.contexts.of(settings);
  }

  /** The certificates were loaded anew: what depends on them is worked out again. */
  forgetProfiles(): void {
    this.#profiles = new WeakMap();
  }

  /** Sessions of one socket. */
  count(stanza: string, listen: string): number {
    let count = 0;
    for (const session of this.#sessions) if (session.stanza === stanza && session.listener === listen) count++;
    return count;
  }

  /** Sessions of one listener, or of one of its sockets, get 421 at their next command. Answers how many there are. */
  drain(stanza: string, listen?: string): number {
    const leaving = [...this.#sessions].filter((session) => session.stanza === stanza && (listen ?? session.listener) === session.listener);
    for (const session of leaving) session.shutDown();
    return leaving.length;
  }

  /** Memory runs short: the larger half of the messages that are coming in is not read any further. Answers how many that are. */
  haltLargest(): number {
    const coming = [...this.#sessions].filter((session) => session.incoming > 0 && !session.isHalted);
    coming.sort((a, b) => b.incoming - a.incoming);
    const chosen = coming.slice(0, Math.ceil(coming.length / 2));
    for (const session of chosen) session.halt();
    return chosen.length;
  }

  /** All messages may come in again. */
  unhalt(): void {
    for (const session of this.#sessions) session.unhalt();
  }

  moved(session: Guest, from: string): void {
    this.#clients.remove(from);
    this.#clients.add(session.peer.ip);
  }

  left(session: SmtpSession<Own>): void {
    if (!this.#sessions.delete(session)) return;
    this.watch.remove(session);
    this.#clients.remove(session.peer.ip);
    const others = (this.#perListener.get(session.stanza) ?? 1) - 1;
    if (others > 0) this.#perListener.set(session.stanza, others);
    else this.#perListener.delete(session.stanza);
    if (this.#sessions.size === 0) this.#emptied?.();
  }

  /**
   * Every session gets 421 at its next command, those between two commands at once; a message that is on its way may
   * finish. Resolves when all are gone; when the signal is aborted the rest is cut off.
   */
  async shutDown(signal: AbortSignal): Promise<void> {
    this.#stopping = true;
    if (this.#sessions.size > 0) {
      const empty = new Promise<void>((done) => (this.#emptied = done));
      const cut = (): void => {
        for (const session of this.#sessions) session.destroy();
        this.#emptied?.();
      };
      for (const session of [...this.#sessions]) session.shutDown();
      if (signal.aborted) cut();
      signal.addEventListener('abort', cut, { once: true });
      await empty;
      signal.removeEventListener('abort', cut);
    }
    this.watch.stop();
  }

  #enter(session: SmtpSession<Own>): void {
    this.#sessions.add(session);
    this.watch.add(session);
    this.#clients.add(session.peer.ip);
    this.#perListener.set(session.stanza, (this.#perListener.get(session.stanza) ?? 0) + 1);
  }

  isCrowded(session: Guest): boolean {
    const { service_sessions, listener_sessions, connections_per_client, relay_hosts } = session.options;
    const crowding = this.#crowding.get(session);
    if (service_sessions > 0 && (crowding?.service ?? this.#sessions.size) > service_sessions) return true;
    if (listener_sessions > 0 && (crowding?.listener ?? this.#perListener.get(session.stanza) ?? 0) > listener_sessions) return true;
    const { ip } = session.peer;
    // Behind a proxy the client is known only now, and counted here only.
    const same = crowding?.ip === ip ? crowding.client : this.#clients.of(ip);
    if (connections_per_client <= 0 || ip === '' || same <= connections_per_client) return false;
    return !relay_hosts?.has(ip);
  }
}
