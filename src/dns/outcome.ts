/** Where the mail of a domain can go, or why it cannot, with the words that logs and notices use (core's internal replies). */

/** One address of one host. Lower preferences go first; the order among equals is the order to try them in. */
export interface RouteHop {
  readonly name: string;
  readonly ip: string;
  readonly port: number;
  readonly preference: number;
  /**
   * Names that TLSA records may stand under, in the order to ask (RFC 7672 2.2.2): there only where DNSSEC proved both that the
   * mail goes to this host and its addresses.
   */
  readonly tlsaBases?: readonly string[];
  /** Nobody could have put another host in its place: DNSSEC proved the MX, or the operator wrote it (RFC 8689 4.2.1). */
  readonly vouched?: true;
}

/** Why there is no hop. */
export type NoRoute =
  /** RFC 7505: the domain says that it takes no mail. */
  | 'null-mx'
  /** Neither MX nor address, or MX hosts without any. */
  | 'no-host'
  /** DNS could not tell. */
  | 'lookup-failed'
  /** Every address is local to some network (deliver_to_private). */
  | 'private'
  /** The hosts to try first have an address on prohibited_hosts. */
  | 'prohibited'
  /** All addresses are on skip_hosts. */
  | 'skipped'
  /** We are the best mail exchanger ourselves. */
  | 'self'
  /** A literal or a name that is none. */
  | 'bad-name';

export interface HopList {
  readonly kind: 'hops';
  /** Never empty. */
  readonly hops: readonly RouteHop[];
  readonly ttlSeconds: number;
  readonly from: 'dns' | 'literal' | 'configured';
  /** DNSSEC proved the MX records; needed for DANE. False for what did not come from DNS. */
  readonly secure: boolean;
}

export interface DeadEnd {
  readonly kind: NoRoute;
  /** One line, code first. */
  readonly reply: string;
  /** The mail fails now. */
  readonly permanent: boolean;
  /** Counts towards dns_failures_to_purge. A failure repeated from memory does not, nor one while no name server speaks to us at all. */
  readonly counts: boolean;
  readonly ttlSeconds: number;
  /** For operators; empty when the reply says it all. */
  readonly why: string;
}

export type Outcome = HopList | DeadEnd;

/** Replies of core's catalogue where it has one. */
const REPLIES: Readonly<Record<NoRoute, string>> = {
  'null-mx': '550 5.4.4 [internal] NULL MX domain does not accept mail',
  'no-host': '454 4.4.4 [internal] no MX or A for domain',
  'lookup-failed': '451 4.4.3 [internal] Domain Lookup Failed',
  private: '551 5.4.6 [internal] Private/Loopback Address',
  prohibited: '551 5.4.6 [internal] Private/Loopback Address',
  skipped: '451 4.4.1 [internal] No valid hosts',
  self: '551 5.4.6 [internal] MX points back to this host',
  'bad-name': '550 5.1.2 [internal] not a domain that mail can be sent to',
};

/** Said to mail that waits when dns_failures_to_purge look-ups in a row have failed. */
export const PURGE_REPLY = '554 5.4.4 [internal] Domain Lookup Failed';

/** How long a dead end that depends on nothing in DNS is believed. */
const SOLID_SECONDS = 300;

export function deadEnd(kind: NoRoute, { ttlSeconds = SOLID_SECONDS, counts = false, why = '' }: Partial<DeadEnd> = {}): DeadEnd {
  const reply = REPLIES[kind];
  return { kind, reply, permanent: reply.startsWith('5'), counts, ttlSeconds, why };
}
