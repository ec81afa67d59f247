/** What the owner of a domain demands of encryption towards its hosts (DANE, MTA-STS): decided with the route, met by the connection. */

/** One usable TLSA record (RFC 6698 2.1). */
export interface Tlsa {
  /** 2 DANE-TA: the chain has to hold it. 3 DANE-EE: the host's own certificate or key. Others are not used for SMTP (RFC 7672 3.1.3). */
  readonly usage: 2 | 3;
  /** 0 the whole certificate, 1 its public key. */
  readonly selector: 0 | 1;
  /** 0 the octets themselves, 1 SHA-256, 2 SHA-512. */
  readonly matching: 0 | 1 | 2;
  readonly data: Buffer;
}

/** What went wrong, in the words of TLS reports (RFC 8460 4.3). */
export type TlsFault =
  | 'starttls-not-supported'
  | 'certificate-host-mismatch'
  | 'certificate-expired'
  | 'certificate-not-trusted'
  | 'validation-failure'
  | 'tlsa-invalid'
  | 'dnssec-invalid'
  | 'dane-required'
  | 'sts-policy-fetch-error'
  | 'sts-policy-invalid'
  | 'sts-webpki-invalid';

/** The demand on one host of one domain. Two connections that stand under different demands are never exchanged. */
export interface TlsDemand {
  readonly by: 'dane' | 'sts';
  /** Nothing goes out in clear nor to a host that fails. False: faults are only reported (MTA-STS mode testing). */
  readonly enforced: boolean;
  /** For `dane`: records one of which has to match; with none of them usable the session is encrypted and nobody is verified (RFC 7672 2.2). */
  readonly tlsa: readonly Tlsa[];
  /** Names of which the certificate has to bear one; the first is sent as SNI. */
  readonly names: readonly string[];
  /** Tells this demand from every other. */
  readonly digest: string;
  /** Known before any connection: the host is no MX of the policy, or its TLSA records could not be looked up. Enforced, it is not used at all. */
  readonly barred: TlsFault | undefined;
  /** For reports: the policy as it was published, line by line, and whose it is. */
  readonly policy: TlsPolicyFacts;
}

/** A policy as reports name it (RFC 8460 4.2). */
export interface TlsPolicyFacts {
  readonly type: 'tlsa' | 'sts' | 'no-policy-found';
  readonly domain: string;
  readonly strings: readonly string[];
  /** Patterns of an MTA-STS policy. */
  readonly mxPatterns: readonly string[];
}

/** How TLS with one host went, told once a connection. */
export interface TlsOutcome {
  /** Routing domain of the mail. */
  readonly domain: string;
  /** Undefined where the domain has none. */
  readonly policy: TlsPolicyFacts | undefined;
  /** Undefined when the session was encrypted as demanded. */
  readonly fault: TlsFault | undefined;
  /** Error code or words, for operators. */
  readonly detail: string;
  readonly host: string;
  readonly ip: string;
  /** Our address, where one is set. */
  readonly source: string | undefined;
}
