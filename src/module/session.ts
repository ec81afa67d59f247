/** A client's connection as hooks and modules see it. */
import type { InboundValues } from '../config/snapshot.js';
import type { Facts } from '../mail/facts.js';

export interface Endpoint {
  readonly ip: string;
  readonly port: number;
}

export interface TlsFacts {
  readonly protocol: string;
  readonly cipher: string;
  readonly bits: number;
  readonly verified: boolean;
  readonly subject?: string;
  readonly issuer?: string;
  readonly serverName?: string;
}

export interface Session {
  /** Connection id in Momentum's form. */
  readonly id: string;
  /** The client; ip is empty for a unix socket. */
  readonly peer: Endpoint;
  readonly local: Endpoint;
  /** Name of the listener stanza's listen socket, as written. */
  readonly listener: string;
  readonly pathway?: string;
  readonly pathwayGroup?: string;
  /** The name the client gave in HELO, EHLO or LHLO. */
  readonly helo: string | undefined;
  readonly protocol: 'smtp' | 'esmtp' | 'lmtp';
  readonly tls: TlsFacts | undefined;
  /** The authenticated user. */
  readonly user: string | undefined;
  /** Connection context; cleared when the session ends. */
  readonly facts: Facts;
  /** Aborted when the connection ends. Made when first asked for. */
  readonly signal: AbortSignal;
  /** Options in force for this client, of the newest snapshot since its last MAIL. */
  readonly options: InboundValues;
  /** Reception state as a number (0 just connected … 21), for the rejection log. */
  readonly phase: number;
  /** Text of the 220 banner without code; may be set in `connect`. Line feeds part the lines of a longer one. */
  banner: string;
  /** Adds or removes an EHLO keyword line; only before EHLO is answered. */
  readonly extensions: Map<string, string>;
  /** Waits up to `seconds`, ends early with true when the client speaks first. */
  early(seconds: number, signal: AbortSignal): Promise<boolean>;
}
