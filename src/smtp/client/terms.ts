/** Under which terms one connection is made and spoken on: next hop, source, names, TLS, deadlines. */
import type { SecureContext } from 'node:tls';
import type { Hop } from '../../module/attempt.js';
import type { Login } from '../../module/login.js';
import type { TlsDemand } from '../../module/tls-demand.js';
import type { Origin } from './xclient.js';

/** Deadlines in milliseconds, one per option. */
export interface ClientTimeouts {
  readonly connectMs: number;
  /** Banner, EHLO, HELO, STARTTLS and the handshake, each. */
  readonly ehloMs: number;
  readonly mailFromMs: number;
  readonly rcptToMs: number;
  /** The answers to DATA and to the final dot; sending the body may take longer by a millisecond an octet. */
  readonly bodyMs: number;
  readonly rsetMs: number;
  readonly idleMs: number;
}

/** Hears every octet of a connection, in clear also under TLS, and in words why it failed. The octets are only good until it returns. */
export type Trace = (direction: 'sent' | 'received' | 'failed', bytes: Uint8Array) => void;

export interface ClientTerms {
  readonly hop: Hop;
  /** Local address the connection comes from; undefined leaves it to the system. */
  readonly source: string | undefined;
  readonly lmtp: boolean;
  /** Name said in EHLO. */
  readonly helo: string;
  readonly tls: 'no' | 'ifavailable' | 'required';
  /** With `ifavailable`: go on in clear where the server refuses STARTTLS. */
  readonly tlsFallback: boolean;
  readonly tlsVerify: 'no' | 'ca' | 'host';
  /** What the domain demands on top of `tlsVerify`. */
  readonly demand?: TlsDemand | undefined;
  /** That the domain's mail goes to this host is proven. */
  readonly vouched?: boolean | undefined;
  /** Ciphers, versions, authorities and our certificate; undefined = Node's own. */
  readonly tlsContext: SecureContext | undefined;
  /** Tell the server with XCLIENT who brought the mail. */
  readonly xclient: 'no' | 'ifavailable' | 'required';
  /** Who brought the mail of this connection; undefined says nothing, whatever `xclient`. */
  readonly origin: Origin | undefined;
  /** Whom we log in as; undefined does not log in. */
  readonly login?: Login | undefined;
  /** Say BODY=8BITMIME where it is offered. */
  readonly sendEightBit: boolean;
  /** What becomes of 8-bit content where 8BITMIME is not offered: sent as it is, encoded part by part, or robbed of its eighth bits. */
  readonly downgrade: 'no' | 'encode' | 'strip';
  /** 8-bit content goes only to servers that offer 8BITMIME. */
  readonly strictEightBit: boolean;
  readonly timeouts: ClientTimeouts;
  /** Only the terms a connection begins with count. */
  readonly trace?: Trace;
}
