import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Lru } from './lru.js';
import { VirtualClock } from './virtual-clock.js';

describe('lru', () => {
  it('throws out what was used longest ago', () => {
    const cache = new Lru<number>({ capacity: 2 });
    cache.set('a', 1);
    cache.set('b', 2);
    expect(cache.get('a')).toBe(1);
    cache.set('c', 3);
    expect([cache.get('a'), cache.get('b'), cache.get('c'), cache.size]).toEqual([1, undefined, 3, 2]);
    expect([...cache.entries()].map(([key]) => key)).toEqual(['a', 'c']);
  });

  it('tells a known absence from the unknown', () => {
    const cache = new Lru<number>({ capacity: 2 });
    cache.set('a', undefined);
    expect([cache.get('a'), cache.knows('a'), cache.knows('b')]).toEqual([undefined, true, false]);
  });

  it('lets values and absences age, each in its time', async () => {
    const clock = new VirtualClock();
    const cache = new Lru<number>({ capacity: 9, clock, hitMs: 1000, missMs: 100 });
    cache.set('hit', 1);
    cache.set('miss', undefined);
    cache.set('own', 2, 5000);
    cache.set('never', 3, 0);
    expect(cache.knows('never')).toBe(false);
    await clock.advance(99);
    expect(cache.knows('miss')).toBe(true);
    await clock.advance(1);
    expect([cache.knows('miss'), cache.get('hit')]).toEqual([false, 1]);
    await clock.advance(900);
    expect([cache.sweep(), cache.get('hit'), cache.get('own')]).toEqual([1, undefined, 2]);
    expect(cache.clear()).toBe(1);
    expect(cache.delete('own')).toBe(false);
  });

  it('behaves as a list that is searched', () => {
    const step = fc.tuple(fc.constantFrom('get' as const, 'set' as const, 'delete' as const, 'knows' as const), fc.nat(9));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 200 }), (capacity, steps) => {
        const cache = new Lru<number>({ capacity });
        const model: [string, number][] = [];
        let n = 0;
        for (const [action, k] of steps) {
          const key = `k${k}`;
          const at = model.findIndex(([name]) => name === key);
          const known = at >= 0 ? model[at] : undefined;
          if (action === 'knows') expect(cache.knows(key)).toBe(known !== undefined);
          else {
            if (at >= 0) model.splice(at, 1);
            if (action === 'delete') expect(cache.delete(key)).toBe(known !== undefined);
            else if (action === 'get') {
              expect(cache.get(key)).toBe(known?.[1]);
              if (known) model.push(known);
            } else {
              cache.set(key, n);
              model.push([key, n++]);
              if (model.length > capacity) model.shift();
            }
          }
          expect([...cache.entries()]).toEqual(model);
        }
      }),
    );
  });

  it('does not age without a clock', () => {
    expect(() => new Lru({ capacity: 1, hitMs: 5 })).toThrow(RangeError);
  });
});
