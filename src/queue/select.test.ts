import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countBefore, smallest } from './select.js';

describe('select', () => {
  it('picks what sorting and cutting would', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { maxLength: 500, size: 'max' }), fc.nat(20), (keys, limit) => {
        const items = keys.map((key, i) => ({ key, i }));
        const sorted = [...items].sort((a, b) => a.key - b.key || a.i - b.i);
        expect(smallest(items, limit, (item) => item.key)).toEqual(sorted.slice(0, limit));
        expect(smallest(items, Number.POSITIVE_INFINITY, (item) => item.key)).toEqual(sorted);
      }),
    );
  });

  it('counts what comes before', () => {
    expect(countBefore([4, 5, 6], 6)).toBe(2);
    expect(countBefore([4, 5, 6], 7)).toBe(3);
  });
});
