/** Opens the sockets of the esmtp_listener stanzas and hands every connection to the service. */
import net from 'node:net';
import type { ScopeNode } from '../../config/settings.js';
import type { Listener, Snapshot } from '../../config/snapshot.js';
import { printSocketAddress, type SocketAddress } from '../../config/socket-address.js';
import { type Cidr, formatIp } from '../../kernel/cidr.js';
import { adoptSocket, type BoundSocket, bindSocket } from '../../net/bind.js';
import type { TlsSettings } from '../../net/tls-contexts.js';
import type { Door } from './house.js';
import { allSettingsOf } from './tls-settings.js';

/** One socket a snapshot asks for. */
export interface WantedSocket {
  readonly door: Door;
  readonly address: SocketAddress;
  readonly backlog: number;
  readonly fileMode: number;
  /** False: the stanza is switched off. */
  readonly enabled: boolean;
}

/** A socket that was switched while running. */
export interface Turned {
  readonly on: boolean;
  readonly stanza: string;
  readonly listen: string;
}

/** The sockets of all listeners of one kind, switched off ones included. */
export function socketsOf(listeners: readonly Listener[], snapshot: Snapshot): readonly WantedSocket[] {
  return listeners.flatMap((listener) =>
    listener.listens.map(({ name, address }) => {
      const options = snapshot.inbound({ listener: listener.name, listen: name });
      return {
        door: { stanza: listener.name, listen: name, lmtp: options.speak_lmtp },
        address,
        backlog: options.listen_backlog,
        fileMode: options.file_mode,
        enabled: options.enable && snapshot.inbound({ listener: listener.name }).enable,
      };
    }),
  );
}

/** The certificates that sessions on these sockets may need: those of the sockets, and of every client that peers or their pathways tell apart. */
export function certificatesOf(listeners: readonly Listener[], snapshot: Snapshot): readonly TlsSettings[] {
  return listeners.flatMap((listener) =>
    listener.listens.flatMap(({ name }) => {
      const where = { listener: listener.name, listen: name };
      const clients = [undefined, ...clientsOf(snapshot.chain(where).flatMap(networksIn))];
      return [...new Set(clients.map((peerIp) => snapshot.inbound({ ...where, peerIp })))].flatMap(allSettingsOf);
    }),
  );
}

const networksIn = ({ children }: ScopeNode): readonly Cidr[] =>
  [...(children.get('peer')?.values() ?? [])].map(({ network }) => network).filter((network) => network !== undefined);

/** One address for each way in which the networks can hold one: along the addresses that changes only where a network begins, or behind its end. */
function clientsOf(networks: readonly Cidr[]): readonly string[] {
  if (networks.length === 0) return [];
  const edges = networks.flatMap((network) => [network.bytes, firstBehind(network)]).filter((edge) => edge !== undefined);
  return [...new Set(['0.0.0.0', '::', ...edges.map(formatIp)])];
}

/** The address behind the last one of a network; undefined where there is none. */
function firstBehind({ bytes, bits }: Cidr): Uint8Array | undefined {
  const next = bytes.slice();
  for (let bit = bits - 1; bit >= 0; bit--) {
    const mask = 0x80 >> (bit & 7);
    const octet = bit >> 3;
    next[octet] = (next[octet] ?? 0) ^ mask;
    if (((next[octet] ?? 0) & mask) !== 0) return next;
  }
  return undefined;
}

/** What takes connections. */
export interface Doorkeeper {
  accept(socket: net.Socket, door: Door): void;
  /** Accepting one connection failed (EMFILE, ECONNABORTED); the socket goes on. */
  troubled(error: Error, door: Door): void;
}

interface Open {
  /** What new connections are told; a reload may change it. */
  door: Door;
  readonly bound: BoundSocket;
  readonly server: net.Server;
}

/** The sockets that are open now. */
export class SmtpListeners {
  readonly #keeper: Doorkeeper;
  readonly #open = new Map<string, Open>();
  /** What the configuration in force wants. */
  #wanted: readonly WantedSocket[] = [];
  /** Descriptors and handles that another process bound for us, by printed address. Each is used once: closing the server closes it. */
  readonly #inherited: Map<string, number | object>;

  constructor(keeper: Doorkeeper, inherited: Map<string, number | object> = new Map()) {
    this.#keeper = keeper;
    this.#inherited = inherited;
  }

  /**
   * Opens what is wanted and not open, then closes what is open and not wanted. When one cannot be opened the others
   * that were opened for it are closed again, nothing else changes, and the coded problem of net is thrown. `turned` goes before
   * what the configuration says.
   */
  async adopt(wanted: readonly WantedSocket[], turned: readonly Turned[] = []): Promise<void> {
    const switched = new Map(turned.map(({ on, stanza, listen }) => [`${stanza}\n${listen}`, on]));
    const enabled = wanted.filter(({ door, enabled: on }) => switched.get(`${door.stanza}\n${door.listen}`) ?? on);
    const fresh: string[] = [];
    try {
      for (const each of enabled) {
        const key = keyOf(each);
        if (this.#open.has(key)) continue;
        this.#open.set(key, await this.#openOne(each));
        fresh.push(key);
      }
    } catch (error) {
      await Promise.all(fresh.map((key) => this.#close(key)));
      throw error;
    }
    for (const each of enabled) {
      const open = this.#open.get(keyOf(each));
      if (open) open.door = each.door;
    }
    this.#wanted = wanted;
    const keep = new Set(enabled.map(keyOf));
    await Promise.all([...this.#open.keys()].filter((key) => !keep.has(key)).map((key) => this.#close(key)));
  }

  /**
   * Opens or closes the sockets of one listener, or one of them, until the next configuration says what holds. Sessions that
   * were accepted go on. Answers how many sockets changed; throws as `adopt` does.
   */
  async turn(on: boolean, stanza: string, listen?: string): Promise<number> {
    const meant = this.#wanted.filter(({ door }) => door.stanza === stanza && (listen ?? door.listen) === door.listen);
    const changing = meant.filter((each) => this.#open.has(keyOf(each)) !== on);
    for (const each of changing) {
      if (on) this.#open.set(keyOf(each), await this.#openOne(each));
      else await this.#close(keyOf(each));
    }
    return changing.length;
  }

  /** Every socket of the configuration in force, and whether it is open now. */
  list(): readonly (WantedSocket & { readonly open: boolean })[] {
    return this.#wanted.map((each) => ({ ...each, open: this.#open.has(keyOf(each)) }));
  }

  /** No new connections. Those that were accepted go on. */
  async close(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((key) => this.#close(key)));
  }

  /** Where connections are taken, the ports the system chose filled in. */
  addresses(): readonly { readonly listen: string; readonly address: SocketAddress }[] {
    return [...this.#open].map(([listen, { bound, server }]) => {
      const at = server.address();
      const port = at !== null && typeof at === 'object' ? at.port : 0;
      return { listen: listen.split('\n')[1] ?? '', address: bound.address.kind === 'tcp' ? { ...bound.address, port } : bound.address };
    });
  }

  async #openOne({ door, address, backlog, fileMode }: WantedSocket): Promise<Open> {
    const inherited = this.#inherited.get(printSocketAddress(address));
    this.#inherited.delete(printSocketAddress(address));
    const bound = inherited === undefined ? await bindSocket(address, fileMode) : adoptSocket(address, inherited);
    // allowHalfOpen: a client may close its side behind the last command and still wait for the answer.
    // noDelay always: answers leave as one write, and one that comes later must not wait for the client's acknowledgement.
    const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#keeper.accept(socket, open.door));
    const open: Open = { door, bound, server };
    try {
      await bound.serve(server, backlog);
    } catch (error) {
      bound.release();
      throw error;
    }
    server.on('error', (error) => this.#keeper.troubled(error, open.door));
    return open;
  }

  #close(key: string): Promise<void> {
    const open = this.#open.get(key);
    this.#open.delete(key);
    if (!open) return Promise.resolve();
    open.bound.release();
    // Its callback waits for all connections; the socket itself is closed at once.
    open.server.close();
    return Promise.resolve();
  }
}

/** Sockets that differ in any of this are different ones. */
const keyOf = ({ door, address }: WantedSocket): string => `${door.stanza}\n${door.listen}\n${printSocketAddress(address)}`;
