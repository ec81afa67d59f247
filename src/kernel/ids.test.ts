import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeId, encodeId, formatId, ID_BYTES, IdSource, parseId } from './ids.js';
import { VirtualClock } from './virtual-clock.js';

describe('ids', () => {
  it.each([
    [{ counter: 0, incarnation: 2001, slot: 1254219116 }, '00/00-02001-C6DD1CA4'],
    [{ counter: 0xd13b, incarnation: 18426, slot: 1070244212 }, 'B3/1D-18426-471AACF3'],
  ])('writes %o as %s', (parts, text) => {
    expect(formatId(parts)).toBe(text);
    expect(parseId(text)).toEqual(parts);
  });

  it('writes counter 1 as 10/00', () => {
    expect(formatId({ counter: 1, incarnation: 1, slot: 1 }).startsWith('10/00-00001-')).toBe(true);
  });

  it('keeps every id through eight octets and through text', () => {
    fc.assert(
      fc.property(fc.nat(0xffff), fc.nat(0xffff), fc.integer({ min: 0, max: 0xffffffff }), (counter, incarnation, slot) => {
        const text = formatId({ counter, incarnation, slot });
        const octets = Buffer.alloc(ID_BYTES);
        encodeId(text, octets, 0);
        return decodeId(octets, 0) === text && parseId(text)?.slot === slot;
      }),
    );
  });

  it.each(['', 'xx', '00/00-70000-C6DD1CA4', '0000-02001-C6DD1CA4'])('knows that %j is none', (text) => {
    expect(parseId(text)).toBeUndefined();
    expect(() => encodeId(text, Buffer.alloc(8), 0)).toThrow(RangeError);
  });

  it('never repeats and never goes backwards, however the clock jumps', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: -7_200_000, max: 7_200_000 }), fc.integer({ min: 1, max: 400 })), { maxLength: 40 }),
        (steps) => {
          const clock = new VirtualClock();
          const source = new IdSource(clock, 7, 0);
          const seen = new Set<string>();
          let last = 0;
          let count = 0;
          for (const [jump, ids] of steps) {
            clock.jump(jump);
            for (let i = 0; i < ids; i++) {
              const id = source.next();
              const slot = parseId(id)?.slot ?? -1;
              if (slot < last) return false;
              last = slot;
              seen.add(id);
              count++;
            }
          }
          return seen.size === count;
        },
      ),
      { numRuns: 50 },
    );
  });

  it('moves to the next slot when the counter wraps, and starts above the floor', () => {
    const clock = new VirtualClock(1_000_000_000_000);
    const source = new IdSource(clock, 1, 1_500_000_000);
    const first = parseId(source.next());
    expect(first?.slot).toBe(1_500_000_001);
    for (let i = 0; i < 0xffff; i++) source.next();
    expect(parseId(source.next())).toEqual({ slot: 1_500_000_002, incarnation: 1, counter: 0 });
  });
});
