/** PLAIN (RFC 4616): identity to act as, user and password in one message. */
import { challenge, failed, LONGEST_SECRET, type Mechanism, type Step, type Store, settle } from './mechanism.js';
import { decodeUtf8, isUserName } from './text.js';

const NUL = '\0';

export class Plain implements Mechanism {
  readonly name = 'PLAIN';
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async step(said: Buffer | undefined): Promise<Step> {
    if (said === undefined) return challenge('');
    const parts = decodeUtf8(said)?.split(NUL);
    if (parts?.length !== 3) return failed('malformed');
    const [actsAs = '', user = '', password = ''] = parts;
    if (!isUserName(user) || password === '' || password.length > LONGEST_SECRET) return failed('malformed');
    // Nobody may act as somebody else: there is no list of who could.
    if (actsAs !== '' && actsAs !== user) return failed('refused', user);
    return settle(await this.#store.check(user, password), user);
  }
}
