/** Writers and readers behind a URI scheme, and the agents that replace SMTP delivery. */
import type { Delivery } from './attempt.js';
import type { Mail } from './message.js';
import type { Endpoint, Session } from './session.js';

export interface Io {
  read(): AsyncIterable<Uint8Array>;
  append(records: readonly Uint8Array[]): Promise<void>;
  reopen(): Promise<void>;
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface IoScheme {
  /** `many`: several processes may append whole lines; `one`: only one may write. */
  readonly writers: 'many' | 'one';
  open(uri: string, how: { readonly mode: 'read' | 'append'; readonly permissions: number }, signal: AbortSignal): Promise<Io>;
}

export interface Codec {
  readonly id: number;
  encode(bytes: Uint8Array): Promise<Uint8Array>;
  decode(bytes: Uint8Array): Promise<Uint8Array>;
}

/** Delivers without SMTP. One outcome a mail, always, in the order of the mails. */
export interface Agent {
  deliver(mails: readonly Mail[], hop: Endpoint, outcomes: Delivery[], signal: AbortSignal): Promise<void>;
}

export interface AuthScheme {
  verify(user: string, secret: string, session: Session, signal: AbortSignal): Promise<'ok' | 'no' | 'error'>;
}
