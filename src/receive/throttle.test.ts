import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../kernel/virtual-clock.js';
import { Throttles } from './throttle.js';

describe('inbound_throttle_messages', () => {
  it('admits N in any S seconds, one budget a scope', async () => {
    const clock = new VirtualClock();
    const throttles = new Throttles(clock);
    const two = { count: 2, seconds: 10 };
    const take = (scope: string) => throttles.admits(two, () => scope);
    expect([take('a'), take('a'), take('a'), take('b')]).toEqual([true, true, false, true]);
    await clock.advance(6000);
    expect([take('b'), take('b'), take('a')]).toEqual([true, false, false]);
    await clock.advance(4000);
    expect([take('a'), take('a'), take('a')]).toEqual([true, true, false]);
    expect([take('b'), take('b')]).toEqual([true, false]);
  });

  it('begins anew when the option changes', () => {
    const throttles = new Throttles(new VirtualClock());
    expect(throttles.admits({ count: 1, seconds: 10 }, () => 'a')).toBe(true);
    expect(throttles.admits({ count: 1, seconds: 10 }, () => 'a')).toBe(false);
    expect(throttles.admits({ count: 3, seconds: 10 }, () => 'a')).toBe(true);
  });

  it.each([[undefined], ['none' as const], [{ count: 0, seconds: 1 }]])('with %j admits everybody and asks for no scope', (throttle) => {
    const throttles = new Throttles(new VirtualClock());
    for (let n = 0; n < 100; n++)
      expect(
        throttles.admits(throttle, () => {
          throw new Error('nobody needs it');
        }),
      ).toBe(true);
  });
});
