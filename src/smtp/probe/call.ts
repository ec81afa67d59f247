/** One connection to a server that is asked line by line: a command goes out, its reply comes back, and it ends exactly once. */
import type { Reply } from '../../mail/reply.js';
import type { Login } from '../../module/login.js';
import { ProbeFailure } from '../../module/probe.js';
import type { TlsFacts } from '../../module/session.js';
import { type Capabilities, NO_CAPABILITIES, readCapabilities } from '../client/capabilities.js';
import { type Applicant, AuthExchange } from '../client/log-in.js';
import type { Failure } from '../client/session.js';
import type { ClientTerms } from '../client/terms.js';
import type { ClientKit, Loss, Wire, WireOwner } from '../client/wire.js';
import { WORDS } from '../client/words.js';
import { readKeywords, readReply } from './said.js';

/** Opens a connection. */
export type Dial = (kit: ClientKit, terms: ClientTerms, owner: WireOwner) => Wire;

/** Line ends would make two commands of one; NUL is in no command. */
const UNSAYABLE = /[\r\n\0]/;

const NO_KEYWORDS: ReadonlyMap<string, string> = new Map();

interface Pending {
  done(reply: Reply): void;
  fail(reason: unknown): void;
}

export class Call implements WireOwner, Applicant {
  readonly kit: ClientKit;
  readonly terms: ClientTerms;
  readonly wire: Wire;
  can: Capabilities = NO_CAPABILITIES;
  keywords: ReadonlyMap<string, string> = NO_KEYWORDS;
  tls: TlsFacts | undefined;
  /** Visitors so far. */
  visits = 0;
  #pending: Pending | undefined;
  #auth: AuthExchange | undefined;
  #isShaking = false;
  /** Why it ended, for whoever asks on. */
  #end: { readonly reason: unknown } | undefined;
  #last: Reply | undefined;
  /** The lines of the last reply. */
  #texts: readonly string[] = [];
  #isSpent = false;
  #isGone = false;
  #whenGone: () => void = () => {};

  constructor(kit: ClientKit, terms: ClientTerms, dial: Dial) {
    this.kit = kit;
    this.terms = terms;
    this.wire = dial(kit, terms, this);
  }

  get hasClosed(): boolean {
    return this.#end !== undefined;
  }

  /** Another visitor may have it: nobody has logged in, no reply is outstanding, and the server did not say that it leaves or waits for more. */
  get isFit(): boolean {
    const code = this.#last?.code ?? 0;
    return !this.#end && !this.#pending && !this.#isSpent && code !== 421 && code !== 221 && Math.floor(code / 100) !== 3;
  }

  /** Calls back once the socket is gone, at once when it is already. One listener. */
  whenGone(tell: () => void): void {
    if (this.#isGone) tell();
    else this.#whenGone = tell;
  }

  /** The banner. Rejects like `say`. */
  hear(): Promise<Reply> {
    return this.#await(() => {});
  }

  /** One command without its line end; rejects with a ProbeFailure or the reason of `close`. Throws a RangeError for what is no line. */
  say(line: string): Promise<Reply> {
    if (UNSAYABLE.test(line)) throw new RangeError('a command is one line');
    return this.#await(() => {
      if (this.wire.hasUnread) this.wire.accuse('reply before its command');
      else this.wire.say(`${line}\r\n`);
    });
  }

  /** EHLO, or HELO after it: what the server can do is known after a 250 to EHLO, else nothing is. */
  async hello(verb: 'EHLO' | 'HELO'): Promise<Reply> {
    this.can = NO_CAPABILITIES;
    this.keywords = NO_KEYWORDS;
    const said = await this.say(`${verb} ${this.terms.helo}`);
    if (verb === 'EHLO' && said.code === 250) {
      this.can = readCapabilities(this.#texts);
      this.keywords = readKeywords(this.#texts);
    }
    return said;
  }

  /** TLS, after the server's go-ahead. What it can do has to be asked anew. */
  secure(): Promise<unknown> {
    return this.#await(() => {
      if (this.wire.hasUnread) {
        this.wire.accuse('octets behind the go-ahead for TLS');
        return;
      }
      this.#isShaking = true;
      this.wire.secure(this.terms);
    });
  }

  logIn(login: Login): Promise<Reply> {
    return this.#await(() => {
      this.#auth = new AuthExchange(this, login, () => this.#settle());
      this.#auth.begin();
    });
  }

  /** Says goodbye, or closes at once where an answer is outstanding. */
  leave(): void {
    if (this.#end) return;
    if (this.#pending) {
      this.close(new ProbeFailure('broken', 'the connection was given up'));
      return;
    }
    this.#end = { reason: new ProbeFailure('broken', 'the connection has been closed') };
    this.wire.leave();
  }

  /** Ends it at once; whoever waits hears the reason. */
  close(reason: unknown): void {
    this.wire.close();
    this.#finish(reason);
  }

  opened(): void {
    this.wire.dueAt = 0;
  }

  answered(code: number): void {
    this.#texts = this.wire.texts();
    this.#last = readReply(code, this.#texts);
    if (!this.#pending || this.#isShaking) {
      this.wire.accuse('reply before its command');
      return;
    }
    if (this.#auth) {
      this.#isSpent = true;
      this.#auth.answered(code);
      return;
    }
    this.#settle();
  }

  secured(facts: TlsFacts): void {
    this.#isShaking = false;
    this.can = NO_CAPABILITIES;
    this.keywords = NO_KEYWORDS;
    this.tls = facts;
    this.#settle();
  }

  drained(): void {}

  /** For the exchange of AUTH: refused by the server, which is an answer, or impossible. */
  fail({ reply }: Failure): void {
    if (reply === WORDS.authMissing) this.#reject(new ProbeFailure('no_login', 'the server does not offer the mechanism'));
    else if (reply === WORDS.authInClear)
      this.#reject(new ProbeFailure('no_login', 'the mechanism shows the secret, and nothing is encrypted'));
    else if (reply === WORDS.authGivenUp) this.#reject(new ProbeFailure('broken', 'what the server asked in AUTH is no challenge'));
    else if (reply === WORDS.authUnproven) this.#reject(new ProbeFailure('broken', 'the server did not prove itself in AUTH'));
    else this.#settle();
  }

  lost(loss: Loss): void {
    this.#finish(failureOf(loss, this.#isShaking, this.terms.hop));
  }

  gone(): void {
    this.#finish(new ProbeFailure('broken', 'the connection has been closed'));
    this.#isGone = true;
    this.#whenGone();
  }

  #await(begin: () => void): Promise<Reply> {
    if (this.#end) return Promise.reject(this.#end.reason);
    if (this.#pending) return Promise.reject(new Error('a command while another waits for its reply'));
    const waiting = new Promise<Reply>((done, fail) => {
      this.#pending = { done, fail };
    });
    // A visitor that looks away must not bring the process down.
    waiting.catch(() => {});
    begin();
    return waiting;
  }

  #settle(): void {
    const pending = this.#clear();
    if (this.#last) pending?.done(this.#last);
  }

  #reject(reason: ProbeFailure): void {
    this.#clear()?.fail(reason);
  }

  #clear(): Pending | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    this.#auth = undefined;
    // The visit has a deadline of its own, and a kept connection has none.
    if (!this.wire.hasEnded) this.wire.dueAt = 0;
    return pending;
  }

  #finish(reason: unknown): void {
    if (this.#end) return;
    this.#end = { reason };
    this.#clear()?.fail(reason);
  }
}

function failureOf({ kind, detail }: Loss, isShaking: boolean, { name, ip, port }: ClientTerms['hop']): ProbeFailure {
  const whom = name === ip ? `${ip}:${port}` : `${name} (${ip}:${port})`;
  if (kind === 'late') return new ProbeFailure('late', `${whom} did not answer in time`);
  if (kind === 'connect') return new ProbeFailure('unreached', `no connection to ${whom}: ${detail}`);
  if (kind === 'tls' || isShaking) return new ProbeFailure('unreached', `no TLS with ${whom}: ${detail}`);
  if (kind === 'protocol') return new ProbeFailure('broken', `${whom} does not speak SMTP: ${detail}`);
  return new ProbeFailure('broken', `${whom} closed the connection: ${detail}`);
}
