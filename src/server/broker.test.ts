import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../kernel/virtual-clock.js';
import { isShortage, type Limit, type Permit, type Shortage } from '../module/permit.js';
import { DirectBroker } from './broker.js';

const slots = (key: string, limit: number): Limit => ({ kind: 'slots', key, limit });
const rate = (key: string, count: number, seconds: number): Limit => ({ kind: 'rate', key, count, seconds });

const granted = (x: Permit | Shortage): Permit => {
  if (isShortage(x)) throw new Error(`short of ${x.key}`);
  return x;
};
const refused = (x: Permit | Shortage): Shortage => {
  if (!isShortage(x)) throw new Error('granted');
  return x;
};

describe('direct broker', () => {
  it('takes all counters or none', () => {
    const broker = new DirectBroker(new VirtualClock());
    granted(broker.acquire([slots('place', 2), slots('server', 1)]));
    expect(refused(broker.acquire([slots('place', 2), slots('server', 1)]))).toEqual({ key: 'server', waitMs: undefined });
    expect(broker.usage('place')).toEqual({ used: 1, limit: 2 });
    granted(broker.acquire([slots('place', 2)]));
    expect(broker.usage('nobody')).toBeUndefined();
  });

  it('does not spend a rate when a slot is short', () => {
    const broker = new DirectBroker(new VirtualClock());
    granted(broker.acquire([slots('s', 1)]));
    for (let i = 0; i < 5; i++) refused(broker.acquire([rate('r', 1, 60), slots('s', 1)]));
    granted(broker.acquire([rate('r', 1, 60)]));
  });

  it('releases once, however often it is called, and forgets empty counters', () => {
    const broker = new DirectBroker(new VirtualClock());
    const one = granted(broker.acquire([slots('s', 2)]));
    granted(broker.acquire([slots('s', 2)]));
    one.release();
    one.release();
    expect(broker.usage('s')).toEqual({ used: 1, limit: 2 });
    granted(broker.acquire([slots('s', 2)])).release();
    expect([...broker.keys()]).toEqual(['s']);
  });

  it('counts a key once that stands twice', () => {
    const broker = new DirectBroker(new VirtualClock());
    const permit = granted(broker.acquire([slots('s', 1), slots('s', 1)]));
    expect(broker.usage('s')).toEqual({ used: 1, limit: 1 });
    permit.release();
    expect(broker.usage('s')).toBeUndefined();
  });

  it('wakes first come first, one for each slot that comes free', () => {
    const broker = new DirectBroker(new VirtualClock());
    const held = [granted(broker.acquire([slots('s', 1)]))];
    const order: number[] = [];
    const enter = (who: number): void => {
      const answer = broker.acquire([slots('s', 1)]);
      if (isShortage(answer)) broker.wait(answer, () => enter(who));
      else {
        order.push(who);
        held.push(answer);
      }
    };
    for (const who of [1, 2, 3]) enter(who);
    expect(order).toEqual([]);
    for (let i = 1; i <= 3; i++) {
      held.shift()?.release();
      expect(order).toEqual([1, 2, 3].slice(0, i));
    }
  });

  it('passes a slot on when the one that was woken does not want it', () => {
    const broker = new DirectBroker(new VirtualClock());
    const permit = granted(broker.acquire([slots('s', 1)]));
    const woken: string[] = [];
    broker.wait(refused(broker.acquire([slots('s', 1)])), () => woken.push('idle'));
    broker.wait(refused(broker.acquire([slots('s', 1)])), () => woken.push('next'));
    const cancel = broker.wait(refused(broker.acquire([slots('s', 1)])), () => woken.push('cancelled'));
    cancel();
    permit.release();
    expect(woken).toEqual(['idle', 'next']);
  });

  it('wakes the others when one waiter throws', () => {
    const broker = new DirectBroker(new VirtualClock());
    const permit = granted(broker.acquire([slots('s', 1)]));
    let woken = false;
    broker.wait(refused(broker.acquire([slots('s', 1)])), () => {
      throw new Error('mine');
    });
    broker.wait(refused(broker.acquire([slots('s', 1)])), () => {
      woken = true;
    });
    expect(() => permit.release()).toThrow('mine');
    expect(woken).toBe(true);
    granted(broker.acquire([slots('s', 1)]));
  });

  it('wakes somebody who began to wait after the slot came free', async () => {
    const clock = new VirtualClock();
    const broker = new DirectBroker(clock);
    const permit = granted(broker.acquire([slots('s', 1)]));
    const shortage = refused(broker.acquire([slots('s', 1)]));
    permit.release();
    let woken = 0;
    broker.wait(shortage, () => woken++);
    await clock.advance(1);
    expect(woken).toBe(1);
  });

  it('a rate starts empty, then keeps to its window, with one timer for all who wait', async () => {
    const clock = new VirtualClock();
    let timers = 0;
    const broker = new DirectBroker({
      now: () => clock.now(),
      mono: () => clock.mono(),
      after: (ms, task) => {
        timers++;
        return clock.after(ms, task);
      },
    });
    const taken: number[] = [];
    const enter = (): void => {
      const answer = broker.acquire([rate('r', 3, 10)]);
      if (isShortage(answer)) broker.wait(answer, enter);
      else taken.push(clock.mono());
    };
    for (let i = 0; i < 9; i++) enter();
    expect(taken).toEqual([0, 0, 0]);
    expect(timers).toBe(1);
    await clock.advance(60_000);
    expect(taken).toEqual([0, 0, 0, 10_000, 10_000, 10_000, 20_000, 20_000, 20_000]);
    expect(timers).toBe(2);
  });

  it('a limit that is raised by a reload lets those in line go', () => {
    const broker = new DirectBroker(new VirtualClock());
    let limit = 1;
    let inside = 0;
    const enter = (): void => {
      const answer = broker.acquire([slots('s', limit)]);
      if (isShortage(answer)) broker.wait(answer, enter);
      else inside++;
    };
    for (let i = 0; i < 5; i++) enter();
    expect(inside).toBe(1);
    limit = 3;
    broker.reloaded();
    expect(inside).toBe(3);
    limit = 4;
    granted(broker.acquire([slots('s', limit)]));
    expect(broker.usage('s')).toEqual({ used: 4, limit: 4 });
  });

  it('a rate that is changed by a reload never lets more through than the new window allows', async () => {
    const clock = new VirtualClock();
    const broker = new DirectBroker(clock);
    for (let i = 0; i < 10; i++) granted(broker.acquire([rate('r', 10, 1)]));
    await clock.advance(500);
    expect(refused(broker.acquire([rate('r', 5, 10)]))).toEqual({ key: 'r', waitMs: 10_000 });
    await clock.advance(10_000);
    granted(broker.acquire([rate('r', 5, 10)]));
    let more = 0;
    while (!isShortage(broker.acquire([rate('r', 20, 10)]))) more++;
    expect(more).toBe(19);
  });

  it('refuses a key that is used for two kinds of limits', () => {
    const broker = new DirectBroker(new VirtualClock());
    granted(broker.acquire([slots('x', 1)]));
    expect(() => broker.acquire([rate('x', 1, 1)])).toThrow(RangeError);
  });

  it('does not keep counters of places that are gone', async () => {
    const clock = new VirtualClock();
    const broker = new DirectBroker(clock);
    for (let i = 0; i < 20_000; i++) {
      granted(broker.acquire([slots(`slots ${i}`, 1), rate(`rate ${i}`, 1, 1)])).release();
      if (i % 1000 === 0) await clock.advance(2000);
    }
    expect([...broker.keys()].length).toBeLessThan(5000);
  });
});

/** Everything in one list, looked through every time. */
class Naive {
  readonly held: { key: string }[] = [];
  readonly spent: { key: string; at: number }[] = [];

  may(limits: readonly Limit[], now: number): boolean {
    return limits.every((limit) =>
      limit.kind === 'slots'
        ? this.held.filter((h) => h.key === limit.key).length < limit.limit
        : this.spent.filter((s) => s.key === limit.key && s.at > now - limit.seconds * 1000).length < limit.count,
    );
  }

  take(limits: readonly Limit[], now: number): void {
    for (const limit of limits) {
      if (limit.kind === 'slots') this.held.push({ key: limit.key });
      else this.spent.push({ key: limit.key, at: now });
    }
  }

  release(limits: readonly Limit[]): void {
    for (const limit of limits) {
      if (limit.kind !== 'slots') continue;
      this.held.splice(
        this.held.findIndex((h) => h.key === limit.key),
        1,
      );
    }
  }
}

const POOL: readonly Limit[] = [slots('a', 1), slots('b', 2), slots('c', 5), rate('x', 1, 1), rate('y', 3, 2), rate('z', 10, 5)];

describe('direct broker against brute force', () => {
  it('grants exactly what a list of everything would grant, and loses no waiter', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('acquire' as const), what: fc.subarray([...POOL], { minLength: 1 }) }),
      fc.record({ do: fc.constant('release' as const), which: fc.nat(20) }),
      fc.record({ do: fc.constant('pass' as const), ms: fc.nat(3000) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const clock = new VirtualClock();
        const broker = new DirectBroker(clock);
        const naive = new Naive();
        const held: { permit: Permit; limits: readonly Limit[] }[] = [];
        let waiting = 0;
        const enter = (limits: readonly Limit[]): void => {
          const may = naive.may(limits, clock.mono());
          const answer = broker.acquire(limits);
          expect(!isShortage(answer)).toBe(may);
          if (!isShortage(answer)) {
            naive.take(limits, clock.mono());
            held.push({ permit: answer, limits });
            return;
          }
          waiting++;
          broker.wait(answer, () => {
            waiting--;
            enter(limits);
          });
        };
        const leave = (at: number): void => {
          const [one] = held.splice(at, 1);
          if (!one) return;
          naive.release(one.limits);
          one.permit.release();
        };
        for (const s of steps) {
          if (s.do === 'acquire') enter(s.what);
          else if (s.do === 'release') leave(held.length > 0 ? s.which % held.length : 0);
          else await clock.advance(s.ms);
        }
        // Everybody who still waits gets in when the others leave and time passes.
        for (let round = 0; waiting > 0 && round < 500; round++) {
          while (held.length > 0) leave(0);
          await clock.advance(500);
        }
        expect(waiting).toBe(0);
      }),
      { numRuns: 150 },
    );
  });
});
