import { setMaxListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Pool } from './pool.js';

const gate = (): { promise: Promise<void>; open: () => void } => {
  let open = (): void => undefined;
  const promise = new Promise<void>((done) => (open = done));
  return { promise, open };
};
const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

describe('pool', () => {
  it('runs so many at once and the others in order', async () => {
    const pool = new Pool(2);
    const gates = Array.from({ length: 5 }, gate);
    const started: number[] = [];
    const jobs = gates.map((g, i) =>
      pool.run(async () => {
        started.push(i);
        await g.promise;
        return i;
      }),
    );
    await turn();
    expect([started, pool.running, pool.waiting]).toEqual([[0, 1], 2, 3]);
    gates[1]?.open();
    await turn();
    expect(started).toEqual([0, 1, 2]);
    for (const g of gates) g.open();
    expect(await Promise.all(jobs)).toEqual([0, 1, 2, 3, 4]);
    expect([started, pool.running, pool.waiting]).toEqual([[0, 1, 2, 3, 4], 0, 0]);
  });

  it('goes on after jobs that fail or throw', async () => {
    const pool = new Pool(1);
    const bad = pool.run(() => Promise.reject(new Error('late')));
    const worse = pool.run(() => {
      throw new Error('at once');
    });
    const good = pool.run(() => 3);
    await expect(bad).rejects.toThrow('late');
    await expect(worse).rejects.toThrow('at once');
    expect(await good).toBe(3);
  });

  it('takes the aborted out of the line', async () => {
    const pool = new Pool(1);
    const g = gate();
    const running = pool.run(() => g.promise);
    const abort = new AbortController();
    let ran = false;
    const front = pool.run(() => undefined);
    const waiting = pool.run(() => void (ran = true), abort.signal);
    const last = pool.run(() => 'last');
    abort.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    expect(pool.waiting).toBe(2);
    await expect(pool.run(() => 1, abort.signal)).rejects.toThrow('gone');
    g.open();
    await running;
    await front;
    expect([await last, ran, pool.waiting]).toEqual(['last', false, 0]);
  });

  it('frees the front of the line at once when it is aborted', async () => {
    const pool = new Pool(1);
    const g = gate();
    const running = pool.run(() => g.promise);
    const abort = new AbortController();
    setMaxListeners(0, abort.signal);
    const left = Array.from({ length: 100 }, () => pool.run(() => undefined, abort.signal));
    abort.abort(new Error('gone'));
    expect((await Promise.allSettled(left)).every((result) => result.status === 'rejected')).toBe(true);
    expect(pool.waiting).toBe(0);
    g.open();
    await running;
  });
});
