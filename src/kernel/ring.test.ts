import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ring } from './ring.js';

describe('ring', () => {
  it('behaves as an array does', () => {
    const step = fc.oneof(
      fc.constant('shift' as const),
      fc.constant('push' as const),
      fc.constant('unshift' as const),
      fc.constant('push' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (actions) => {
        const ring = new Ring<number>();
        const model: number[] = [];
        let n = 0;
        for (const action of actions) {
          if (action === 'shift') expect(ring.shift()).toBe(model.shift());
          else {
            ring[action](n);
            model[action](n++);
          }
          expect(ring.length).toBe(model.length);
          expect(ring.at(0)).toBe(model[0]);
          expect(ring.at(model.length - 1)).toBe(model.at(-1));
        }
        expect([...ring]).toEqual(model);
        expect(ring.at(-1)).toBeUndefined();
        expect(ring.at(model.length)).toBeUndefined();
      }),
    );
  });

  it('gives the memory of a burst back', () => {
    const ring = new Ring<number>();
    for (let i = 0; i < 10_000; i++) ring.push(i);
    for (let i = 0; i < 10_000; i++) expect(ring.shift()).toBe(i);
    expect(ring.shift()).toBeUndefined();
    ring.push(1);
    expect(ring.shift()).toBe(1);
  });
});
