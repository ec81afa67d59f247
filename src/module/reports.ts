/** What is told, not asked: refusals, log records, failed connections. */
import type { Address } from '../mail/address.js';
import type { Stage } from './attempt.js';
import type { Draft, Message } from './message.js';
import type { Place } from './place.js';
import type { Session } from './session.js';
import type { Reply } from './verdict.js';

export interface Rejection {
  readonly session: Session;
  /** Reception state (number of the table in session.phase). */
  readonly phase: number;
  /** Who refused: a module's name, or empty for the core. */
  readonly module: string;
  readonly reply: Reply;
  readonly draft?: Draft;
  /** Who was refused as a recipient. */
  readonly recipient?: Address;
  readonly at: number;
}

export type Level = 'debug' | 'info' | 'notice' | 'warning' | 'error' | 'critical';

export interface LogRecord {
  readonly at: number;
  readonly level: Level;
  readonly module: string;
  readonly text: string;
}

/** A failure for good: of a mail here, or elsewhere, told by a notice that came in. */
export interface Bounce {
  /** The mail that failed, or the notice that came in. */
  readonly mail: Message;
  readonly place: Place;
  /** Wall milliseconds. */
  readonly at: number;
  /** Outbound connection; that of the notice when it came from elsewhere; empty when there was none. */
  readonly connectionId: string;
  /** Who did not get it; undefined when a notice does not say. */
  readonly recipient: Address | undefined;
  /** Who sent it: for a notice the address it came back to. */
  readonly sender: Address | null;
  /** 21 for a notice that came in. */
  readonly stage: Stage;
  readonly bounceClass: number;
  /** Address of the server that said so; empty when nobody did. */
  readonly ip: string;
  /** Its words, on one line. */
  readonly reply: string;
  /** Message-ID of the message that failed, when a notice tells it. */
  readonly originalId?: string;
}

export interface ConnectFailure {
  readonly place: Place;
  /** Host or address that could not be reached. */
  readonly hop: string;
  readonly reply: string;
  readonly at: number;
}
