/** What a name server said, as a value: records, the knowledge that there are none, or a coded failure. Nothing here is ever thrown. */

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

/** True for answers that are no answers. */
export const hasFailed = (answer: Answer<unknown>): answer is Failed =>
  answer.kind !== 'found' && answer.kind !== 'nxdomain' && answer.kind !== 'nodata';
