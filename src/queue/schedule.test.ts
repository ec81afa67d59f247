import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../kernel/virtual-clock.js';
import { Schedule } from './schedule.js';

describe('schedule', () => {
  it('lets everything come due once, never early and at most a tick late, unless it was taken out', async () => {
    const act = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constant('add' as const), inMs: fc.oneof(fc.nat(500), fc.nat(5_000_000), fc.nat(90_000_000)) }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), which: fc.nat() }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.oneof(fc.nat(300), fc.nat(3_000_000)) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 60, size: 'max' }), async (acts) => {
        const clock = new VirtualClock();
        const due = new Map<number, number>();
        let dues = 0;
        const schedule = new Schedule(
          clock,
          (t) => due.get(t) as number,
          (tickets) => {
            for (const t of tickets) {
              const at = due.get(t);
              if (at === undefined) throw new Error(`${t} came due twice or was taken out`);
              expect(clock.mono()).toBeGreaterThanOrEqual(at);
              expect(clock.mono()).toBeLessThanOrEqual(Math.max(at, 0) + 100);
              due.delete(t);
            }
          },
        );
        for (const a of acts) {
          if (a.do === 'add') {
            due.set(dues, clock.mono() + a.inMs);
            schedule.add(dues++, clock.mono() + a.inMs);
          } else if (a.do === 'remove') {
            const t = [...due.keys()][a.which % Math.max(1, due.size)];
            if (t === undefined) continue;
            schedule.remove(t);
            due.delete(t);
          } else await clock.advance(a.ms);
          expect(schedule.size).toBe(due.size);
        }
        await clock.advance(90_000_200);
        expect(due.size).toBe(0);
        expect(schedule.size).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  it('spreads a burst over turns and keeps the order of equal times', async () => {
    const clock = new VirtualClock();
    const parts: number[][] = [];
    const schedule = new Schedule(
      clock,
      () => 1000,
      (tickets) => void parts.push([...tickets]),
    );
    for (let t = 0; t < 70_000; t++) schedule.add(t, 1000);
    await clock.advance(1000);
    expect(parts.map((part) => part.length)).toEqual([32_768, 32_768, 4464]);
    expect(parts.flat()).toEqual(Array.from({ length: 70_000 }, (_, t) => t));
  });

  it('takes what is due already at the next tick', async () => {
    const clock = new VirtualClock();
    let seen = 0;
    const schedule = new Schedule(
      clock,
      () => -5000,
      (tickets) => (seen += tickets.length),
    );
    schedule.add(7, -5000);
    await clock.advance(99);
    expect(seen).toBe(0);
    await clock.advance(1);
    expect(seen).toBe(1);
  });
});
