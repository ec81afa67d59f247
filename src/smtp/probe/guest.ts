/** A call as its visitor sees it, for as long as the visit lasts. */
import type { Reply } from '../../mail/reply.js';
import type { Login } from '../../module/login.js';
import type { ProbeVisit } from '../../module/probe.js';
import type { TlsFacts } from '../../module/session.js';
import type { Call } from './call.js';

export class Guest implements ProbeVisit {
  readonly #call: Call;
  #isOver = false;

  constructor(call: Call) {
    this.#call = call;
  }

  get ip(): string {
    return this.#call.terms.hop.ip;
  }

  get keywords(): ReadonlyMap<string, string> {
    return this.#call.keywords;
  }

  get tls(): TlsFacts | undefined {
    return this.#call.tls;
  }

  say(line: string): Promise<Reply> {
    return this.#isOver ? refuseGuest() : this.#call.say(line);
  }

  logIn(login: Login): Promise<Reply> {
    return this.#isOver ? refuseGuest() : this.#call.logIn(login);
  }

  /** The connection is somebody else's from now on. */
  end(): void {
    this.#isOver = true;
  }
}

const refuseGuest = (): Promise<never> => Promise.reject(new Error('the visit is over'));
