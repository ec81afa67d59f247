/** What is told, not asked: refusals, log records, failed connections. */
import type { Draft } from './message.js';
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
  readonly at: number;
}

export type Level = 'debug' | 'info' | 'notice' | 'warning' | 'error' | 'critical';

export interface LogRecord {
  readonly at: number;
  readonly level: Level;
  readonly module: string;
  readonly text: string;
}

export interface ConnectFailure {
  readonly place: Place;
  /** Host or address that could not be reached. */
  readonly hop: string;
  readonly reply: string;
  readonly at: number;
}
