/** The client's side of the SASL mechanisms that a next hop may ask for (RFC 4616, 2195, 7677, and Google's XOAUTH2). */
import { createHash, createHmac, pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import { decodeUtf8, equalSecrets, prepare } from './text.js';

/** Mechanisms we can speak, the strongest first. */
export const CLAIMS = ['SCRAM-SHA-256', 'CRAM-MD5', 'PLAIN', 'LOGIN', 'XOAUTH2'] as const;
export type Claim = (typeof CLAIMS)[number];

/** Mechanisms that show the secret to whoever reads along. */
export const SHOWS_SECRET: ReadonlySet<Claim> = new Set(['PLAIN', 'LOGIN', 'XOAUTH2']);

export interface Credentials {
  readonly user: string;
  /** Password; with XOAUTH2 the access token. */
  readonly secret: string;
}

/** One attempt. */
export interface Claimant {
  readonly name: Claim;
  /** What is said with AUTH itself; undefined waits for the server. */
  readonly initial: Buffer | undefined;
  /** The server has proven itself as far as the mechanism asks it to: a success before that is none. */
  readonly proven: boolean;
  /** Answers a challenge; undefined gives the attempt up (`*`), because the server is not what it should be. */
  respond(challenge: Buffer): Buffer | undefined | Promise<Buffer | undefined>;
}

/** Most rounds of PBKDF2 that a server may ask of us: a million cost half a second. */
const MOST_ITERATIONS = 1_000_000;
const NUL = '\0';

const derive = promisify(pbkdf2);
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const utf8 = (text: string): Buffer => Buffer.from(text, 'utf8');

/** Begins an attempt. `nonce`: printable, without comma, never used twice; only SCRAM needs it. */
export function claim(name: Claim, credentials: Credentials, nonce: () => string): Claimant {
  const { user, secret } = credentials;
  if (name === 'PLAIN') return { name, initial: utf8(`${NUL}${user}${NUL}${secret}`), proven: true, respond: () => undefined };
  if (name === 'LOGIN') return new Login(credentials);
  if (name === 'CRAM-MD5') {
    const respond = (challenge: Buffer): Buffer => utf8(`${user} ${createHmac('md5', secret).update(challenge).digest('hex')}`);
    return { name, initial: undefined, proven: true, respond };
  }
  // The server says in a challenge why it refuses, and waits for an empty answer before its 535.
  if (name === 'XOAUTH2') {
    return { name, initial: utf8(`user=${user}\x01auth=Bearer ${secret}\x01\x01`), proven: true, respond: () => Buffer.alloc(0) };
  }
  return new Scram(credentials, nonce());
}

/** The server asks for the name, then for the password, in words nobody agrees on: only the order counts. */
class Login implements Claimant {
  readonly name = 'LOGIN';
  readonly initial = undefined;
  readonly proven = true;
  readonly #answers: string[];

  constructor({ user, secret }: Credentials) {
    this.#answers = [user, secret];
  }

  respond(): Buffer | undefined {
    const answer = this.#answers.shift();
    return answer === undefined ? undefined : utf8(answer);
  }
}

const SERVER_FIRST = /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/=]+),i=(\d{1,9})(?:,|$)/;

/** RFC 5802 3: the server must prove itself too, or the attempt counts as failed. */
class Scram implements Claimant {
  readonly name = 'SCRAM-SHA-256';
  readonly initial: Buffer;
  readonly #bare: string;
  readonly #nonce: string;
  readonly #secret: string;
  #expected: Buffer | undefined;
  #proven = false;

  constructor({ user, secret }: Credentials, nonce: string) {
    const name = (prepare(user) ?? user).replaceAll('=', '=3D').replaceAll(',', '=2C');
    this.#bare = `n=${name},r=${nonce}`;
    this.#nonce = nonce;
    this.#secret = prepare(secret) ?? secret;
    this.initial = utf8(`n,,${this.#bare}`);
  }

  get proven(): boolean {
    return this.#proven;
  }

  async respond(challenge: Buffer): Promise<Buffer | undefined> {
    const text = decodeUtf8(challenge) ?? '';
    if (this.#expected) {
      const proof = Buffer.from(/^v=([A-Za-z0-9+/=]+)$/.exec(text)?.[1] ?? '', 'base64');
      this.#proven = equalSecrets(proof, this.#expected);
      return this.#proven ? Buffer.alloc(0) : undefined;
    }
    const [, nonce = '', salt = '', rounds = '0'] = SERVER_FIRST.exec(text) ?? [];
    const iterations = Number(rounds);
    if (!nonce.startsWith(this.#nonce) || nonce === this.#nonce || iterations < 1 || iterations > MOST_ITERATIONS) return undefined;
    const salted = await derive(this.#secret, Buffer.from(salt, 'base64'), iterations, 32, 'sha256');
    const final = `c=biws,r=${nonce}`;
    const message = `${this.#bare},${text},${final}`;
    const clientKey = hmac(salted, 'Client Key');
    const signature = hmac(createHash('sha256').update(clientKey).digest(), message);
    this.#expected = hmac(hmac(salted, 'Server Key'), message);
    return utf8(`${final},p=${Buffer.from(clientKey.map((octet, i) => octet ^ (signature[i] ?? 0))).toString('base64')}`);
  }
}
