/**
 * What a transient failure means: try again and when, or give up and with which words. Pure.
 * The first attempt is at age 0; the n-th failure waits min(interval × 2^(n−1), cap) seconds.
 */

/** What decides about one mail. Seconds. */
export interface RetryRules {
  readonly neverRetry: boolean;
  readonly expirationSeconds: number;
  readonly intervalSeconds: number;
  /** Cap of one back-off step. */
  readonly maxIntervalSeconds: number;
  readonly retries: number | 'auto' | 'none';
}

/** Words of a failure; log parsers know them. */
export const TOO_MANY = '554 5.4.7 [internal] exceeded max retries without delivery';
export const TOO_OLD = '554 5.4.7 [internal] exceeded max time without delivery';
export const TOO_LATE = '554 5.4.7 [internal] delivery time expired';
export const NOT_ATTEMPTED = '554 5.4.5 [internal] Delivery not attempted (message expired)';

/** Shortest wait between two attempts: an interval of 0 must not become a loop. Seconds. */
export const LEAST_DELAY_SECONDS = 1;

/** `attempts` counts the failure that was just judged. */
export type Judgement =
  | { readonly again: true; readonly attempts: number; readonly delaySeconds: number }
  | { readonly again: false; readonly attempts: number; readonly reply: string };

/**
 * Judges a transient failure of a mail that had `attempts` of them before and is `ageSeconds` old.
 * `expiryRests`: the wall clock was just stepped, so no age is believed.
 */
export function judge(rules: RetryRules, attempts: number, ageSeconds: number, expiryRests: boolean): Judgement {
  const n = attempts + 1;
  if (rules.neverRetry) return { again: false, attempts: n, reply: TOO_MANY };
  if (hasExpired(rules, ageSeconds, expiryRests)) return { again: false, attempts: n, reply: TOO_OLD };
  const limit = rules.retries === 'auto' ? countAutoRetries(rules) : rules.retries;
  if (limit !== 'none' && n > limit) return { again: false, attempts: n, reply: TOO_MANY };
  return { again: true, attempts: n, delaySeconds: backOff(rules, n) };
}

/** The mail has been with us for message_expiration seconds or more. */
export const hasExpired = (rules: Pick<RetryRules, 'expirationSeconds'>, ageSeconds: number, expiryRests: boolean): boolean =>
  !expiryRests && ageSeconds >= rules.expirationSeconds;

/** Wait after the n-th failure, in seconds; n counts from 1. */
export function backOff(rules: Pick<RetryRules, 'intervalSeconds' | 'maxIntervalSeconds'>, n: number): number {
  // 2^1023 is the largest power a double holds; the cap is far below it.
  const step = rules.intervalSeconds * 2 ** Math.min(n - 1, 1000);
  return Math.max(LEAST_DELAY_SECONDS, Math.min(step, rules.maxIntervalSeconds));
}

/** `auto`: the largest count of retries whose waits together fit into message_expiration, capped steps counted. */
export function countAutoRetries(rules: RetryRules): number {
  let left = rules.expirationSeconds;
  let count = 0;
  for (;;) {
    const step = backOff(rules, count + 1);
    if (step > left) return count;
    if (step === backOff(rules, count + 2)) return count + Math.floor(left / step);
    left -= step;
    count++;
  }
}
