/** What a name server said, as a value, and whom to ask: what the house sees of DNS. */

interface Dated {
  /** Seconds the answer may be believed from now on. */
  readonly ttlSeconds: number;
}

/** Records of the asked type, at least one. */
export interface Found<T> extends Dated {
  readonly kind: 'found';
  readonly records: readonly T[];
  /** Name the records stand under: another than the one asked for when CNAMEs led there. */
  readonly name: string;
  /** The AD bit of a server whose word we may take (loopback, or `options trust-ad`): DNSSEC proved it. */
  readonly secure: boolean;
  /** `file` is /etc/hosts: an operator wrote it. */
  readonly from: 'dns' | 'file';
  /** The order of the records means something and is kept. */
  readonly ordered?: boolean;
}

/** There is no such name, or the name has no record of the type. A certain answer. */
export interface Missing extends Dated {
  readonly kind: 'nxdomain' | 'nodata';
  /** DNSSEC proved the absence; as in Found. */
  readonly secure: boolean;
}

/**
 * Nobody knows. `servfail`: the servers could not find out. `timeout`: none answered in time. `refused`: they would not answer, or
 * nothing listens there. `malformed`: what came was no answer, or led in a circle.
 */
export interface Failed extends Dated {
  readonly kind: 'servfail' | 'timeout' | 'refused' | 'malformed';
  /** For operators: which server said what. */
  readonly why: string;
  /** Asked just now; false when an earlier failure was repeated from the cache. Count only fresh ones. */
  readonly fresh: boolean;
  /** No name server has said anything for a while: the fault may well be ours, and is not to be held against the name. */
  readonly outage: boolean;
}

export type Answer<T> = Found<T> | Missing | Failed;

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

/**
 * Names are taken in any case, with or without a final dot; non-ASCII ones are turned to A-labels. Promises reject only with the
 * reason of the caller's signal; everything else is an answer.
 */
export interface Names {
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
}

/** Addresses of a host that a module knows. */
export interface HostAddresses {
  readonly ips: readonly string[];
  readonly ttlSeconds: number;
  /** Try them in this order; else they are shuffled. */
  readonly ordered?: boolean;
}
