/** CRAM-MD5 (RFC 2195): the client proves by an HMAC that it knows the secret. */
import { createHmac } from 'node:crypto';
import { challenge, failed, type Mechanism, type Step, type Store, settle } from './mechanism.js';
import { decodeUtf8, equalSecrets, isUserName } from './text.js';

const ANSWER = /^(.+) ([0-9a-f]{32})$/is;

export class CramMd5 implements Mechanism {
  readonly name = 'CRAM-MD5';
  readonly #store: Store;
  readonly #token: string;
  #asked = false;

  /** `token` is never used twice; it comes in the form of a message id, `<…@host>`. */
  constructor(store: Store, token: string) {
    this.#store = store;
    this.#token = token;
  }

  async step(said: Buffer | undefined): Promise<Step> {
    if (!this.#asked) {
      if (said !== undefined) return failed('malformed');
      this.#asked = true;
      return challenge(this.#token);
    }
    const [, user = '', digest = ''] = ANSWER.exec(decodeUtf8(said ?? Buffer.alloc(0)) ?? '') ?? [];
    if (!isUserName(user)) return failed('malformed');
    const secret = await this.#store.secret(user);
    if (secret === 'error') return failed('error', user);
    // Who is unknown takes as long as who is not.
    const known = secret !== 'none' && secret.kind === 'clear';
    const wanted = createHmac('md5', known ? secret.password : this.#token)
      .update(this.#token)
      .digest('hex');
    return settle(equalSecrets(digest.toLowerCase(), wanted) && known ? 'ok' : 'no', user);
  }
}
