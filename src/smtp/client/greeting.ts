/** The beginning of a session: banner, EHLO (HELO once when it is refused), STARTTLS as the terms demand. */
import { STAGE, type Stage } from '../../module/attempt.js';
import { NO_CAPABILITIES, readCapabilities } from './capabilities.js';
import type { ClientSession } from './session.js';
import { WORDS } from './words.js';

type Step = 'connect' | 'banner' | 'ehlo' | 'helo' | 'starttls' | 'handshake';

const STAGES: Readonly<Record<Step, Stage>> = {
  connect: STAGE.notConnected,
  banner: STAGE.readingBanner,
  ehlo: STAGE.duringEhlo,
  helo: STAGE.duringEhlo,
  starttls: STAGE.duringStartTls,
  handshake: STAGE.tlsHandshake,
};

const SILENCES: Readonly<Record<Step, string>> = {
  connect: WORDS.connectTimeout,
  banner: WORDS.noBanner,
  ehlo: WORDS.noEhlo,
  helo: WORDS.noEhlo,
  starttls: WORDS.noGoAhead,
  handshake: WORDS.tlsFailed,
};

export class Greeting {
  readonly #session: ClientSession;
  #step: Step = 'connect';

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
          this.#say(`HELO ${this.#session.terms.helo}\r\n`, 'helo');
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
      default:
        this.#session.wire.accuse('reply before its command');
        return;
    }
  }

  #sayEhlo(): void {
    const { lmtp, helo } = this.#session.terms;
    this.#say(`${lmtp ? 'LHLO' : 'EHLO'} ${helo}\r\n`, 'ehlo');
  }

  #learn(): void {
    this.#session.can = readCapabilities(this.#session.wire.texts());
    this.#decide();
  }

  /** TLS, or mail. */
  #decide(): void {
    const session = this.#session;
    const { terms, can, wire } = session;
    if (wire.isEncrypted || terms.tls === 'no') {
      this.#finish();
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
    this.#finish();
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
      this.#finish();
      return;
    }
    this.#fail(code === 421 ? wire.oneLine() : WORDS.noGoAhead, STAGE.afterStartTls, wire.oneLine());
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
