import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../kernel/virtual-clock.js';
import { decideLevel, MemoryWatch } from './memory-watch.js';

const limits = { memory_goal: 90, memory_hwm: 95 };

describe('the level', () => {
  it.each([
    ['calm', 0.89, 'calm'],
    ['calm', 0.9, 'goal'],
    ['goal', 0.885, 'goal'],
    ['goal', 0.87, 'calm'],
    ['calm', 0.95, 'high'],
    ['high', 0.94, 'high'],
    ['high', 0.92, 'goal'],
    ['high', 0.5, 'calm'],
  ] as const)('%s at %f becomes %s', (now, share, level) => {
    expect(decideLevel(now, share, limits)).toBe(level);
  });

  it('is never reached where 100 percent switch it off', () => {
    expect(decideLevel('calm', 1.5, { memory_goal: 100, memory_hwm: 100 })).toBe('calm');
    expect(decideLevel('calm', 1.5, { memory_goal: 90, memory_hwm: 100 })).toBe('goal');
  });
});

describe('MemoryWatch', () => {
  it('looks twice a second, relieves as long as it lasts, and tells each change once', async () => {
    const clock = new VirtualClock();
    const heard: string[] = [];
    let share = 0.1;
    const watch = new MemoryWatch({
      clock,
      readShare: () => share,
      limits: () => limits,
      relieve: (level) => heard.push(`relieve ${level}`),
      changed: (level) => heard.push(level),
    });
    watch.start();
    await clock.advance(2_000);
    expect(heard).toEqual([]);
    share = 0.91;
    await clock.advance(1_000);
    share = 0.97;
    await clock.advance(500);
    expect(watch.level).toBe('high');
    share = 0.2;
    await clock.advance(500);
    expect(heard).toEqual(['relieve goal', 'goal', 'relieve goal', 'relieve high', 'high', 'calm']);
    watch.stop();
    share = 0.99;
    await clock.advance(5_000);
    expect(watch.level).toBe('calm');
  });
});
