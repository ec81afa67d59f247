import { describe, expect, it } from 'vitest';
import { Backlog } from './backlog.js';

const MIB = 1 << 20;

/** A target that writes when it is told to. */
function open(most: number) {
  const written: string[] = [];
  let pending: string[] = [];
  let works = true;
  let rests = 0;
  const wakers: (() => void)[] = [];
  const target = {
    waiting: 0,
    put(text: string) {
      pending.push(text);
      target.waiting += text.length;
    },
    putAll: (texts: readonly string[]) => texts.forEach(target.put),
    flush: async () => {
      await Promise.resolve();
      if (!works) return;
      written.push(...pending);
      pending = [];
      target.waiting = 0;
    },
  };
  let told = 0;
  const backlog = new Backlog({
    target,
    most,
    rest: () => {
      rests++;
      return new Promise((done) => wakers.push(done));
    },
    dropped: () => void told++,
  });
  return {
    backlog,
    target,
    written,
    told: () => told,
    rests: () => rests,
    fail: () => void (works = false),
    heal: () => {
      works = true;
      for (const wake of wakers.splice(0)) wake();
    },
    settle: () => new Promise((done) => setImmediate(done)),
  };
}

describe('the backlog', () => {
  it('keeps the order of a burst that is larger than the target takes at once', async () => {
    const { backlog, target, written, settle } = open(64 * MIB);
    const texts = Array.from({ length: 100_000 }, (_, i) => `${i} ${'x'.repeat(90)}\n`);
    for (const text of texts) backlog.push(text);
    expect(backlog.waiting).toBeGreaterThan(0);
    while (backlog.waiting > 0) await settle();
    await target.flush();
    expect(written).toEqual(texts);
    expect(backlog.dropped).toBe(0);
  });

  it('drops the oldest when the target fails for too long, counts them, and goes on when it works again', async () => {
    const { backlog, target, written, told, rests, fail, heal, settle } = open(2 * MIB);
    fail();
    const text = (i: number) => `${i}`.padEnd(MIB, '.');
    for (let i = 0; i < 10; i++) backlog.push(text(i));
    await settle();
    expect(rests()).toBe(1);
    expect([backlog.dropped, told(), backlog.waiting]).toEqual([4, 4, 2 * MIB]);
    heal();
    while (backlog.waiting > 0) await settle();
    await target.flush();
    expect(written.map((each) => Number.parseInt(each, 10))).toEqual([0, 1, 2, 3, 8, 9]);
  });

  it('gives everything away at the end', async () => {
    const { backlog, target, written, fail, heal } = open(64 * MIB);
    fail();
    for (let i = 0; i < 9; i++) backlog.push(`${i}`.padEnd(MIB, '.'));
    backlog.empty();
    expect(backlog.waiting).toBe(0);
    heal();
    await target.flush();
    expect(written.map((each) => Number.parseInt(each, 10))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });
});
