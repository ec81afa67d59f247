/** DIGEST-MD5 (RFC 2831) with qop=auth: obsolete, and still what some clients and appliances speak. */
import { createHash } from 'node:crypto';
import { challenge, failed, type Mechanism, type Secret, type Step, type Store } from './mechanism.js';
import { decodeUtf8, equalSecrets, isUserName } from './text.js';

/** RFC 2831 2.1.2: longest answer of a client. */
const LONGEST_ANSWER = 4096;
const PAIR = /[ \t\r\n,]*([A-Za-z0-9-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\[\s\S])*)"|([^\s,"]+))[ \t]*(?=,|$)/y;

const md5 = (...parts: readonly (string | Buffer)[]): Buffer => {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** Directives of an answer, names in lower case; undefined when it is malformed or names one twice. */
export function readDirectives(text: string): Map<string, string> | undefined {
  const found = new Map<string, string>();
  PAIR.lastIndex = 0;
  let at = 0;
  while (at < text.length) {
    PAIR.lastIndex = at;
    const pair = PAIR.exec(text);
    if (!pair) return /^[\s,]*$/.test(text.slice(at)) && at > 0 ? found : undefined;
    const name = (pair[1] ?? '').toLowerCase();
    if (found.has(name)) return undefined;
    found.set(name, pair[2]?.replace(/\\([\s\S])/g, '$1') ?? pair[3] ?? '');
    at = PAIR.lastIndex;
  }
  return found;
}

const LATIN1 = /^[\x00-\xff]*$/;

/** H(user:realm:password): in ISO 8859-1 as long as that can write it (RFC 2831 2.1.2.1). */
export function hashOfUser(user: string, realm: string, password: string): Buffer {
  const octets = (text: string): Buffer => Buffer.from(text, LATIN1.test(text) ? 'latin1' : 'utf8');
  return md5(octets(user), ':', octets(realm), ':', octets(password));
}

/** The proof of one side; `method` is AUTHENTICATE for the client and empty for the server. */
export function proofOf(
  hash: Buffer,
  method: string,
  { nonce, cnonce, uri, actsAs }: { readonly nonce: string; readonly cnonce: string; readonly uri: string; readonly actsAs: string },
): string {
  const first = md5(hash, `:${nonce}:${cnonce}${actsAs === '' ? '' : `:${actsAs}`}`).toString('hex');
  const second = md5(`${method}:${uri}`).toString('hex');
  return md5(`${first}:${nonce}:00000001:${cnonce}:auth:${second}`).toString('hex');
}

const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

export class DigestMd5 implements Mechanism {
  readonly name = 'DIGEST-MD5';
  readonly #store: Store;
  readonly #realm: string;
  readonly #nonce: string;
  readonly #services: readonly string[];
  #asked = false;
  #user: string | undefined;

  /** `nonce` is never used twice; `services` are the names of ours that a client may have meant to speak to. */
  constructor(store: Store, realm: string, nonce: string, services: readonly string[] = ['smtp', 'lmtp']) {
    this.#store = store;
    this.#realm = realm;
    this.#nonce = nonce;
    this.#services = services;
  }

  async step(said: Buffer | undefined): Promise<Step> {
    if (!this.#asked) {
      if (said !== undefined) return failed('malformed');
      this.#asked = true;
      return challenge(`realm=${quote(this.#realm)},nonce="${this.#nonce}",qop="auth",charset=utf-8,algorithm=md5-sess`);
    }
    if (this.#user !== undefined) return { kind: 'done', user: this.#user };
    return this.#judge(said ?? Buffer.alloc(0));
  }

  async #judge(said: Buffer): Promise<Step> {
    // Latin-1 keeps every octet; what the client calls UTF-8 is decoded below.
    const answer = said.length > LONGEST_ANSWER ? undefined : readDirectives(said.toString('latin1'));
    if (!answer) return failed('malformed');
    const isUtf8 = answer.get('charset')?.toLowerCase() === 'utf-8';
    const textOf = (name: string): string => {
      const value = answer.get(name) ?? '';
      return isUtf8 ? (decodeUtf8(Buffer.from(value, 'latin1')) ?? '') : value;
    };
    const user = textOf('username');
    const cnonce = answer.get('cnonce') ?? '';
    const uri = answer.get('digest-uri') ?? '';
    const qop = answer.get('qop') ?? 'auth';
    if (!isUserName(user) || cnonce === '' || qop !== 'auth' || !this.#services.includes(uri.split('/', 1)[0]?.toLowerCase() ?? ''))
      return failed('malformed');
    if (answer.get('nonce') !== this.#nonce || answer.get('nc') !== '00000001') return failed('refused', user);
    const actsAs = textOf('authzid');
    if (textOf('realm') !== this.#realm || (actsAs !== '' && actsAs !== user)) return failed('refused', user);
    const secret = await this.#store.secret(user);
    if (secret === 'error') return failed('error', user);
    const hash = this.#hashOf(secret, user);
    // Who is unknown takes as long as who is not.
    const facts = { nonce: this.#nonce, cnonce, uri, actsAs: answer.get('authzid') ?? '' };
    const wanted = proofOf(hash ?? md5(this.#nonce), 'AUTHENTICATE', facts);
    if (!equalSecrets(answer.get('response') ?? '', wanted) || !hash) return failed('refused', user);
    this.#user = user;
    return challenge(`rspauth=${proofOf(hash, '', facts)}`);
  }

  #hashOf(secret: Secret | 'none' | 'error', user: string): Buffer | undefined {
    if (typeof secret === 'string') return undefined;
    if (secret.kind === 'clear') return hashOfUser(user, this.#realm, secret.password);
    return secret.realm === this.#realm ? secret.hash : undefined;
  }
}
