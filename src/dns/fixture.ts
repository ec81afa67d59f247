/** For tests: name servers played by a function, over no network at all. */
import { decode, encode, type Answer as PacketAnswer } from 'dns-packet';
import { VirtualClock } from '../kernel/virtual-clock.js';
import { parseHosts } from './hosts.js';
import { parseResolvConf } from './resolv-conf.js';
import { StubResolver, type StubSettings } from './stub.js';
import { type NameServer, type Wire, WireError, type WireFault } from './wire.js';

export interface Asked {
  readonly server: NameServer;
  readonly name: string;
  readonly type: string;
  readonly tcp: boolean;
  readonly edns: boolean;
  readonly query: Buffer;
}

/** Parts of an answer packet; flags are letters of: aa tc ra ad. */
export interface Played {
  readonly rcode?: number;
  readonly flags?: readonly ('aa' | 'tc' | 'ra' | 'ad')[];
  readonly answers?: readonly PacketAnswer[];
  readonly authorities?: readonly PacketAnswer[];
  readonly additionals?: readonly PacketAnswer[];
}

/** Octets as they are, parts of a packet, a fault, silence, or an answer after some milliseconds. */
export type Play = Buffer | Played | WireFault | 'silent' | { readonly afterMs: number; readonly play: Play };

const FLAGS = { aa: 0x400, tc: 0x200, ra: 0x80, ad: 0x20 } as const;

/** The answer packet to a query. */
export function packetFor(query: Buffer, { rcode = 0, flags = ['ra'], answers = [], authorities = [], additionals = [] }: Played): Buffer {
  const { id, questions } = decode(query);
  const bits = flags.reduce((sum, flag) => sum | FLAGS[flag], 0);
  return encode({
    type: 'response',
    id: id ?? 0,
    flags: bits | rcode,
    questions: questions ?? [],
    answers: [...answers],
    authorities: [...authorities],
    additionals: [...additionals],
  });
}

export const a = (name: string, data: string, ttl = 300): PacketAnswer => ({ type: 'A', name, ttl, data });
export const aaaa = (name: string, data: string, ttl = 300): PacketAnswer => ({ type: 'AAAA', name, ttl, data });
export const cname = (name: string, data: string, ttl = 300): PacketAnswer => ({ type: 'CNAME', name, ttl, data });
export const mx = (name: string, preference: number, exchange: string, ttl = 300): PacketAnswer => ({
  type: 'MX',
  name,
  ttl,
  data: { preference, exchange },
});
export const soa = (name: string, ttl: number, minimum: number): PacketAnswer => ({
  type: 'SOA',
  name,
  ttl,
  data: { mname: 'ns.test', rname: 'root.test', serial: 1, refresh: 1, retry: 1, expire: 1, minimum },
});

export class PlayedWire implements Wire {
  readonly asked: Asked[] = [];
  readonly #clock: VirtualClock;
  #play: (asked: Asked) => Play;

  constructor(clock: VirtualClock, play: (asked: Asked) => Play) {
    this.#clock = clock;
    this.#play = play;
  }

  play(play: (asked: Asked) => Play): void {
    this.#play = play;
  }

  udp(server: NameServer, query: Buffer, fits: (datagram: Buffer) => boolean, signal: AbortSignal): Promise<Buffer> {
    return this.#answer(server, query, false, signal).then((bytes) =>
      fits(bytes) ? bytes : new Promise<Buffer>((_, fail) => listen(signal, fail)),
    );
  }

  tcp(server: NameServer, query: Buffer, signal: AbortSignal): Promise<Buffer> {
    return this.#answer(server, query, true, signal);
  }

  #answer(server: NameServer, query: Buffer, tcp: boolean, signal: AbortSignal): Promise<Buffer> {
    const { questions, additionals } = decode(query);
    const asked = {
      server,
      name: questions?.[0]?.name ?? '',
      type: questions?.[0]?.type ?? '',
      tcp,
      edns: (additionals ?? []).length > 0,
      query,
    };
    this.asked.push(asked);
    return new Promise((done, fail) => {
      listen(signal, fail);
      const give = (play: Play): void => {
        if (play === 'silent') return;
        if (typeof play === 'string') fail(new WireError(play));
        else if (Buffer.isBuffer(play)) done(play);
        else if ('afterMs' in play) this.#clock.after(play.afterMs, () => give(play.play));
        else done(packetFor(query, play));
      };
      give(this.#play(asked));
    });
  }
}

const listen = (signal: AbortSignal, fail: (reason: unknown) => void): void =>
  signal.addEventListener('abort', () => fail(signal.reason), { once: true });

/** A resolver on a virtual clock with one played server, 192.0.2.53, unless `conf` names others. */
export function playResolver(
  play: (asked: Asked) => Play,
  given: {
    readonly conf?: string;
    readonly hosts?: string;
    readonly settings?: Partial<StubSettings>;
    readonly cacheEntries?: number;
  } = {},
): { readonly clock: VirtualClock; readonly wire: PlayedWire; readonly resolver: StubResolver } {
  const clock = new VirtualClock();
  const wire = new PlayedWire(clock, play);
  const conf = parseResolvConf(given.conf ?? 'nameserver 192.0.2.53');
  const hosts = parseHosts(given.hosts ?? '');
  const settings: StubSettings = { minTtlSeconds: 0, maxTtlSeconds: 4_294_967_295, tcpFallback: true, purgeSeconds: 60, ...given.settings };
  let n = 4711;
  const resolver = new StubResolver({
    clock,
    wire,
    random: (below) => (n = (n * 7919 + 1) % 65_537) % below,
    conf: () => conf,
    hosts: () => hosts,
    settings: () => settings,
    ...(given.cacheEntries === undefined ? {} : { cacheEntries: given.cacheEntries }),
  });
  return { clock, wire, resolver };
}
