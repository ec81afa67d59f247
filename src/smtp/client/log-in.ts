/** AUTH with a server (RFC 4954): one mechanism, one identity, never the secret in clear unless that is allowed. */
import { STAGE } from '../../module/attempt.js';
import type { Login } from '../../module/login.js';
import { type Claimant, claim, SHOWS_SECRET } from '../sasl/claimant.js';
import type { Capabilities } from './capabilities.js';
import type { Failure } from './session.js';
import type { ClientTimeouts } from './terms.js';
import type { ClientKit, Wire } from './wire.js';
import { authRefused, WORDS } from './words.js';

/** No mechanism of ours takes more rounds. */
const MOST_ROUNDS = 4;
/** RFC 5321 4.5.3.1.4: a longer command goes without its initial response (RFC 4954 4). */
const COMMAND_OCTETS = 512;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Who logs in: a session that brings mail, or one that only asks. */
export interface Applicant {
  readonly kit: Pick<ClientKit, 'nonce'>;
  readonly can: Pick<Capabilities, 'auth'>;
  readonly wire: Wire;
  readonly terms: { readonly timeouts: Pick<ClientTimeouts, 'ehloMs'> };
  readonly hasClosed: boolean;
  /** Not under this identity: of kind `login`. */
  fail(failure: Failure): void;
}

export class AuthExchange {
  readonly #session: Applicant;
  readonly #login: Login;
  readonly #claimant: Claimant;
  /** Mail may flow under this identity. */
  readonly #done: () => void;
  /** What goes with the first challenge because the command was too long for it. */
  #held: Buffer | undefined;
  #rounds = 0;
  /** The answer to a challenge is being made: the server has nothing to say. */
  #isThinking = false;
  #hasGivenUp = false;

  constructor(session: Applicant, login: Login, done: () => void) {
    this.#session = session;
    this.#login = login;
    this.#done = done;
    this.#claimant = claim(login.mechanism, login, session.kit.nonce);
  }

  begin(): void {
    const { can, wire } = this.#session;
    const { mechanism, inClear } = this.#login;
    if (!can.auth.includes(mechanism)) {
      this.#fail(WORDS.authMissing, 'AUTH not offered');
      return;
    }
    if (!inClear && !wire.isEncrypted && SHOWS_SECRET.has(mechanism)) {
      this.#fail(WORDS.authInClear, 'AUTH without TLS');
      return;
    }
    const { initial } = this.#claimant;
    const whole = initial && `AUTH ${mechanism} ${initial.toString('base64')}\r\n`;
    if (whole !== undefined && whole.length <= COMMAND_OCTETS) {
      this.#say(whole);
      return;
    }
    this.#held = initial;
    this.#say(`AUTH ${mechanism}\r\n`);
  }

  answered(code: number): void {
    const { wire } = this.#session;
    if (this.#isThinking) wire.accuse('reply before its command');
    else if (code === 334) this.#challenged(wire.texts());
    else if (this.#hasGivenUp && code !== 421) this.#fail(WORDS.authGivenUp, wire.oneLine());
    else if (code === 235) this.#accepted();
    else if (code >= 500) this.#fail(this.#login.refused === 'permfail' ? wire.oneLine() : authRefused(wire.oneLine()), wire.oneLine());
    else if (code >= 400) this.#fail(wire.oneLine(), wire.oneLine());
    else wire.accuse(`${code} to AUTH`);
  }

  #accepted(): void {
    if (this.#claimant.proven) this.#done();
    else this.#fail(WORDS.authUnproven, '235 without proof');
  }

  #challenged(texts: readonly string[]): void {
    const [text = ''] = texts;
    if (this.#hasGivenUp || ++this.#rounds > MOST_ROUNDS) {
      this.#session.wire.accuse('334 without end');
      return;
    }
    if (texts.length !== 1 || !BASE64.test(text)) {
      this.#giveUp();
      return;
    }
    const held = this.#held;
    if (held) {
      this.#held = undefined;
      this.#answer(held);
      return;
    }
    const answer = this.#claimant.respond(Buffer.from(text, 'base64'));
    if (!(answer instanceof Promise)) {
      this.#answer(answer);
      return;
    }
    this.#isThinking = true;
    const go = (octets: Buffer | undefined): void => {
      this.#isThinking = false;
      if (!this.#session.hasClosed) this.#answer(octets);
    };
    answer.then(go, () => go(undefined));
  }

  #answer(octets: Buffer | undefined): void {
    if (octets) this.#say(`${octets.toString('base64')}\r\n`);
    else this.#giveUp();
  }

  #giveUp(): void {
    this.#hasGivenUp = true;
    this.#say('*\r\n');
  }

  #say(line: string): void {
    const { wire, terms } = this.#session;
    if (wire.hasUnread) {
      wire.accuse('reply before its command');
      return;
    }
    wire.say(line);
    wire.expect(terms.timeouts.ehloMs);
  }

  #fail(reply: string, detail: string): void {
    this.#session.fail({ kind: 'login', reply, stage: STAGE.afterEhlo, detail });
  }
}
