/** What every SASL mechanism is: a state machine without clock, network or memory of its own (RFC 4422). */

/** What the check of a password, or of whatever stands for one, came to. `error`: it could not be checked. */
export type Check = 'ok' | 'no' | 'error';

/** What a store keeps of a user's secret. */
export type Secret =
  | { readonly kind: 'clear'; readonly password: string }
  /** MD5 of `user:realm:password` (RFC 2831 2.1.2.1, htdigest), 16 octets. */
  | { readonly kind: 'digest'; readonly realm: string; readonly hash: Buffer };

/** Where secrets are, as one attempt sees it. */
export interface Store {
  /** The secret of a user; `none` when there is no such user or it has none that could be shown. */
  secret(user: string): Promise<Secret | 'none' | 'error'>;
  /** Checks a password or an access token. */
  check(user: string, secret: string): Promise<Check>;
}

/** The attempt is over and succeeded. */
export interface Done {
  readonly kind: 'done';
  readonly user: string;
}

/** The attempt is over. `malformed`: what the client sent is not what the mechanism prescribes. */
export interface Failed {
  readonly kind: 'failed';
  readonly why: 'refused' | 'malformed' | 'error';
  /** As claimed; empty when it never came to that. */
  readonly user: string;
}

/** The client is asked. */
export interface Challenge {
  readonly kind: 'challenge';
  readonly bytes: Buffer;
  /** The attempt has failed already and the client is only told why (RFC 7628 3.2.3): whatever it answers, this is the end. */
  readonly failed?: Failed;
}

export type Step = Challenge | Done | Failed;

/** One attempt. Never used again for another. */
export interface Mechanism {
  readonly name: string;
  /** Takes what the client said; undefined at the start when it said nothing yet. Never rejects unless the store does. */
  step(said: Buffer | undefined): Step | Promise<Step>;
}

/** Longest user name and longest password or token, in octets. */
export const LONGEST_NAME = 512;
export const LONGEST_SECRET = 8192;

export const challenge = (text: string): Challenge => ({ kind: 'challenge', bytes: Buffer.from(text, 'utf8') });

/** Ends an attempt with a failure. */
export const failed = (why: Failed['why'], user = ''): Failed => ({ kind: 'failed', why, user });

/** What a check of the store means for the attempt. */
export function settle(check: Check, user: string): Done | Failed {
  if (check === 'ok') return { kind: 'done', user };
  return failed(check === 'no' ? 'refused' : 'error', user);
}
