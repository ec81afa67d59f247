/** OAUTHBEARER (RFC 7628) and XOAUTH2: an access token, checked by a verifier that knows who issued it. */
import { challenge, failed, LONGEST_SECRET, type Mechanism, type Step, type Store, settle } from './mechanism.js';
import { decodeUtf8, isUserName } from './text.js';

const SEPARATOR = '\x01';
const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;
const GS2 = /^n,(?:a=([^,]*))?,$/;

interface Claim {
  readonly user: string;
  readonly token: string;
}

export class OAuth implements Mechanism {
  readonly name: 'OAUTHBEARER' | 'XOAUTH2';
  readonly #store: Store;

  constructor(name: 'OAUTHBEARER' | 'XOAUTH2', store: Store) {
    this.name = name;
    this.#store = store;
  }

  async step(said: Buffer | undefined): Promise<Step> {
    if (said === undefined) return challenge('');
    const text = decodeUtf8(said);
    const claim = text === undefined ? undefined : this.name === 'XOAUTH2' ? readGoogle(text) : readBearer(text);
    if (!claim || !isUserName(claim.user) || claim.token.length > LONGEST_SECRET) return failed('malformed');
    const end = settle(await this.#store.check(claim.user, claim.token), claim.user);
    if (end.kind === 'done' || end.why === 'error') return end;
    const told = this.name === 'XOAUTH2' ? { status: '401', schemes: 'bearer' } : { status: 'invalid_token' };
    return { kind: 'challenge', bytes: Buffer.from(JSON.stringify(told)), failed: end };
  }
}

/** `user=… ^A auth=Bearer … ^A ^A` */
function readGoogle(text: string): Claim | undefined {
  const [user = '', auth = '', ...rest] = text.split(SEPARATOR);
  if (!user.startsWith('user=') || !auth.startsWith('auth=') || rest.length !== 2 || rest.join('') !== '') return undefined;
  return claimOf(user.slice(5), auth.slice(5));
}

/** GS2 header, then `key=value` pairs that each end with ^A, then one more ^A. */
function readBearer(text: string): Claim | undefined {
  const [header = '', ...pairs] = text.split(SEPARATOR);
  if (pairs.length < 3 || pairs.pop() !== '' || pairs.pop() !== '') return undefined;
  const user = readName(GS2.exec(header)?.[1]);
  const auth = pairs.filter((pair) => pair.startsWith('auth='));
  return user === undefined || auth.length !== 1 ? undefined : claimOf(user, (auth[0] ?? '').slice(5));
}

function claimOf(user: string, auth: string): Claim | undefined {
  const token = BEARER.exec(auth)?.[1];
  return token === undefined ? undefined : { user, token };
}

/** A name of RFC 5801: `=2C` is a comma, `=3D` an equals sign, nothing else is written with one. Undefined when it is wrong. */
export function readName(name: string | undefined): string | undefined {
  if (name === undefined || /=(?!2C|3D)/.test(name)) return undefined;
  return name.replace(/=2C/g, ',').replace(/=3D/g, '=');
}
