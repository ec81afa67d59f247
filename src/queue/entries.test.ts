import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Entries, LIST, NOBODY } from './entries.js';

const PLACES = 3;
const LEVELS = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, -1, -2, -3, -4, -5, -6, -7, -8, -9];

describe('entries', () => {
  it('keeps due mail in order, however it comes and whatever hint is given', () => {
    const one = fc.record({
      place: fc.nat(PLACES - 1),
      due: fc.nat(20),
      level: fc.constantFrom(0, 0, 0, 1, 9, 4, -1, -4, -9),
      hint: fc.nat(60),
      restore: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 90, size: 'max' }), (items) => {
        const entries = new Entries();
        const model = new Map<string, number[]>();
        for (const [ticket, { place, due, level, hint, restore }] of items.entries()) {
          entries.add(ticket, place, LIST.taken, due, 0, 0, level);
          const line = model.get(`${place} ${level}`) ?? [];
          model.set(`${place} ${level}`, line);
          if (restore) entries.restore(ticket);
          else entries.activate(ticket, hint < ticket ? hint : NOBODY);
          const at = line.findIndex((t) => (restore ? (items[t]?.due ?? 0) >= due : (items[t]?.due ?? 0) > due));
          line.splice(at === -1 ? line.length : at, 0, ticket);
        }
        for (let place = 0; place < PLACES; place++) {
          const all: number[] = [];
          for (const list of [LIST.urgent, LIST.active, LIST.patient]) {
            const line = [...entries.walk(place, list)];
            expect(entries.count(place, list)).toBe(line.length);
            all.push(...line);
          }
          const expected = LEVELS.flatMap((level) => model.get(`${place} ${level}`) ?? []);
          // A hint may put a mail among its equals elsewhere than at their end; the times must be in order all the same.
          const key = (t: number) => [entries.level(t), items[t]?.due];
          expect(all.map(key)).toEqual(expected.map((t) => [items[t]?.level, items[t]?.due]));
          expect(entries.countDue(place)).toBe(all.length);
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
          for (const [ticket, [place, list]] of items.entries()) entries.add(ticket, place, list, 0, 0, 0, 0);
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

  it('keeps the levels of a place apart whatever is taken out, put back and taken in', () => {
    const act = fc.record({ ticket: fc.nat(30), level: fc.constantFrom(0, 9, 8, 1, -1, -5, -9), due: fc.nat(9), gone: fc.boolean() });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 120, size: 'max' }), (acts) => {
        const entries = new Entries();
        /** In the order in which they became due. */
        let there: { ticket: number; level: number; due: number }[] = [];
        for (const { ticket, level, due, gone } of acts) {
          if (entries.list(ticket) !== LIST.none) {
            entries.remove(ticket);
            there = there.filter((one) => one.ticket !== ticket);
          }
          if (gone) continue;
          entries.add(ticket, 5, LIST.delayed, due, 0, 0, level);
          entries.activate(ticket);
          there.push({ ticket, level, due });
        }
        const line = [...entries.walk(5, LIST.urgent), ...entries.walk(5, LIST.active), ...entries.walk(5, LIST.patient)];
        const expected = there.toSorted((a, b) => b.level - a.level || a.due - b.due).map(({ ticket }) => ticket);
        expect(line).toEqual(expected);
        expect(entries.head(5, entries.firstList(5))).toBe(expected[0] ?? NOBODY);
      }),
      { numRuns: 300 },
    );
  });

  it('takes no room for priorities before there is one', () => {
    const entries = new Entries();
    entries.add(0, 0, LIST.active, 0, 0, 0, 0);
    const before = entries.bytes;
    entries.add(1, 0, LIST.urgent, 0, 0, 0, 3);
    expect(entries.bytes - before).toBe(entries.capacity);
  });

  it('moves to another place, and survives growth', () => {
    const entries = new Entries();
    for (let t = 0; t < 5000; t++) entries.add(t, t % 700, LIST.delayed, t, -t, t, (t % 19) - 9);
    entries.rehome(4999, 90_000, LIST.delayed);
    expect(entries.place(4999)).toBe(90_000);
    expect([...entries.walk(90_000, LIST.delayed)]).toEqual([4999]);
    expect(entries.countAll(4999 % 700)).toBe(7);
    expect([entries.due(1234), entries.received(1234), entries.attempts(1234), entries.level(1234)]).toEqual([1234, -1234, 1234, 9]);
    expect(entries.count(1e6, LIST.active)).toBe(0);
    expect(entries.head(1e6, LIST.active)).toBe(NOBODY);
    expect(entries.list(1e6)).toBe(LIST.none);
  });
});
