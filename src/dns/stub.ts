/** A caching stub resolver: memory first, then /etc/hosts and the name servers of resolv.conf. */
import { canonicalIp, parseIp } from '../kernel/cidr.js';
import type { Clock, Timer } from '../kernel/clock.js';
import { Pool } from '../kernel/pool.js';
import { type Answer, type Failed, hasFailed } from './answer.js';
import { type AnswerRules, Answers, SHORT_SECONDS } from './answers.js';
import { type AskCounts, type AskMeans, ask, type Told, type Untold } from './ask.js';
import { Flights } from './flights.js';
import type { Hosts } from './hosts.js';
import { countDots, normalizeName } from './name.js';
import { TYPE_NUMBERS } from './packet.js';
import { readAddress, readAny, readMx, readName, readText } from './records.js';
import type { ResolvConf } from './resolv-conf.js';
import type { AddressWish, AnyRecord, HostAddress, Mx, Resolver, ResolverStats } from './resolver.js';
import { Servers } from './servers.js';
import { mergeAddresses, sortAddresses } from './sort-addresses.js';
import type { NameServer, Wire } from './wire.js';

export interface StubSettings extends AnswerRules {
  /** dns_fallback_to_tcp. */
  readonly tcpFallback: boolean;
  /** dns_cache_purge_interval. */
  readonly purgeSeconds: number;
}

export interface StubMeans {
  readonly clock: Clock;
  readonly wire: Wire;
  /** A whole number from 0 up to, not including, `below`; nobody can guess it. */
  readonly random: (below: number) => number;
  /** Asked again for every question, so that changed files and a reload count at once. */
  readonly conf: () => ResolvConf;
  readonly hosts: () => Hosts;
  readonly settings: () => StubSettings;
  /** Answers kept at most; 100,000 when unset. */
  readonly cacheEntries?: number;
  /** Questions on the wire at once; 512 when unset. */
  readonly concurrency?: number;
}

/** CNAMEs that had to be asked for one by one. */
const MOST_ALIASES = 8;
/** What the operator's own files say is good for so long. */
const FILE_SECONDS = 60;
/** So long without a word from any server, and it is no longer one name's trouble. */
const OUTAGE_MS = 60_000;
const CLOSED: Untold = { kind: 'refused', why: 'the resolver is closed' };

export class StubResolver implements Resolver {
  readonly #means: StubMeans;
  readonly #ask: AskMeans;
  readonly #servers = new Servers();
  readonly #counts: AskCounts = { udp: 0, tcp: 0, truncated: 0, stray: 0 };
  readonly #answers: Answers;
  readonly #flights = new Flights<Answer<AnyRecord>>();
  readonly #admission: Pool;
  readonly #outcomes = { found: 0, nxdomain: 0, nodata: 0, servfail: 0, timeout: 0, refused: 0, malformed: 0 };
  readonly #types = new Map<string, number>();
  #asked = 0;
  #hits = 0;
  #joined = 0;
  #closed = false;
  #sweep: Timer | undefined;

  constructor(means: StubMeans) {
    this.#means = means;
    this.#answers = new Answers(means.clock, means.settings, means.cacheEntries ?? 100_000);
    this.#admission = new Pool(means.concurrency ?? 512);
    this.#ask = {
      clock: means.clock,
      wire: means.wire,
      random: means.random,
      conf: means.conf,
      servers: this.#servers,
      counts: this.#counts,
      tcpFallback: () => means.settings().tcpFallback,
    };
    this.#scheduleSweep();
  }

  async mx(domain: string, signal: AbortSignal): Promise<Answer<Mx>> {
    return read(await this.#query(domain, 'MX', signal), readMx);
  }

  async txt(name: string, signal: AbortSignal): Promise<Answer<string>> {
    return read(await this.#query(name, 'TXT', signal), readText);
  }

  async cname(name: string, signal: AbortSignal): Promise<Answer<string>> {
    return read(await this.#query(name, 'CNAME', signal), readName);
  }

  async any(name: string, type: string, signal: AbortSignal): Promise<Answer<AnyRecord>> {
    const known = type.toUpperCase();
    if (!TYPE_NUMBERS.has(known)) return this.#told({ kind: 'malformed', why: `"${type}" is no type of record` });
    return read(await this.#query(name, known, signal), readAny);
  }

  async ptr(ip: string, signal: AbortSignal): Promise<Answer<string>> {
    const canonical = canonicalIp(ip);
    if (!canonical) return { kind: 'nxdomain', ttlSeconds: 0, secure: false };
    const { lookup } = this.#means.conf();
    const named = lookup.includes('file') ? this.#means.hosts().names(canonical) : [];
    const ofFile: Answer<string> = {
      kind: 'found',
      records: named,
      name: canonical,
      ttlSeconds: FILE_SECONDS,
      secure: false,
      from: 'file',
    };
    if (named.length > 0 && lookup[0] === 'file') return ofFile;
    if (!lookup.includes('bind')) return named.length > 0 ? ofFile : absent;
    const answer = read(await this.#query(reverseName(canonical), 'PTR', signal), readName);
    return answer.kind !== 'found' && named.length > 0 ? ofFile : answer;
  }

  async addresses(host: string, wish: AddressWish, signal: AbortSignal): Promise<Answer<HostAddress>> {
    const ip = canonicalIp(host);
    if (ip) return { kind: 'found', records: [toAddress(ip)], name: ip, ttlSeconds: FILE_SECONDS, secure: false, from: 'dns' };
    const name = normalizeName(host);
    if (!name) return absent;
    const conf = this.#means.conf();
    let answer: Answer<HostAddress> = absent;
    for (const candidate of wish.search && !host.endsWith('.') ? candidates(name, conf) : [name]) {
      answer = await this.#addressesOf(candidate, wish, conf, signal);
      // A failure ends the search: further down the list could stand another host of the same name.
      if (answer.kind === 'found' || hasFailed(answer)) break;
    }
    return answer.kind === 'found' && conf.sortlist.length > 0
      ? { ...answer, records: sortAddresses(answer.records, conf.sortlist) }
      : answer;
  }

  stats(): ResolverStats {
    return {
      asked: this.#asked,
      hits: this.#hits,
      joined: this.#joined,
      ...this.#counts,
      outcomes: { ...this.#outcomes },
      types: Object.fromEntries(this.#types),
      pending: this.#flights.size,
      entries: this.#answers.size,
      servers: this.#servers.stats(),
    };
  }

  flush(name?: string): number {
    if (name === undefined) return this.#answers.forget();
    const normal = normalizeName(name);
    return normal === undefined ? 0 : this.#answers.forget(normal);
  }

  close(): void {
    this.#closed = true;
    this.#sweep?.cancel();
    this.#flights.end(CLOSING);
    this.#answers.forget();
  }

  async #addressesOf(name: string, { v4, v6 }: AddressWish, { lookup }: ResolvConf, signal: AbortSignal): Promise<Answer<HostAddress>> {
    let answer: Answer<HostAddress> = absent;
    for (const source of lookup) {
      if (source === 'file') {
        const records = this.#means
          .hosts()
          .addresses(name)
          .filter(({ family }) => (family === 4 ? v4 : v6));
        if (records.length > 0) return { kind: 'found', records, name, ttlSeconds: FILE_SECONDS, secure: false, from: 'file' };
      } else {
        const types = [...(v4 ? ['A'] : []), ...(v6 ? ['AAAA'] : [])];
        const both = await Promise.all(types.map((type) => this.#query(name, type, signal)));
        answer = mergeAddresses(both.map((one) => read(one, readAddress)));
        if (answer.kind === 'found') return answer;
      }
    }
    return answer;
  }

  async #query(text: string, type: string, signal: AbortSignal): Promise<Answer<AnyRecord>> {
    signal.throwIfAborted();
    this.#asked++;
    this.#types.set(type, (this.#types.get(type) ?? 0) + 1);
    const answer = await this.#answer(text, type, signal);
    this.#outcomes[answer.kind]++;
    return answer;
  }

  async #answer(text: string, type: string, signal: AbortSignal): Promise<Answer<AnyRecord>> {
    const name = normalizeName(text);
    // The root has name servers, but neither mail nor addresses.
    if (name === undefined || (name === '' && type !== 'NS' && type !== 'SOA' && type !== 'DNSKEY')) return absent;
    if (this.#closed) return this.#told(CLOSED);
    const known = this.#answers.recall(name, type);
    if (known) {
      this.#hits++;
      return known;
    }
    const key = `${type} ${name}`;
    if (this.#flights.has(key)) this.#joined++;
    try {
      return await this.#flights.join(key, signal, (own) => this.#admission.run(() => this.#find(name, type, own), own));
    } catch (error) {
      if (error === CLOSING) return this.#told(CLOSED);
      throw error;
    }
  }

  /** Asks the servers, one CNAME after the other where they give no more than that. */
  async #find(name: string, type: string, signal: AbortSignal): Promise<Answer<AnyRecord>> {
    let at = name;
    let shortest = Number.POSITIVE_INFINITY;
    let secure = true;
    const visited = new Set<string>();
    for (;;) {
      visited.add(at);
      const told = await ask(this.#ask, at, type, signal);
      if ('why' in told) return this.#answers.keep(name, type, this.#told(told), false);
      secure &&= told.authentic && this.#isTrusted(told.server.address);
      if (told.kind !== 'alias') {
        const forAllTypes = told.kind === 'nxdomain' && !told.aliased && at === name;
        return this.#answers.keep(name, type, conclude(told, shortest, secure), forAllTypes);
      }
      shortest = Math.min(shortest, told.ttlSeconds);
      at = told.target;
      if (visited.has(at) || visited.size > MOST_ALIASES) {
        return this.#answers.keep(name, type, this.#told({ kind: 'malformed', why: 'CNAMEs without end' }), false);
      }
    }
  }

  /** The AD bit is worth what the way to the server is worth (RFC 6840 5.8). */
  #isTrusted({ ip }: NameServer): boolean {
    return this.#means.conf().trustAd || parseIp(ip)?.[0] === 127 || ip === '::1';
  }

  #told({ kind, why }: Untold): Failed {
    const silentMs = this.#means.clock.mono() - this.#servers.spokeAtMs;
    const outage = this.#closed || ((kind === 'timeout' || kind === 'refused') && silentMs > OUTAGE_MS);
    return { kind, why, ttlSeconds: SHORT_SECONDS, fresh: true, outage };
  }

  #scheduleSweep(): void {
    this.#sweep = this.#means.clock.after(this.#means.settings().purgeSeconds * 1000, () => {
      this.#answers.sweep();
      if (!this.#closed) this.#scheduleSweep();
    });
  }
}

const CLOSING = new Error('the resolver is closed');

const absent = { kind: 'nxdomain', ttlSeconds: SHORT_SECONDS, secure: false } as const;

function conclude(told: Exclude<Told, { kind: 'alias' }>, shortest: number, secure: boolean): Answer<AnyRecord> {
  if (told.kind !== 'found') return { kind: told.kind, ttlSeconds: Math.min(shortest, told.ttlSeconds ?? SHORT_SECONDS), secure };
  const ttlSeconds = Math.min(shortest, told.ttlSeconds, told.partial ? SHORT_SECONDS : Number.POSITIVE_INFINITY);
  return { kind: 'found', records: told.records, name: told.name, ttlSeconds, secure, from: 'dns' };
}

/** Turns the records of an answer; when none is left the server told nonsense. */
function read<T>(answer: Answer<AnyRecord>, turn: (record: AnyRecord) => T | undefined): Answer<T> {
  if (answer.kind !== 'found') return answer;
  const records = answer.records.map(turn).filter((record) => record !== undefined) as T[];
  if (records.length > 0) return { ...answer, records };
  return { kind: 'malformed', why: 'records without sense', ttlSeconds: answer.ttlSeconds, fresh: true, outage: false };
}

/** The name as it is, and with each domain of the search list; in the order that ndots asks for. */
function candidates(name: string, { search, ndots }: ResolvConf): readonly string[] {
  const longer = search.map((domain) => `${name}.${domain}`);
  return countDots(name) >= ndots ? [name, ...longer] : [...longer, name];
}

const toAddress = (ip: string): HostAddress => ({ ip, family: ip.includes(':') ? 6 : 4 });

/** RFC 1035 3.5, RFC 3596 2.5; of canonical text. */
function reverseName(ip: string): string {
  const bytes = [...(parseIp(ip) ?? [])];
  if (bytes.length === 4) return `${bytes.reverse().join('.')}.in-addr.arpa`;
  const nibbles = bytes.flatMap((byte) => [byte >> 4, byte & 15]);
  return `${nibbles
    .reverse()
    .map((nibble) => nibble.toString(16))
    .join('.')}.ip6.arpa`;
}
