/** LOGIN, which no RFC describes: user and password, each asked for. */
import { challenge, failed, LONGEST_SECRET, type Mechanism, type Step, type Store, settle } from './mechanism.js';
import { decodeUtf8, isUserName } from './text.js';

export class Login implements Mechanism {
  readonly name = 'LOGIN';
  readonly #store: Store;
  #user: string | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  async step(said: Buffer | undefined): Promise<Step> {
    if (said === undefined) return challenge('Username:');
    const text = decodeUtf8(said);
    if (this.#user === undefined) {
      if (text === undefined || !isUserName(text)) return failed('malformed');
      this.#user = text;
      return challenge('Password:');
    }
    if (text === undefined || text === '' || text.length > LONGEST_SECRET) return failed('malformed', this.#user);
    return settle(await this.#store.check(this.#user, text), this.#user);
  }
}
