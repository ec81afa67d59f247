/** Questions to other SMTP servers: a session of ours that carries no mail, for modules that ask before they decide. */
import type { Reply } from '../mail/reply.js';
import type { Login } from './login.js';
import type { TlsFacts } from './session.js';

/** The server a question goes to, and how it is reached. Visits through equal doors may share a connection. */
export interface ProbeDoor {
  /** A host name, or an address (an IPv6 address without brackets). Names are looked up by the daemon's own resolver. */
  readonly host: string;
  readonly port: number;
  /** `ifavailable` goes on without encryption where it is not offered or fails before the handshake; `required` never does. */
  readonly tls: 'no' | 'ifavailable' | 'required';
  /** The certificate has to be valid and name the host. */
  readonly verify?: boolean;
  /** The name in EHLO; the daemon's own when absent. */
  readonly helo?: string;
}

export interface ProbeTerms {
  /** For the whole visit: waiting for a free connection, connecting and every answer. */
  readonly timeoutMs: number;
  /** Connections through this door at once; who comes later waits. */
  readonly most: number;
  /** How long a connection is kept for the next visitor after RSET; 0 says goodbye at once. */
  readonly idleMs: number;
  readonly signal: AbortSignal;
}

/** One visit: the server has greeted and answered EHLO (HELO where it does not know that). */
export interface ProbeVisit {
  /** Address of the server. */
  readonly ip: string;
  /** Keywords of its last EHLO answer in upper case, each with its parameters. */
  readonly keywords: ReadonlyMap<string, string>;
  /** Undefined while nothing is encrypted. */
  readonly tls: TlsFacts | undefined;
  /** Sends one command line, given without its line end (a CR or LF in it throws a RangeError), and resolves with the whole reply, whatever its code. */
  say(line: string): Promise<Reply>;
  /** AUTH (RFC 4954). Resolves with the server's last reply; rejects with a ProbeFailure `no_login` where that cannot be. */
  logIn(login: Login): Promise<Reply>;
}

/** Why there was no visit, or why one broke off. */
export class ProbeFailure extends Error {
  /**
   * `unreached`: no address, no connection, or no encryption where it is demanded. `refused`: the greeting or the answer to EHLO was 4xx
   * or 5xx. `late`: the time is over. `broken`: the server went away or does not speak SMTP. `no_login`: the mechanism is not offered, or
   * would show the secret to whoever reads along.
   */
  readonly kind: 'unreached' | 'refused' | 'late' | 'broken' | 'no_login';
  /** With `refused`: what the server said. */
  readonly reply: Reply | undefined;

  constructor(kind: ProbeFailure['kind'], say: string, reply?: Reply) {
    super(say);
    this.name = 'ProbeFailure';
    this.kind = kind;
    this.reply = reply;
  }
}

/** Visits to other servers, see the token `Probes`. */
export interface ProbeService {
  /** Lends a session for as long as `ask` runs. Rejects with a ProbeFailure, or with what `ask` threw. */
  visit<T>(door: ProbeDoor, terms: ProbeTerms, ask: (visit: ProbeVisit) => Promise<T>): Promise<T>;
}
