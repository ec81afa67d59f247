import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backOff, countAutoRetries, judge, type RetryRules, TOO_MANY, TOO_OLD } from './retry.js';

const rules = (over: Partial<RetryRules> = {}): RetryRules => ({
  neverRetry: false,
  expirationSeconds: 86_400,
  intervalSeconds: 1200,
  maxIntervalSeconds: 43_200,
  retries: 'none',
  ...over,
});

/** Lives through a mail that is always deferred; answers its end and the number of attempts. */
function live(r: RetryRules): { seconds: number; tries: number; reply: string } {
  let seconds = 0;
  let attempts = 0;
  for (let tries = 1; ; tries++) {
    const judged = judge(r, attempts, seconds, false);
    if (!judged.again) return { seconds, tries, reply: judged.reply };
    attempts = judged.attempts;
    seconds += judged.delaySeconds;
  }
}

describe('retry', () => {
  it('fails the first time with never_retry', () => {
    expect(judge(rules({ neverRetry: true }), 0, 0, false)).toEqual({ again: false, attempts: 1, reply: TOO_MANY });
  });

  it('dies at 6000 s with 1200/1200/5 and at 37200 s without cap', () => {
    expect(live(rules({ maxIntervalSeconds: 1200, retries: 5 }))).toEqual({ seconds: 6000, tries: 6, reply: TOO_MANY });
    expect(live(rules({ maxIntervalSeconds: 1e9, retries: 5 }))).toEqual({ seconds: 37_200, tries: 6, reply: TOO_MANY });
  });

  it('derives auto from the expiration: 6 retries for a day, 18 for a week', () => {
    expect(countAutoRetries(rules())).toBe(6);
    expect(countAutoRetries(rules({ expirationSeconds: 604_800 }))).toBe(18);
    expect(live(rules({ retries: 'auto' }))).toEqual({ seconds: 75_600, tries: 7, reply: TOO_MANY });
  });

  it('with none only age ends it, at the attempt after the expiration', () => {
    expect(live(rules())).toEqual({ seconds: 118_800, tries: 8, reply: TOO_OLD });
  });

  it('age wins over the count', () => {
    expect(judge(rules({ retries: 0 }), 0, 86_400, false)).toMatchObject({ reply: TOO_OLD });
    expect(judge(rules({ retries: 0 }), 0, 86_399, false)).toMatchObject({ reply: TOO_MANY });
  });

  it('believes no age while expiry rests', () => {
    expect(judge(rules(), 0, 1e9, true)).toEqual({ again: true, attempts: 1, delaySeconds: 1200 });
  });

  it('never waits less than a second nor more than the cap', () => {
    expect(backOff({ intervalSeconds: 0, maxIntervalSeconds: 0 }, 5)).toBe(1);
    expect(backOff({ intervalSeconds: 1200, maxIntervalSeconds: 43_200 }, 60_000)).toBe(43_200);
  });

  it('auto agrees with adding up the steps', () => {
    fc.assert(
      fc.property(fc.nat(5000), fc.nat(5000), fc.nat(200_000), (intervalSeconds, maxIntervalSeconds, expirationSeconds) => {
        const r = rules({ intervalSeconds, maxIntervalSeconds, expirationSeconds });
        let sum = 0;
        let k = 0;
        while ((sum += backOff(r, k + 1)) <= expirationSeconds) k++;
        expect(countAutoRetries(r)).toBe(k);
      }),
    );
  });
});
