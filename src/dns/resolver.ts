/** What the rest of the house sees of DNS: questions with an owner who can leave, and answers as values. */
import type { Answer } from './answer.js';

/** RFC 1035 3.3.9; exchange in lower case without the final dot, '' for the root (null MX, RFC 7505). */
export interface Mx {
  readonly preference: number;
  readonly exchange: string;
}

export interface HostAddress {
  /** Canonical text. */
  readonly ip: string;
  readonly family: 4 | 6;
}

/** A record of any type. */
export interface AnyRecord {
  readonly name: string;
  readonly type: string;
  readonly ttlSeconds: number;
  /** As dns-packet decodes it: text, object or Buffer. */
  readonly data: unknown;
}

export interface AddressWish {
  readonly v4: boolean;
  readonly v6: boolean;
  /** Try the search list of resolv.conf for names with few dots. Only for names an operator wrote. */
  readonly search?: boolean;
}

export interface ServerStats {
  readonly server: string;
  readonly asked: number;
  readonly answered: number;
  readonly timeouts: number;
  /** Failures in a row; a server with some is asked last. */
  readonly failures: number;
  /** Mean of the last answers in milliseconds; 0 before the first. */
  readonly meanMs: number;
}

export interface ResolverStats {
  /** Questions of callers. */
  readonly asked: number;
  /** Of these, answered from memory, and joined to a question on its way. */
  readonly hits: number;
  readonly joined: number;
  /** Queries sent. */
  readonly udp: number;
  readonly tcp: number;
  /** Questions by what came of them. */
  readonly outcomes: Readonly<Record<Answer<unknown>['kind'], number>>;
  /** Questions by type. */
  readonly types: Readonly<Record<string, number>>;
  readonly truncated: number;
  /** Datagrams that did not belong to the question. */
  readonly stray: number;
  /** Questions on their way, and answers in memory. */
  readonly pending: number;
  readonly entries: number;
  readonly servers: readonly ServerStats[];
}

/**
 * Names are taken in any case, with or without a final dot; non-ASCII ones are turned to A-labels. Promises reject only with the
 * reason of the caller's signal; everything else is an answer.
 */
export interface Resolver {
  mx(domain: string, signal: AbortSignal): Promise<Answer<Mx>>;
  /** /etc/hosts first (or last, or not, as `lookup` says), then A and AAAA at once. */
  addresses(host: string, wish: AddressWish, signal: AbortSignal): Promise<Answer<HostAddress>>;
  /** The strings of each record joined. */
  txt(name: string, signal: AbortSignal): Promise<Answer<string>>;
  /** Names of an address, IPv4 or IPv6; `nxdomain` for what is no address. */
  ptr(ip: string, signal: AbortSignal): Promise<Answer<string>>;
  cname(name: string, signal: AbortSignal): Promise<Answer<string>>;
  /** Records of a type by its name (TLSA, SRV, NS, CAA …). An unknown type is `malformed`. */
  any(name: string, type: string, signal: AbortSignal): Promise<Answer<AnyRecord>>;
  stats(): ResolverStats;
  /** Forgets a name, or everything; answers how many answers went. */
  flush(name?: string): number;
  /** Ends everything on its way; later questions are `refused`. */
  close(): void;
}
