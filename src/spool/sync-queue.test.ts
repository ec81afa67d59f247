import { describe, expect, it } from 'vitest';
import { SyncQueue } from './sync-queue.js';

describe('SyncQueue', () => {
  it('lets one wait behind the one under way, for all who ask meanwhile, and goes on after a failure', async () => {
    const ends: ((error?: Error) => void)[] = [];
    const queue = new SyncQueue(() => new Promise((done, fail) => void ends.push((error) => (error ? fail(error) : done()))));
    const first = queue.ask();
    const [second, third] = [queue.ask(), queue.ask()];
    expect([ends.length, second === third]).toEqual([1, true]);
    ends[0]?.(new Error('EIO'));
    await expect(first).rejects.toThrow('EIO');
    await new Promise((done) => setImmediate(done));
    expect(ends.length).toBe(2);
    const settled = queue.settled();
    ends[1]?.();
    await Promise.all([second, third, settled]);
    expect(ends.length).toBe(2);
  });
});
