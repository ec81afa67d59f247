import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TimerWheel } from './timer-wheel.js';

describe('timer wheel', () => {
  it('never fires early, never forgets, whatever is inserted, moved and cancelled', () => {
    const step = fc.record({
      do: fc.constantFrom(
        'insert' as const,
        'insert' as const,
        'insert' as const,
        'cancel' as const,
        'advance' as const,
        'advance' as const,
      ),
      ticket: fc.nat(30),
      ms: fc.oneof(fc.nat(30), fc.nat(30), fc.nat(300), fc.nat(20_000)),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const wheel = new TimerWheel({ tickMs: 10, slots: 16 });
        const model = new Map<number, number>();
        let now = 0;
        for (const { do: action, ticket, ms } of steps) {
          if (action === 'insert') {
            wheel.insert(ticket, now + ms);
            model.set(ticket, now + ms);
          } else if (action === 'cancel') {
            expect(wheel.cancel(ticket)).toBe(model.delete(ticket));
          } else {
            now += ms;
            const before = wheel.nextMs();
            wheel.advance(now, (due) => {
              expect(model.get(due) ?? Number.POSITIVE_INFINITY).toBeLessThanOrEqual(now);
              expect(before ?? Number.POSITIVE_INFINITY).toBeLessThanOrEqual(now);
              model.delete(due);
            });
            for (const due of model.values()) expect(due).toBeGreaterThan(now - 20);
          }
          expect(wheel.size).toBe(model.size);
          expect(wheel.has(ticket)).toBe(model.has(ticket));
        }
      }),
    );
  });

  it('waits for the end of the tick', () => {
    const wheel = new TimerWheel({ tickMs: 10 });
    wheel.insert(1, 15);
    const fired: number[] = [];
    for (const now of [10, 14, 15, 19]) wheel.advance(now, (ticket) => void fired.push(ticket));
    expect(fired).toEqual([]);
    wheel.advance(20, (ticket) => void fired.push(ticket));
    expect(fired).toEqual([1]);
  });

  it('keeps the order of ticks and of insertion', () => {
    const wheel = new TimerWheel({ tickMs: 10 });
    for (const [ticket, due] of [
      [1, 30],
      [2, 5],
      [3, 30],
      [4, 12],
    ] as const)
      wheel.insert(ticket, due);
    const fired: number[] = [];
    wheel.advance(100, (ticket) => void fired.push(ticket));
    expect(fired).toEqual([2, 4, 1, 3]);
  });

  it('lets the callback insert and cancel', () => {
    const wheel = new TimerWheel({ tickMs: 10, slots: 8 });
    for (let i = 0; i < 5; i++) wheel.insert(i, 10);
    const fired: number[] = [];
    const onDue = (ticket: number): void => {
      fired.push(ticket);
      if (ticket === 0 && fired.length === 1) {
        wheel.cancel(2);
        wheel.cancel(4);
        wheel.insert(0, 15);
        wheel.insert(3, 500);
      }
    };
    wheel.advance(15, onDue);
    expect(fired).toEqual([0, 1]);
    wheel.advance(20, onDue);
    expect(fired).toEqual([0, 1, 0]);
    wheel.advance(10_000, onDue);
    expect(fired).toEqual([0, 1, 0, 3]);
    expect(wheel.size).toBe(0);
  });

  it('begins at the time of its clock', () => {
    const wheel = new TimerWheel({ tickMs: 100, nowMs: 1_000_000 });
    wheel.insert(7, 1_000_050);
    expect(wheel.nextMs()).toBe(1_000_100);
    const fired: number[] = [];
    wheel.advance(1_000_099, (ticket) => void fired.push(ticket));
    expect(fired).toEqual([]);
    wheel.advance(1_000_100, (ticket) => void fired.push(ticket));
    expect(fired).toEqual([7]);
    expect(wheel.nextMs()).toBeUndefined();
    expect(() => new TimerWheel({ slots: 3 })).toThrow(RangeError);
  });
});
