import { describe, expect, it } from 'vitest';
import { backoffMs } from './backoff.js';

describe('backoff', () => {
  it('doubles up to its limit', () => {
    expect([1, 2, 3, 4, 9, 5000].map((n) => backoffMs(n, { firstMs: 100, mostMs: 1000 }))).toEqual([100, 200, 400, 800, 1000, 1000]);
    expect(backoffMs(0, { firstMs: 100, mostMs: 1000 })).toBe(100);
    expect(backoffMs(3, { firstMs: 100, mostMs: 10_000, factor: 3 })).toBe(900);
  });

  it('leaves a part to chance', () => {
    expect(backoffMs(1, { firstMs: 100, mostMs: 1000, spread: 0.5 }, 0)).toBe(100);
    expect(backoffMs(1, { firstMs: 100, mostMs: 1000, spread: 0.5 }, 0.5)).toBe(75);
  });
});
