import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Entries, LIST, NOBODY } from './entries.js';

const PLACES = 3;

describe('entries', () => {
  it('keeps due mail in order, however it comes and whatever hint is given', () => {
    const one = fc.record({ place: fc.nat(PLACES - 1), due: fc.nat(20), urgent: fc.boolean(), hint: fc.nat(60), restore: fc.boolean() });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 60, size: 'max' }), (items) => {
        const entries = new Entries();
        const model: number[][] = Array.from({ length: PLACES * 2 }, () => []);
        for (const [ticket, { place, due, urgent, hint, restore }] of items.entries()) {
          entries.add(ticket, place, LIST.taken, due, 0, 0, urgent);
          const line = model[place * 2 + (urgent ? 1 : 0)] as number[];
          if (restore) entries.restore(ticket);
          else entries.activate(ticket, hint < ticket ? hint : NOBODY);
          const at = line.findIndex((t) => (restore ? (items[t]?.due ?? 0) >= due : (items[t]?.due ?? 0) > due));
          line.splice(at === -1 ? line.length : at, 0, ticket);
        }
        for (let place = 0; place < PLACES; place++) {
          for (const [i, list] of [LIST.active, LIST.urgent].entries()) {
            // A hint may put a mail among its equals elsewhere than at their end; the times must be in order all the same.
            const line = [...entries.walk(place, list)];
            const due = (t: number) => items[t]?.due;
            expect(line.map(due)).toEqual((model[place * 2 + i] as number[]).map(due));
            expect(entries.count(place, list)).toBe(line.length);
          }
        }
        expect(entries.size).toBe(items.length);
      }),
      { numRuns: 300 },
    );
  });

  it('links both ways: everything can be removed from any list in any order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(2), fc.constantFrom(LIST.active, LIST.delayed, LIST.held)), { maxLength: 40 }),
        fc.nat(),
        (items, seed) => {
          const entries = new Entries();
          for (const [ticket, [place, list]] of items.entries()) entries.add(ticket, place, list, 0, 0, 0, false);
          const order = items.map((_, t) => t).sort((a, b) => ((a * 7919 + seed) % 41) - ((b * 7919 + seed) % 41));
          const left = new Set(order);
          for (const ticket of order) {
            entries.remove(ticket);
            left.delete(ticket);
            for (let place = 0; place < 3; place++) {
              for (const list of [LIST.active, LIST.delayed, LIST.held] as const) {
                const expected = [...left].filter((t) => items[t]?.[0] === place && items[t]?.[1] === list).sort((a, b) => a - b);
                expect([...entries.walk(place, list)]).toEqual(expected);
              }
            }
          }
          expect(entries.size).toBe(0);
        },
      ),
    );
  });

  it('moves to another place, and survives growth', () => {
    const entries = new Entries();
    for (let t = 0; t < 5000; t++) entries.add(t, t % 700, LIST.delayed, t, -t, t, t % 2 === 0);
    entries.rehome(4999, 90_000, LIST.delayed);
    expect(entries.place(4999)).toBe(90_000);
    expect([...entries.walk(90_000, LIST.delayed)]).toEqual([4999]);
    expect(entries.countAll(4999 % 700)).toBe(7);
    expect([entries.due(1234), entries.received(1234), entries.attempts(1234), entries.urgent(1234)]).toEqual([1234, -1234, 1234, true]);
    expect(entries.count(1e6, LIST.active)).toBe(0);
    expect(entries.head(1e6, LIST.active)).toBe(NOBODY);
    expect(entries.list(1e6)).toBe(LIST.none);
  });
});
