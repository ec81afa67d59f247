import { describe, expect, it } from 'vitest';
import type { Copy } from '../module/copy.js';
import { Rig } from './fixture.js';
import { NOT_ATTEMPTED, TOO_MANY, TOO_OLD } from './retry.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Every attempt is deferred; answers when each was made, in seconds, and how the mail ended. */
function deferAlways(rig: Rig): { attempts: number[]; end: string[] } {
  const seen = { attempts: [] as number[], end: [] as string[] };
  const start = rig.clock.mono();
  rig.carrier.onWake = async (place) => {
    for (;;) {
      const mails: readonly Copy[] = await rig.queue.take(place, 1);
      const [mail] = mails;
      if (!mail) return;
      seen.attempts.push(Math.round((rig.clock.mono() - start) / 1000));
      const { outcome, reply } = rig.queue.defer(mail, '451 4.3.0 try later');
      if (outcome !== 'failed') continue;
      seen.end.push(reply);
      rig.deliver(mail);
    }
  };
  return seen;
}

const CURVE = [0, 1200, 3600, 8400, 18_000, 37_200, 75_600];

describe('queue over a week of simulated time', () => {
  it('follows the retry curve to the second and ends by age', async () => {
    const rig = new Rig();
    const seen = deferAlways(rig);
    rig.receive('example.com', 1);
    await rig.clock.advance(8 * DAY);
    const steps = Array.from({ length: 13 }, (_, i) => 75_600 + (i + 1) * 43_200);
    expect(seen.attempts).toEqual([...CURVE, ...steps]);
    expect(seen.end).toEqual([TOO_OLD]);
    expect(rig.queue.size).toBe(0);
    expect(rig.spool.kept.size).toBe(0);
  });

  it('gives up after 18 retries with auto, and after as many as are allowed', async () => {
    const auto = new Rig({ max_retries: 'auto' });
    const seen = deferAlways(auto);
    auto.receive('example.com', 1);
    await auto.clock.advance(8 * DAY);
    expect(seen.attempts).toHaveLength(19);
    expect(seen.end).toEqual([TOO_MANY]);
    const three = new Rig({ max_retries: 3 });
    const less = deferAlways(three);
    three.receive('example.com', 1);
    await three.clock.advance(8 * DAY);
    expect(less).toEqual({ attempts: CURVE.slice(0, 4), end: [TOO_MANY] });
  });

  it('keeps the curve over restarts', async () => {
    let rig = new Rig();
    const attempts: number[] = [];
    rig.receive('example.com', 1);
    const start = rig.clock.mono();
    for (let i = 0; i < 40; i++) {
      const [mail] = await rig.queue.take(rig.place(), 1);
      if (mail) {
        attempts.push(Math.round((rig.clock.mono() - start) / 1000));
        rig.queue.defer(mail, '451 later');
      }
      await rig.clock.advance(600_000);
      rig = await rig.restart();
      await rig.clock.advance(100);
    }
    expect(attempts).toHaveLength(5);
    for (const [i, at] of attempts.entries()) expect(Math.abs(at - (CURVE[i] ?? 0))).toBeLessThan(650);
  });

  it('does nothing while nothing is due: wake-ups and timers of an idle week are few', async () => {
    const rig = new Rig({ retry_interval: 86_400, max_retry_interval: 86_400 });
    const seen = deferAlways(rig);
    for (let i = 0; i < 1000; i++) rig.receive(`d${i}.example`, 1);
    await rig.clock.advance(0);
    await rig.clock.advance(5 * DAY - 1000);
    expect(seen.attempts).toHaveLength(5000);
    expect(rig.queue.wakes).toBe(5000);
  });
});

describe('queue when the wall clock jumps', () => {
  for (const jump of [HOUR, -HOUR, 400 * DAY, -400 * DAY]) {
    it(`by ${jump / HOUR} hours: nothing becomes due, nothing expires, the curve goes on`, async () => {
      const rig = new Rig({ never_attempt_expired_messages: true });
      const seen = deferAlways(rig);
      rig.receive('example.com', 1);
      await rig.clock.advance(600_000);
      rig.clock.jump(jump);
      await rig.clock.advance(599_000);
      expect(seen.attempts).toEqual([0]);
      await rig.clock.advance(HOUR);
      expect(seen.attempts).toEqual([0, 1200, 3600]);
      const [kept] = rig.spool.kept.values();
      expect(Math.abs((kept?.nextAttempt ?? 0) - (rig.clock.now() + (8400 - 4799) * 1000))).toBeLessThan(2000);
      expect(rig.failed).toEqual([]);
      await rig.clock.advance(8 * DAY);
      await rig.queue.settle();
      expect(rig.failed.map(({ reply }) => reply)).toEqual([NOT_ATTEMPTED]);
    });
  }

  it('believes the age of no mail for ten minutes after a large step', async () => {
    const rig = new Rig({ message_expiration: 100, retry_interval: 60, max_retry_interval: 60 });
    const seen = deferAlways(rig);
    rig.receive('example.com', 1);
    await rig.clock.advance(1000);
    rig.clock.jump(HOUR);
    await rig.clock.advance(500_000);
    expect(seen.end).toEqual([]);
    await rig.clock.advance(200_000);
    expect(seen.end).toEqual([TOO_OLD]);
  });

  it('lets a mail expire as usual after a small step', async () => {
    const rig = new Rig({ message_expiration: 100, retry_interval: 60, max_retry_interval: 60 });
    const seen = deferAlways(rig);
    rig.receive('example.com', 1);
    await rig.clock.advance(1000);
    rig.clock.jump(5000);
    await rig.clock.advance(130_000);
    expect(seen.end).toEqual([TOO_OLD]);
  });

  it('a mail that came in before the step does not age by it', async () => {
    const rig = new Rig({ message_expiration: 86_400 });
    const seen = deferAlways(rig);
    rig.spool.block('not yet');
    rig.receive('example.com', 1);
    await rig.clock.advance(60_000);
    rig.clock.jump(30 * DAY);
    await rig.clock.advance(HOUR);
    rig.spool.block(undefined);
    await rig.clock.advance(1000);
    expect(seen.attempts).toHaveLength(1);
    expect(seen.end).toEqual([]);
  });

  it('new mail after a step back is due at once', async () => {
    const rig = new Rig();
    await rig.clock.advance(1000);
    rig.clock.jump(-HOUR);
    rig.receive('example.com', 1, { nextAttempt: rig.clock.now() });
    expect(rig.queue.waiting(rig.place())).toBe(1);
  });
});
