/** Where queue and delivery meet. Neither knows the other; both know these. */
import type { Address } from '../mail/address.js';
import type { Facts } from '../mail/facts.js';
import type { Reply } from '../mail/reply.js';
import type { Delivery } from './attempt.js';
import type { Copy } from './copy.js';
import type { Body, Protocol } from './message.js';
import type { Place } from './place.js';

/** What delivery asks of the queue. */
export interface Supply {
  /**
   * The next batch of a place: mail that is due, at most `max`, of one transaction (same body, header bytes, sender and
   * RFC 3461 facts). Empty when nothing is due. Bodies that were let go are read back first, so it may be a promise;
   * while it is pending the mails are nobody else's.
   */
  take(place: Place, max: number): readonly Copy[] | Promise<readonly Copy[]>;
  /** Mails that were taken but not attempted go back to the front. Their retry count does not change. */
  putBack(mails: readonly Copy[]): void;
  /** Due mails of a place that nobody has taken. */
  waiting(place: Place): number;
  /**
   * Decides what a transient failure means for a mail (expiry, retry count, back-off) and answers what it
   * came to: `deferred` (it is queued again, recorded in the spool) or `failed` with the reply that says why.
   */
  defer(mail: Copy, reply: string): Delivery;
  /** The mail is gone from the queue (delivered, failed, dropped). Its end in the spool is recorded by the caller. */
  release(mail: Copy): void;
  /** Moves all due mail of a place to the delayed list until `untilMs` (wall), with the reply that says why. */
  delay(place: Place, untilMs: number, reply: string): void;
}

/** What the queue asks of delivery. */
export interface Carrier {
  /** Mail is due at this place. Called at most once a turn for a place; cheap when nothing can start. */
  wake(place: Place): void;
  /** Open connections that serve this place now, busy or idle. */
  connections(place: Place): number;
  /** Why mail of this place does not start now, and until when; undefined when nothing holds it. For `why`. */
  hindrance(place: Place): Hindrance | undefined;
  /** No new attempts; resolves when the ones in flight have ended (those before DATA are cut, those after the final dot wait). */
  stop(signal: AbortSignal): Promise<void>;
}

export interface Hindrance {
  readonly code: string;
  readonly text: string;
  readonly untilMs?: number;
  /** Key of the limit, as in permit.ts. */
  readonly limit?: string;
}

/** Takes a new mail that is durable into the queue. */
export interface Intake {
  insert(mail: Copy): void;
}

/** What a message made by us is asked to be. */
export interface MadeMessage {
  readonly sender: Address | null;
  readonly recipients: readonly Address[];
  readonly headers: Buffer;
  readonly content: Body;
  readonly facts?: Facts;
  readonly protocol: Protocol;
  /** A core notice: it never causes another one. */
  readonly notice: boolean;
  /** -9 to 9; 0 when not given. */
  readonly priority?: number;
}

/** The way in for messages that do not come over SMTP: the same hooks, in two halves, so that the spool's write can be shared. */
export interface Entrance {
  /**
   * Everything up to the spool. A refusal by a hook comes back as its reply; no copies when a hook dropped the message, or when
   * modules delivered all of it (`arrived`). Rejects only with the signal's reason.
   */
  prepare(
    made: MadeMessage,
    signal: AbortSignal,
  ): Promise<{ readonly copies: readonly Copy[]; readonly arrived?: boolean } | { readonly refused: Reply }>;
  /** The copies are durable: queue them and tell everybody. */
  admit(copies: readonly Copy[]): void;
}
