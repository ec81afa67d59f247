/** The dialogue of AUTH (RFC 4954): who may try, the lines of an exchange, and what comes of it. The mechanisms stand in ../sasl. */
import { TLSSocket } from 'node:tls';
import type { Reply } from '../../mail/reply.js';
import { FAIL_CLOSED, type Verdict } from '../../module/verdict.js';
import { decodeBase64 } from '../sasl/base64.js';
import { type Done, type Failed, failed, type Mechanism, type Step as Move } from '../sasl/mechanism.js';
import { bindingsOf } from './auth-bindings.js';
import { maskSecret } from './auth-mask.js';
import { Intake } from './intake.js';
import type { LineFault } from './line-reader.js';
import { isLoopback } from './profile.js';
import { STEP } from './states.js';
import { isLater } from './talk.js';
import * as words from './words.js';

/** Attempts that may fail in one session; the next one that does ends it. */
const MOST_FAILURES = 3;

const AUTH = /^AUTH ([A-Z0-9_-]{1,20})(?: (\S+))? *$/i;
const NOTHING = Buffer.alloc(0);

export abstract class Authentication<Own> extends Intake<Own> {
  /** The attempt that is going on. */
  protected attempt: Mechanism | undefined = undefined;
  private failures = 0;
  /** How the attempt ended, for the verdict about it. */
  private outcome: Done | Failed | undefined = undefined;
  /** How the attempt ends with whatever the client says next. */
  private alreadyFailed: Failed | undefined = undefined;

  /** What binds a login to this TLS connection, by name (RFC 5929, RFC 9266); empty in clear. */
  channelBindings(): ReadonlyMap<string, Buffer> {
    const { socket } = this.wire;
    return socket instanceof TLSSocket ? bindingsOf(socket) : new Map();
  }

  /** Mail is taken only from those who logged in, and this client has not. Whose address or certificate speaks for him needs no login. */
  protected get lacksLogin(): boolean {
    const { enable_authentication, open_relay, relay_hosts, tls_verified_peer_is_authorized } = this.options;
    if (!enable_authentication || this.user !== undefined || open_relay) return false;
    if (tls_verified_peer_is_authorized && this.tls?.verified) return false;
    return !relay_hosts?.has(this.peer.ip === '' ? '127.0.0.1' : this.peer.ip);
  }

  override shutDown(reply?: Reply): void {
    super.shutDown(reply);
    // What a verifier would say comes too late for this session.
    if (this.step === STEP.auth) this.abortion?.abort();
  }

  protected auth(line: string) {
    const shown = maskSecret(line);
    if (this.moreBehind) return this.pipelined('AUTH', shown);
    const offered = this.mechanisms();
    if (offered.length === 0) {
      const later = this.tls === undefined && this.current.authenticates;
      return this.error('AUTH', shown, later ? words.ENCRYPTION_NEEDED : words.NOT_IMPLEMENTED);
    }
    if (this.helo === undefined && this.options.require_ehlo) return this.error('AUTH', shown, words.HELO_NEEDED);
    if (this.user !== undefined || this.transaction) return this.error('AUTH', shown, words.BAD_SEQUENCE);
    const [, given = '', first] = AUTH.exec(line) ?? [];
    if (given === '') return this.error('AUTH', shown, words.AUTH_SYNTAX);
    const name = given.toUpperCase();
    const mechanism = offered.includes(name) ? this.house.reception.beginAuth?.(this, name) : undefined;
    if (!mechanism) return this.error('AUTH', shown, words.UNKNOWN_MECHANISM);
    const said = first === undefined ? undefined : first === '=' ? NOTHING : decodeBase64(first);
    if (first !== undefined && !said) return this.error('AUTH', shown, words.BAD_BASE64);
    this.commandLine = shown;
    this.attempt = mechanism;
    this.advance(mechanism, said);
  }

  /** A line within an exchange. */
  protected respond(mechanism: Mechanism, text: string, fault: LineFault) {
    if (this.moreBehind) return this.giveUp(() => this.pipelined('AUTH', this.commandLine));
    const { alreadyFailed } = this;
    if (alreadyFailed) return this.follow(alreadyFailed);
    if (fault === 'long') return this.giveUp(() => this.error('AUTH', this.commandLine, words.AUTH_LINE_TOO_LONG));
    if (text === '*') return this.giveUp(() => this.error('AUTH', this.commandLine, words.AUTH_CANCELLED));
    const said = fault === '' ? decodeBase64(text) : undefined;
    if (!said) return this.giveUp(() => this.error('AUTH', this.commandLine, words.BAD_BASE64));
    this.advance(mechanism, said);
  }

  protected concludeAuth(verdict: Verdict) {
    const { outcome, farewell } = this;
    this.endAttempt();
    if (this.wire.hasQueued) return this.pipelined('AUTH', this.commandLine);
    if (farewell) {
      this.answer('AUTH', this.commandLine, farewell);
      this.reset();
      return this.hangUp();
    }
    if (outcome && !(verdict && 'reply' in verdict)) {
      this.user = outcome.user;
      return this.answer('AUTH', this.commandLine, words.AUTHENTICATED);
    }
    const { do: kind, reply } = verdict && 'reply' in verdict ? verdict : FAIL_CLOSED;
    if (kind === 'disconnect' || reply.code === 421) {
      this.answer('AUTH', this.commandLine, reply);
      this.reset();
      return this.hangUp();
    }
    if (++this.failures > MOST_FAILURES) return this.leave(words.TOO_MANY_FAILURES, this.phase, 'AUTH', this.commandLine);
    this.answer('AUTH', this.commandLine, reply);
  }

  /** What was said in clear counts no more (RFC 3207 4.2). */
  protected forgetLogin(): void {
    if (this.user === undefined) return;
    this.user = undefined;
    for (const fact of ['auth_user', 'auth_name', 'auth_status']) this.facts.delete(fact);
    if (this.options.context?.can_relay !== 'true') this.facts.delete('can_relay');
  }

  /** Names of the mechanisms this client may use now. */
  private mechanisms(): readonly string[] {
    const { keywords } = this;
    const offered = keywords ? keywords.get('AUTH') : this.current.keywords(this.tls !== undefined, isLoopback(this.peer.ip)).get('AUTH');
    return offered === undefined || offered === '' ? [] : offered.split(' ');
  }

  private advance(mechanism: Mechanism, said: Buffer | undefined) {
    let move: Move | Promise<Move>;
    try {
      move = mechanism.step(said);
    } catch (error) {
      this.fail(error);
      move = failed('error');
    }
    if (!isLater(move)) return this.follow(move);
    this.pause(STEP.auth);
    move.then(this.onMove, this.onMoveFailure);
  }

  private readonly onMove = (move: Move) => this.resume(() => this.follow(move));

  private readonly onMoveFailure = (error: unknown) => {
    this.fail(error);
    this.resume(() => this.follow(failed('error')));
  };

  private follow(move: Move) {
    const { attempt } = this;
    if (!attempt) return;
    if (move.kind === 'challenge') {
      if (this.wire.hasQueued) return this.giveUp(() => this.pipelined('AUTH', this.commandLine));
      this.alreadyFailed = move.failed;
      this.wire.say(`334 ${move.bytes.toString('base64')}\r\n`);
      return;
    }
    this.outcome = move;
    let said: ReturnType<NonNullable<typeof this.house.reception.endAuth>>;
    try {
      const { reception } = this.house;
      said = reception.endAuth ? reception.endAuth(this, attempt.name, move) : FAIL_CLOSED;
    } catch (error) {
      said = this.fail(error);
    }
    this.take(STEP.auth, said);
  }

  private giveUp(say: () => void): void {
    this.endAttempt();
    say();
  }

  private endAttempt(): void {
    this.attempt = this.outcome = this.alreadyFailed = undefined;
  }
}
