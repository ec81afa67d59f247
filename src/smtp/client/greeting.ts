/** The beginning of a session: banner, EHLO (HELO once when it is refused), STARTTLS and XCLIENT as the terms demand. */
import { STAGE, type Stage } from '../../module/attempt.js';
import { NO_CAPABILITIES, readCapabilities } from './capabilities.js';
import { AuthExchange } from './log-in.js';
import type { ClientSession } from './session.js';
import { WORDS } from './words.js';
import { formatXclient } from './xclient.js';

type Step = 'connect' | 'banner' | 'ehlo' | 'helo' | 'starttls' | 'handshake' | 'auth' | 'xclient';

const STAGES: Readonly<Record<Step, Stage>> = {
  connect: STAGE.notConnected,
  banner: STAGE.readingBanner,
  ehlo: STAGE.duringEhlo,
  helo: STAGE.duringEhlo,
  starttls: STAGE.duringStartTls,
  handshake: STAGE.tlsHandshake,
  auth: STAGE.afterEhlo,
  xclient: STAGE.duringXclient,
};

const SILENCES: Readonly<Record<Step, string>> = {
  connect: WORDS.connectTimeout,
  banner: WORDS.noBanner,
  ehlo: WORDS.noEhlo,
  helo: WORDS.noEhlo,
  starttls: WORDS.noGoAhead,
  handshake: WORDS.tlsFailed,
  auth: WORDS.noAuth,
  xclient: WORDS.noXclient,
};

/** A name that a client gave and that may stand in our command as it is. */
const SAYABLE = /^[!-~]{1,255}$/;

export class Greeting {
  readonly #session: ClientSession;
  #step: Step = 'connect';
  /** XCLIENT commands that are still to be said. */
  #introductions: readonly string[] = [];
  #auth: AuthExchange | undefined;

  constructor(session: ClientSession) {
    this.#session = session;
  }

  get stage(): Stage {
    return STAGES[this.#step];
  }

  /** What is said when the server is silent now. */
  get silence(): string {
    return SILENCES[this.#step];
  }

  opened(): void {
    this.#await('banner');
  }

  secured(): void {
    this.#session.can = NO_CAPABILITIES;
    this.#sayEhlo();
  }

  answered(code: number): void {
    switch (this.#step) {
      case 'banner':
        if (code === 220) {
          this.#sayEhlo();
          return;
        }
        this.#refuse(code, STAGE.readingBanner);
        return;
      case 'ehlo':
        if (code === 250) {
          this.#learn();
          return;
        }
        // RFC 5321 3.2: a server that does not know EHLO is asked with HELO. 421 is the end of the session, not an opinion on EHLO.
        if (code >= 500 && !this.#session.terms.lmtp) {
          this.#say(`HELO ${this.#name}\r\n`, 'helo');
          return;
        }
        this.#refuse(code, STAGE.afterEhlo);
        return;
      case 'helo':
        if (code === 250) {
          this.#decide();
          return;
        }
        this.#refuse(code, STAGE.afterEhlo);
        return;
      case 'starttls':
        this.#goAhead(code);
        return;
      case 'auth':
        this.#auth?.answered(code);
        return;
      case 'xclient':
        this.#afterXclient(code);
        return;
      default:
        this.#session.wire.accuse('reply before its command');
        return;
    }
  }

  #sayEhlo(): void {
    this.#say(`${this.#session.terms.lmtp ? 'LHLO' : 'EHLO'} ${this.#name}\r\n`, 'ehlo');
  }

  /** Introduced as the client we speak as the client: servers take this name for its own, whatever HELO= said (XCLIENT_README). */
  get #name(): string {
    const { isIntroduced, terms } = this.#session;
    const theirs = isIntroduced ? terms.origin?.helo : undefined;
    return theirs !== undefined && SAYABLE.test(theirs) ? theirs : terms.helo;
  }

  #learn(): void {
    this.#session.can = readCapabilities(this.#session.wire.texts());
    this.#decide();
  }

  /** TLS, or mail. */
  #decide(): void {
    const session = this.#session;
    const { terms, can, wire } = session;
    if (wire.isEncrypted || terms.tls === 'no' || session.isIntroduced) {
      this.#logIn();
      return;
    }
    if (can.startTls) {
      this.#say('STARTTLS\r\n', 'starttls');
      return;
    }
    if (terms.tls === 'required') {
      this.#fail(WORDS.tlsMissing, STAGE.afterEhlo, 'STARTTLS not offered');
      return;
    }
    this.#logIn();
  }

  #goAhead(code: number): void {
    const session = this.#session;
    const { terms, wire } = session;
    if (code === 220) {
      this.#await('handshake');
      wire.secure(terms);
      return;
    }
    if (terms.tls === 'ifavailable' && terms.tlsFallback && code >= 400 && code !== 421) {
      this.#logIn();
      return;
    }
    this.#fail(code === 421 ? wire.oneLine() : WORDS.noGoAhead, STAGE.afterStartTls, wire.oneLine());
  }

  /** In the session that mail will flow in: behind TLS, and before a server that takes XCLIENT forgets who we are. */
  #logIn(): void {
    const { terms, isIntroduced } = this.#session;
    if (!terms.login || isIntroduced) {
      this.#introduce();
      return;
    }
    this.#step = 'auth';
    this.#auth = new AuthExchange(this.#session, terms.login, () => this.#introduce());
    this.#auth.begin();
  }

  /** Behind TLS, where there is any: who brought the mail is nobody else's business. */
  #introduce(): void {
    const { terms, can, isIntroduced } = this.#session;
    if (isIntroduced || terms.xclient === 'no' || !terms.origin) {
      this.#finish();
      return;
    }
    const [first, ...others] = can.xclient ? formatXclient(terms.origin, can.xclient) : [];
    if (first !== undefined) {
      this.#introductions = others;
      this.#say(first, 'xclient');
      return;
    }
    if (terms.xclient === 'required') this.#fail(WORDS.xclientMissing, STAGE.afterEhlo, 'XCLIENT not offered');
    else this.#finish();
  }

  #afterXclient(code: number): void {
    const session = this.#session;
    const { terms, wire } = session;
    if (code < 300) {
      session.isIntroduced = true;
      const [next, ...others] = this.#introductions;
      this.#introductions = others;
      if (next !== undefined) {
        this.#say(next, 'xclient');
        return;
      }
      // The server begins anew: its 220 was the banner of the session it now has with the client.
      session.can = NO_CAPABILITIES;
      this.#sayEhlo();
      return;
    }
    // Half an introduction would be a false one.
    if (code >= 400 && code !== 421 && terms.xclient === 'ifavailable' && !session.isIntroduced) {
      this.#finish();
      return;
    }
    if (code < 400) wire.accuse(`${code} to XCLIENT`);
    else this.#fail(code === 421 ? wire.oneLine() : WORDS.xclientFailed, STAGE.afterXclient, wire.oneLine());
  }

  #finish(): void {
    if (this.#session.wire.hasUnread) {
      this.#session.wire.accuse('reply before its command');
      return;
    }
    this.#session.welcome();
  }

  #say(line: string, step: Step): void {
    if (this.#session.wire.hasUnread) {
      this.#session.wire.accuse('reply before its command');
      return;
    }
    this.#session.wire.say(line);
    this.#await(step);
  }

  #await(step: Step): void {
    this.#step = step;
    this.#session.wire.expect(this.#session.terms.timeouts.ehloMs);
  }

  /** The server does not want us; what it says decides about the mail. */
  #refuse(code: number, stage: Stage): void {
    const { wire } = this.#session;
    if (code < 400) {
      wire.accuse(`${code} where it cannot stand`);
      return;
    }
    this.#fail(wire.oneLine(), stage, wire.oneLine());
  }

  #fail(reply: string, stage: Stage, detail: string): void {
    this.#session.fail({ kind: 'refused', reply, stage, detail });
  }
}
