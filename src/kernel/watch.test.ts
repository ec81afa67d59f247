import { describe, expect, it } from 'vitest';
import { VirtualClock } from './virtual-clock.js';
import { Watch, type Watched } from './watch.js';

const entry = (dueAt: number, log: string[], name: string): Watched => ({ dueAt, expire: () => void log.push(name) });

describe('watch', () => {
  it('fires late by a tick at most, never early, and once', async () => {
    const clock = new VirtualClock();
    const watch = new Watch(clock);
    const log: string[] = [];
    watch.add(entry(600, log, 'a'));
    watch.add(entry(0, log, 'none'));
    await clock.advance(599);
    expect(log).toEqual([]);
    await clock.advance(251);
    expect(log).toEqual(['a']);
    await clock.advance(5000);
    expect(log).toEqual(['a']);
    expect(watch.size).toBe(2);
  });

  it('follows a deadline that moves, and forgets what was removed', async () => {
    const clock = new VirtualClock();
    const watch = new Watch(clock, 100);
    const log: string[] = [];
    const moving = entry(300, log, 'moving');
    const removed = entry(300, log, 'removed');
    watch.add(moving);
    watch.add(removed);
    await clock.advance(250);
    moving.dueAt = 1000;
    watch.remove(removed);
    await clock.advance(740);
    expect(log).toEqual([]);
    await clock.advance(120);
    expect(log).toEqual(['moving']);
  });

  it('goes on when an entry throws', async () => {
    const clock = new VirtualClock();
    const watch = new Watch(clock, 100);
    const log: string[] = [];
    watch.add({
      dueAt: 50,
      expire: () => {
        throw new Error('bug');
      },
    });
    watch.add(entry(50, log, 'other'));
    await expect(clock.advance(150)).rejects.toThrow('bug');
    await clock.advance(200);
    expect(log).toEqual(['other']);
  });

  it('stops', async () => {
    const clock = new VirtualClock();
    const watch = new Watch(clock, 100);
    const log: string[] = [];
    watch.add(entry(50, log, 'a'));
    watch.stop();
    await clock.advance(1000);
    expect([log, watch.size]).toEqual([[], 0]);
    watch.add(entry(clock.mono() + 1, log, 'b'));
    await clock.advance(200);
    expect(log).toEqual(['b']);
  });
});
