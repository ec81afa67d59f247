/** One mail: what all copies of a reception share, and what each copy has for itself. */
import type { Address } from '../mail/address.js';
import type { Facts } from '../mail/facts.js';
import type { Headers } from '../mail/headers.js';
import type { Place } from './place.js';
import type { Endpoint } from './session.js';

/** How a message came in, as the logs name it. */
export type Protocol = 'smtp' | 'esmtp' | 'lmtp' | 'internal' | 'rest' | 'ecstream' | 'xfer';

/** What all copies of one reception share besides the body (record TXN of the spool). */
export interface Reception {
  readonly batchId: string;
  readonly connectionId: string;
  readonly protocol: Protocol;
  /** The client; absent for generated mail and unix sockets. */
  readonly source?: Endpoint;
  readonly local?: Endpoint;
  /** Wall time in milliseconds. */
  readonly receivedAt: number;
  readonly sender: Address | null;
  /** Connection context at the time of reception. */
  readonly facts: Facts;
  readonly helo?: string;
  readonly user?: string;
  readonly pathway?: string;
  readonly smtpUtf8: boolean;
  /** RFC 8689 REQUIRETLS: goes on encrypted to verified servers that promise the same, or not at all. */
  readonly requireTls?: true;
  /** RFC 3461 ENVID, decoded from xtext. */
  readonly envelopeId?: string;
  /** RFC 3461 RET. */
  readonly returnContent?: 'full' | 'headers';
}

/** RFC 3461 NOTIFY as bits. */
export const NOTIFY = { never: 1, success: 2, failure: 4, delay: 8 } as const;

/** The bytes behind the header block: canonical (dot-unstuffed, CRLF only), shared by all copies. */
export interface Body {
  /** Octets of the body without the header block. */
  readonly size: number;
  /** Some line begins with a dot: it must be stuffed while it is sent (RFC 5321 4.5.2). */
  readonly dots: boolean;
  readonly eightBit: boolean;
  /** The bytes when they are in memory. */
  readonly resident: readonly Uint8Array[] | undefined;
  /** Path of the body's own file when it is above large_message_threshold. */
  readonly file: string | undefined;
  /** The bytes wherever they are. */
  read(): AsyncIterable<Uint8Array>;
}

/** One recipient's copy of a message. Before the copies are made, one message stands for all recipients. */
export interface Message {
  readonly id: string;
  readonly reception: Reception;
  readonly sender: Address | null;
  readonly recipient: Address;
  readonly headers: Headers;
  readonly content: Body;
  /** Message context. */
  readonly facts: Facts;
  /** Octets of header block and body. */
  readonly size: number;
}

/** What became of the messages that a module let in before they were written. */
export interface UnspooledTally {
  /** In memory only, now. */
  inMemory: number;
  /** Written since memory was wanted, the daemon ended, or somebody set the mail aside. */
  forced: number;
  /** Written since they failed too often. */
  failing: number;
  /** Delivered without ever being written. */
  withoutDisk: number;
}

/** Leave to acknowledge a message before it is written: whoever gives it accepts that a kill loses the message. */
export interface Unspooled {
  /** Failed attempts after which it is written. */
  readonly attempts: number;
  readonly tally: UnspooledTally;
}

/** A message on its way in: everything may still be changed. */
export interface Draft extends Message {
  /** All recipients; one after the copies were made. */
  recipients: Address[];
  /** Binding chosen by `assign` or a policy; unset means none yet. */
  binding?: string;
  bindingGroup?: string;
  /** Queue under this domain instead of the recipient's. */
  routingDomain?: string;
  /** -9 to 9 (RFC 6710): inside its place the higher goes ahead. */
  priority: number;
  /** Set by `spool_message`: its copies need not be written before they are acknowledged. */
  unspooled: Unspooled | undefined;
  /** The raw MAIL or RCPT line that is being asked about. */
  readonly line: string;
  /** Replaces the body; bytes must use CRLF. */
  setBody(bytes: Uint8Array): void;
  /** Set aside: kept, not delivered, shown in the console. */
  quarantine(reason: string): void;
  readonly quarantined: string | undefined;
}

/** A message that is ours to deliver: durable, placed, counted. */
export interface Mail extends Message {
  readonly place: Place;
  /** Number in the spool's table; stable until the message is gone. */
  readonly ticket: number;
  /** Attempts so far that ended with a transient failure. */
  readonly attempts: number;
  /** Wall time in milliseconds of the next attempt. */
  readonly nextAttempt: number;
  /** Reply of the last attempt on one line. */
  readonly lastReply: string;
  /** -9 to 9 (RFC 6710): inside its place the higher goes ahead. */
  readonly priority: number;
  /** RFC 3461 NOTIFY bits; 0 = not given. */
  readonly notify: number;
  /** RFC 3461 ORCPT as given, decoded from xtext. */
  readonly originalRecipient: string | undefined;
  /** A core notice never causes another one, whatever its sender. */
  readonly notice: boolean;
}
