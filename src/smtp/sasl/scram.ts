/** SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677): both sides prove that they know the password, and nobody sends it. */
import { createHash, createHmac, pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import { challenge, failed, type Mechanism, type Step, type Store } from './mechanism.js';
import { readName } from './oauth.js';
import { decodeUtf8, equalSecrets, isUserName, prepare } from './text.js';

/** RFC 7677 4: not less than this. */
export const ITERATIONS = 4096;

const derive = promisify(pbkdf2);
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const hash = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

const FIRST = /^(p=[A-Za-z0-9.-]+|[ny]),(?:a=([^,]*))?,(n=([^,]*),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?)$/s;
const FINAL = /^(c=([A-Za-z0-9+/=]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-ln-oq-z]=[^,]*)*),p=([A-Za-z0-9+/]{43}=)$/s;
const LONGEST_NONCE = 256;

export interface ScramParts {
  /** Our half of the nonce: printable, no comma, never used twice. */
  readonly nonce: string;
  /** The salt of a user: the same for the same user each time, whether the user exists or not. */
  saltOf(user: string): Buffer;
  readonly iterations?: number;
  /** Channel bindings of the connection by name (RFC 5929, RFC 9266); only for -PLUS. */
  readonly bindings?: ReadonlyMap<string, Buffer>;
  /** -PLUS was offered to the client, so that one that believes it was not has been deceived. */
  readonly offersPlus?: boolean;
}

interface Opening {
  readonly header: string;
  readonly bare: string;
  readonly user: string;
  readonly nonce: string;
  readonly server: string;
  readonly binding: Buffer;
}

export class Scram implements Mechanism {
  readonly name: 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS';
  readonly #store: Store;
  readonly #parts: ScramParts;
  #opening: Opening | undefined;
  #user: string | undefined;

  constructor(name: 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS', store: Store, parts: ScramParts) {
    this.name = name;
    this.#store = store;
    this.#parts = parts;
  }

  async step(said: Buffer | undefined): Promise<Step> {
    if (this.#user !== undefined) return { kind: 'done', user: this.#user };
    if (said === undefined) return challenge('');
    const text = decodeUtf8(said);
    if (text === undefined) return failed('malformed', this.#opening?.user);
    return this.#opening ? this.#finish(text, this.#opening) : this.#open(text);
  }

  #open(text: string): Step {
    const [, flag = '', actsAs, bare = '', name, nonce = ''] = FIRST.exec(text) ?? [];
    const user = prepare(readName(name) ?? '') ?? '';
    if (!isUserName(user) || nonce.length > LONGEST_NONCE) return failed('malformed');
    if (actsAs !== undefined && readName(actsAs) !== user) return failed('refused', user);
    const binding = this.#bindingOf(flag);
    if (!binding) return failed('refused', user);
    const header = text.slice(0, text.length - bare.length);
    const whole = nonce + this.#parts.nonce;
    const server = `r=${whole},s=${this.#parts.saltOf(user).toString('base64')},i=${this.#parts.iterations ?? ITERATIONS}`;
    this.#opening = { header, bare, user, nonce: whole, server, binding };
    return challenge(server);
  }

  /** The octets the channel is bound by, empty for none; undefined when the client's flag does not fit (RFC 5802 6). */
  #bindingOf(flag: string): Buffer | undefined {
    const { bindings, offersPlus } = this.#parts;
    if (this.name === 'SCRAM-SHA-256-PLUS') return flag.startsWith('p=') ? bindings?.get(flag.slice(2)) : undefined;
    if (flag === 'y' && offersPlus) return undefined;
    return flag === 'n' || flag === 'y' ? Buffer.alloc(0) : undefined;
  }

  async #finish(text: string, opening: Opening): Promise<Step> {
    const { user } = opening;
    const [, without = '', channel = '', nonce = '', proof = ''] = FINAL.exec(text) ?? [];
    if (without === '') return failed('malformed', user);
    const expected = Buffer.concat([Buffer.from(opening.header, 'utf8'), opening.binding]);
    if (nonce !== opening.nonce || !expected.equals(Buffer.from(channel, 'base64'))) return failed('refused', user);
    const secret = await this.#store.secret(user);
    if (secret === 'error') return failed('error', user);
    const known = secret !== 'none' && secret.kind === 'clear';
    // Who is unknown takes as long as who is not.
    const password = known ? (prepare(secret.password) ?? secret.password) : this.#parts.nonce;
    const salted = await derive(password, this.#parts.saltOf(user), this.#parts.iterations ?? ITERATIONS, 32, 'sha256');
    const message = `${opening.bare},${opening.server},${without}`;
    const storedKey = hash(hmac(salted, 'Client Key'));
    const clientKey = xor(Buffer.from(proof, 'base64'), hmac(storedKey, message));
    if (!equalSecrets(hash(clientKey), storedKey) || !known) return failed('refused', user);
    this.#user = user;
    return challenge(`v=${hmac(hmac(salted, 'Server Key'), message).toString('base64')}`);
  }
}

const xor = (a: Buffer, b: Buffer): Buffer => Buffer.from(a.map((octet, i) => octet ^ (b[i] ?? 0)));
