import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rate } from './rate.js';

const steps = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 400 });

describe('rate', () => {
  it('agrees with brute force, take by take', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 5 }), steps, (count, seconds, waits) => {
        const rate = new Rate(count, seconds);
        const taken: number[] = [];
        let now = 0;
        for (const wait of waits) {
          now += wait;
          const inWindow = taken.filter((at) => at > now - seconds * 1000);
          if (rate.used(now) !== inWindow.length) return false;
          const answer = rate.tryTake(now);
          if (answer === 0) {
            if (inWindow.length >= count) return false;
            taken.push(now);
          } else {
            const free = (taken[taken.length - count] ?? 0) + seconds * 1000;
            if (inWindow.length < count || Math.abs(now + answer - free) > 1e-6) return false;
          }
        }
        return true;
      }),
    );
  });

  it('lets exactly count through in any window, also with broken milliseconds', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 300, noNaN: true }), { maxLength: 300 }), (waits) => {
        const rate = new Rate(7, 1);
        const taken: number[] = [];
        let now = 1234.567;
        for (const wait of waits) {
          now += wait;
          if (rate.tryTake(now) === 0) taken.push(now);
        }
        return taken.every((at, i) => (taken[i + 7] ?? Number.POSITIVE_INFINITY) - at >= 1000 - 1e-9);
      }),
    );
  });

  it('answers a wait after which the take is allowed', () => {
    const rate = new Rate(2, 10);
    expect([rate.tryTake(0), rate.tryTake(4000), rate.tryTake(5000)]).toEqual([0, 0, 5000]);
    expect(rate.tryTake(9999)).toBe(1);
    expect(rate.tryTake(10_000)).toBe(0);
    expect(rate.wait(10_000)).toBe(4000);
  });

  it('holds memory for what was taken, not for what may be taken', () => {
    const before = process.memoryUsage().arrayBuffers;
    const many = Array.from({ length: 100 }, () => new Rate(1_000_000, 3600));
    for (const rate of many) rate.tryTake(1);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
  });
});
