/** The stores that a `uri` names: files of passwords, files of digests, and verifiers that modules offer. */
import type { Clock } from '../kernel/clock.js';
import type { AuthScheme } from '../module/io.js';
import type { Session } from '../module/session.js';
import { hashOfUser } from '../smtp/sasl/digest-md5.js';
import type { Check, Secret, Store } from '../smtp/sasl/mechanism.js';
import { equalSecrets, isPassword } from '../smtp/sasl/text.js';
import { type PasswordFiles, parseDigests, parsePasswords } from './auth-files.js';

/** The value of an Auth…Parameters option. */
export type Parameters = Readonly<Record<string, string>>;

/** `none`: there is no store of that name. */
export type StoreKind = 'file' | 'digest' | 'module' | 'none';

const URI = /^([a-z][a-z0-9+._-]*):\/\/(.*)$/is;

/** What a `uri` names. */
export interface Whereabouts {
  readonly scheme: string;
  readonly path: string;
}

/** Scheme and path of a `uri`; file:////x and file:///x are both /x. Undefined when it is none. */
export function readUri(uri: string | undefined): Whereabouts | undefined {
  const [, scheme, path = ''] = URI.exec(uri ?? '') ?? [];
  return scheme === undefined ? undefined : { scheme: scheme.toLowerCase(), path: path.replace(/^\/+/, '/') };
}

/** Which kind of store stands behind a scheme. */
export function kindOf(address: Whereabouts | undefined, offered: (scheme: string) => unknown): StoreKind {
  if (!address) return 'none';
  if (address.scheme === 'file' || address.scheme === 'digest') return address.path === '' ? 'none' : address.scheme;
  return offered(address.scheme) === undefined ? 'none' : 'module';
}

const isOff = (text: string | undefined): boolean => text !== undefined && /^(?:false|no|off|0)$/i.test(text.trim());

/** Compared with when a user is unknown, so that the answer takes as long. */
const NOBODY = 'no password has this octet: \0';

/** `user:password` lines. With `stored_cleartext = false` they hold MD5 of user:realm:password instead. */
export function openPasswordFile(files: PasswordFiles, path: string, parameters: Parameters, realm: string): Store {
  const isHashed = isOff(parameters.stored_cleartext);
  const find = async (user: string): Promise<Secret | 'none'> => {
    const kept = (await files.entries(path, parsePasswords)).get(user);
    if (kept === undefined) return 'none';
    return isHashed ? digestOf(kept, realm) : { kind: 'clear', password: kept };
  };
  return storeOver(find, realm);
}

/** htdigest lines. */
export function openDigestFile(files: PasswordFiles, path: string, realm: string): Store {
  return storeOver(async (user) => {
    const kept = (await files.entries(path, parseDigests)).get(`${user}:${realm}`);
    return kept === undefined ? 'none' : digestOf(kept, realm);
  }, realm);
}

const digestOf = (hex: string, realm: string): Secret | 'none' =>
  /^[0-9a-f]{32}$/i.test(hex) ? { kind: 'digest', realm, hash: Buffer.from(hex, 'hex') } : 'none';

function storeOver(find: (user: string) => Promise<Secret | 'none'>, realm: string): Store {
  const secret = (user: string): Promise<Secret | 'none' | 'error'> => find(user).catch(() => 'error' as const);
  return {
    secret,
    check: async (user, password) => {
      const kept = await secret(user);
      if (kept === 'error') return 'error';
      const isKnown = kept !== 'none';
      const same =
        isKnown && kept.kind === 'digest'
          ? equalSecrets(hashOfUser(user, realm, password), kept.hash)
          : isPassword(password, isKnown && kept.kind === 'clear' ? kept.password : NOBODY);
      return same && isKnown ? 'ok' : 'no';
    },
  };
}

/** A module's verifier. It never shows secrets, so only mechanisms that bring one can use it. After `limitMs` it is in trouble. */
export function openScheme(
  scheme: AuthScheme,
  session: Session,
  clock: Pick<Clock, 'after'>,
  limitMs: number,
  failed: (error: unknown) => void,
): Store {
  return {
    secret: async () => 'error',
    check: async (user, secret): Promise<Check> => {
      const ending = new AbortController();
      let late: () => void = () => {};
      const lateness = new Promise<never>((_, fail) => {
        late = () => fail(new Error('no answer in time'));
      });
      const timer = clock.after(limitMs, () => late());
      session.signal.addEventListener('abort', late, { once: true });
      try {
        const said = await Promise.race([scheme.verify(user, secret, session, ending.signal), lateness]);
        return said === 'ok' || said === 'no' ? said : 'error';
      } catch (error) {
        // Who leaves is no trouble of the verifier.
        if (!session.signal.aborted) failed(error);
        return 'error';
      } finally {
        timer.cancel();
        session.signal.removeEventListener('abort', late);
        ending.abort();
      }
    },
  };
}
