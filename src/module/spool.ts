/** The spool as reception, queue and delivery see it: what is written is kept until it is gone. */
import type { Copy } from './copy.js';
import type { Body } from './message.js';

/** What recovery tells of one message, without reading its bytes. Times are wall milliseconds. */
export type Found = (
  ticket: number,
  place: { readonly group: string; readonly binding: string; readonly domain: string },
  attempts: number,
  nextAttempt: number,
  receivedAt: number,
  /** -9 to 9. */
  priority: number,
  /** It was set aside at its reception (Draft.quarantine); whether it still is, its next attempt may tell. */
  quarantined: boolean,
) => void;

export interface RecoveryReport {
  readonly messages: number;
  readonly quarantined: number;
  readonly tornTails: number;
  readonly milliseconds: number;
}

/** Collects a body that is too large for memory. Either `finish` or `abandon` ends it. */
export interface LargeBody {
  /** Resolves when more may be written (back-pressure). */
  write(chunk: Uint8Array): Promise<void> | void;
  /** Durable on its own; it is removed at start when no message refers to it. */
  finish(facts: { readonly dots: boolean; readonly eightBit: boolean }): Promise<Body>;
  abandon(): Promise<void>;
}

export interface Spool {
  /**
   * Makes the copies of one reception durable together and gives each its ticket.
   * Resolves when the medium has them; rejects with a coded problem when it cannot, and then none of them exists.
   * Copies whose `headers.bytes()` are the same Buffer share it on disk; the body is stored once.
   */
  write(copies: readonly Copy[]): Promise<void>;

  /**
   * Gives the copies of one reception tickets and keeps them in memory only: whatever ends the daemon loses them. Each is written as soon as
   * it failed as often as its `unspooled` says, is set aside, or by `evict`; outcomes before leave no trace on the medium. Resolves with
   * false, and nothing was done, when they have to be written (large bodies, mail that waits). Optional, as are the next two.
   */
  hold?(copies: readonly Copy[]): Promise<boolean>;

  /** Its memory is wanted: a message that is only held is written soon. Does nothing for others. Never throws. */
  evict?(ticket: number): void;

  /** Writes everything that is only held; until the signal it is tried again while the medium fails. Resolves when the medium has it. */
  writeHeld?(signal: AbortSignal): Promise<void>;

  /**
   * Ends `gone` and makes `copies` durable in one group: a failure and its notice.
   * Resolves when the medium has both.
   */
  replace(gone: readonly number[], copies: readonly Copy[]): Promise<void>;

  /** Reads a message back, body included (a large body stays in its file). */
  read(ticket: number): Promise<Copy>;

  /** Records an outcome; written at the end of this loop turn, synced within 100 ms. Never throws: see `blocked`. */
  change(ticket: number, attempts: number, nextAttempt: number, lastReply: string): void;

  /**
   * Records one outcome for all messages that are kept now and wait at matching places: next attempt and last reply, with one record
   * however many they are; durable when it resolves. Messages written later are not concerned, later outcomes of a message win.
   * Optional: without it the queue writes a `change` for each.
   */
  changeAll?(
    where: { readonly group?: string; readonly binding?: string; readonly domain?: string },
    nextAttempt: number,
    lastReply: string,
  ): Promise<void>;

  /** The message was delivered, failed without notice, or dropped. Its ticket may be given out again at once. */
  gone(ticket: number): void;

  /** Ends many at once with a single record, durable when it resolves. */
  purge(tickets: readonly number[]): Promise<void>;

  /** The message moved to another place (rebind, reroute). */
  move(ticket: number, place: { readonly group: string; readonly binding: string; readonly domain: string }): void;

  /** Text form of the message's id. */
  id(ticket: number): string;

  /** The ticket of an id, or undefined. Linear: for operators, not for the flow. */
  find(id: string): number | undefined;

  openLarge(): Promise<LargeBody>;

  /** A finished large body that no copy names, nor ever will: its file goes. Does nothing for other bodies. Never throws. */
  forget(body: Body): void;

  /** Why nothing may be accepted now ("disk full", …); undefined when all is well. Cheap. */
  readonly refusing: string | undefined;

  /** Why no delivery may start now: outcomes cannot be recorded. Cheap. */
  readonly blocked: string | undefined;

  /** Calls back when `refusing` or `blocked` changed. */
  onHealth(changed: () => void): void;

  /** Reads everything that is there; may run while new messages are written. `found` is called once a message, after every later outcome is known. */
  recover(found: Found, signal: AbortSignal): Promise<RecoveryReport>;

  /** Tickets that its tables have room for; who keeps a table beside them need not grow more often. */
  readonly capacity?: number;

  /** Number of messages and bytes kept. */
  stats(): { readonly messages: number; readonly liveBytes: number; readonly diskBytes: number; readonly segments: number };

  /** Resolves when every outcome so far is on the medium. */
  flush(): Promise<void>;

  close(): Promise<void>;
}
