/** What we know of the name servers: how they did lately, and in which order to ask them now. */
import type { ServerStats } from './resolver.js';
import type { NameServer } from './wire.js';

/** A server that failed is asked last for so long, doubled with each failure in a row. */
const FIRST_PENALTY_MS = 5000;
const LONGEST_PENALTY_MS = 60_000;
/** Weight of the newest answer in the mean. */
const NEWEST = 0.2;

export class Server {
  readonly address: NameServer;
  asked = 0;
  answered = 0;
  timeouts = 0;
  failures = 0;
  meanMs = 0;
  /** When it last said anything that fitted, in monotonic milliseconds. */
  spokeAtMs = Number.NEGATIVE_INFINITY;
  /** It does not know EDNS; found out by asking. */
  primitive = false;
  #avoidUntilMs = 0;

  constructor(address: NameServer) {
    this.address = address;
  }

  get label(): string {
    const { ip, port } = this.address;
    return `${ip.includes(':') ? `[${ip}]` : ip}:${port}`;
  }

  did(tookMs: number): void {
    this.meanMs = this.answered === 0 ? tookMs : this.meanMs + NEWEST * (tookMs - this.meanMs);
    this.answered++;
    this.failures = 0;
    this.#avoidUntilMs = 0;
  }

  failed(nowMs: number): void {
    // Many questions that fail together are one failure.
    if (this.isAvoided(nowMs)) return;
    this.#avoidUntilMs = nowMs + Math.min(LONGEST_PENALTY_MS, FIRST_PENALTY_MS * 2 ** Math.min(10, this.failures));
    this.failures++;
  }

  isAvoided(nowMs: number): boolean {
    return nowMs < this.#avoidUntilMs;
  }

  stats(): ServerStats {
    const { label: server, asked, answered, timeouts, failures, meanMs } = this;
    return { server, asked, answered, timeouts, failures, meanMs };
  }
}

/** Keeps one Server for each address, also over changes of resolv.conf. */
export class Servers {
  #known: readonly Server[] = [];
  #turn = 0;

  /** In the order of `addresses` (each time from the next one on when `rotate`), those that failed lately behind the others. */
  order(addresses: readonly NameServer[], rotate: boolean, nowMs: number): readonly Server[] {
    const all = this.#adopt(addresses);
    const first = rotate && all.length > 0 ? this.#turn++ % all.length : 0;
    const turned = first === 0 ? all : [...all.slice(first), ...all.slice(0, first)];
    return turned.some((server) => server.isAvoided(nowMs))
      ? [...turned.filter((server) => !server.isAvoided(nowMs)), ...turned.filter((server) => server.isAvoided(nowMs))]
      : turned;
  }

  /** When any of them last spoke, in monotonic milliseconds; minus infinity when none ever did. */
  get spokeAtMs(): number {
    return Math.max(...this.#known.map((server) => server.spokeAtMs));
  }

  stats(): readonly ServerStats[] {
    return this.#known.map((server) => server.stats());
  }

  #adopt(addresses: readonly NameServer[]): readonly Server[] {
    const same = this.#known.length === addresses.length && this.#known.every(({ address }, i) => isSame(address, addresses[i]));
    if (!same) this.#known = addresses.map((address) => this.#known.find((known) => isSame(known.address, address)) ?? new Server(address));
    return this.#known;
  }
}

const isSame = (a: NameServer, b: NameServer | undefined): boolean => a.ip === b?.ip && a.port === b.port;
