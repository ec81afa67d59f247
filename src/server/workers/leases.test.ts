/** Permits behave the same whether taken directly or leased over a channel, and no two workers together exceed a limit. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../kernel/virtual-clock.js';
import { type Broker, isShortage, type Limit, type Permit } from '../../module/permit.js';
import { DirectBroker } from '../broker.js';
import { memoryChannel } from './channel.js';
import type { LeaseAnswer, LeaseAsk } from './lease.js';
import { LeaseOffice } from './lease-office.js';
import { LeasedBroker } from './leased-broker.js';

const slots = (key: string, limit: number): Limit => ({ kind: 'slots', key, limit });
const rate = (key: string, count: number, seconds: number): Limit => ({ kind: 'rate', key, count, seconds });

interface Worker {
  readonly broker: LeasedBroker;
  /** Slots that others wait for, as it was told. */
  readonly wanted: Set<string>;
  /** Dies: sockets and leases are gone. */
  kill(): void;
}

/** A worker that leases from an office, messages being `delayMs` under way. */
function hire(office: LeaseOffice, clock: VirtualClock, delayMs = 1): Worker {
  const channel = memoryChannel(clock, delayMs);
  const [ours, theirs] = channel.ends;
  const customer = office.join((answer) => theirs.send([answer]));
  theirs.onMessage((asks) => customer.take(asks as LeaseAsk[]));
  const wanted = new Set<string>();
  const broker = new LeasedBroker({
    clock,
    send: (asks) => ours.send(asks),
    soon: (task) => void clock.after(0, task),
    wanted: (key, elsewhere) => void (elsewhere ? wanted.add(key) : wanted.delete(key)),
  });
  ours.onMessage((answers) => broker.hear(answers as LeaseAnswer[]));
  return {
    broker,
    wanted,
    kill() {
      channel.cut();
      customer.leave();
    },
  };
}

/** Asks until there is a permit, as delivery does. */
function obtain(broker: Broker, limits: readonly Limit[], got: (permit: Permit) => void): () => void {
  let cancel = (): void => {};
  const tryIt = (): void => {
    const answer = broker.acquire(limits);
    if (isShortage(answer)) cancel = broker.wait(answer, tryIt);
    else got(answer);
  };
  tryIt();
  return () => cancel();
}

const BROKERS: readonly (readonly [string, (clock: VirtualClock) => Broker & { reloaded(): void }])[] = [
  ['taken directly', (clock) => new DirectBroker(clock)],
  ['leased', (clock) => hire(new LeaseOffice(clock), clock).broker],
];

describe.each(BROKERS)('permits %s', (_name, makeBroker) => {
  it('are all of the counters or none', async () => {
    const clock = new VirtualClock();
    const broker = makeBroker(clock);
    const held: Permit[] = [];
    obtain(broker, [slots('server', 1), slots('a', 1)], (permit) => held.push(permit));
    obtain(broker, [slots('server', 1), slots('b', 1)], (permit) => held.push(permit));
    await clock.advance(50);
    expect(held).toHaveLength(1);
    // What waits for the server's counter holds nothing of its own meanwhile.
    obtain(broker, [slots('b', 1)], (permit) => held.push(permit));
    await clock.advance(50);
    expect(held).toHaveLength(2);
  });

  it('of an open socket go over to another place without a moment in which others could have them', async () => {
    const clock = new VirtualClock();
    const broker = makeBroker(clock);
    const server = slots('server', 2);
    const full = slots('full', 1);
    const held: Permit[] = [];
    const keep = (permit: Permit): void => void held.push(permit);
    obtain(broker, [slots('a', 1), server], keep);
    obtain(broker, [full, server], keep);
    await clock.advance(10);
    let waiter = false;
    obtain(broker, [slots('c', 1), server], () => {
      waiter = true;
    });
    await clock.advance(10);
    const [first] = held;
    if (!first) throw new Error('nothing was granted');
    // Refused: what it holds stays held.
    expect(isShortage(broker.exchange(first, [full, server]))).toBe(true);
    await clock.advance(10);
    expect(waiter).toBe(false);
    expect(broker.usage('server')?.used).toBe(2);
    const moved = broker.exchange(first, [slots('b', 1), server]);
    await clock.advance(10);
    expect(waiter).toBe(false);
    expect(broker.usage('server')?.used).toBe(2);
    (isShortage(moved) ? first : moved).release();
    await clock.advance(10);
    expect(waiter).toBe(true);
    expect(broker.usage('a')).toBeUndefined();
  });

  it('come in the order of those who wait, and once for each release', async () => {
    const clock = new VirtualClock();
    const broker = makeBroker(clock);
    const order: number[] = [];
    const held: Permit[] = [];
    for (let i = 0; i < 4; i++)
      obtain(broker, [slots('s', 1)], (permit) => {
        order.push(i);
        held.push(permit);
      });
    await clock.advance(50);
    for (let i = 1; i <= 4; i++) {
      expect(order).toEqual([0, 1, 2, 3].slice(0, i));
      const last = held.at(-1);
      last?.release();
      last?.release();
      await clock.advance(50);
    }
  });

  it('say who is short once that is known', async () => {
    const clock = new VirtualClock();
    const broker = makeBroker(clock);
    obtain(broker, [slots('s', 1)], () => {});
    obtain(broker, [rate('r', 1, 60)], () => {});
    await clock.advance(200);
    let looks = 0;
    for (const limits of [[slots('s', 1)], [rate('r', 1, 60)]]) {
      const first = broker.acquire(limits);
      if (!isShortage(first)) throw new Error('granted');
      // A wake-up stands for news; the second look knows the counter.
      const cancel = broker.wait(first, () => looks++);
      await clock.advance(50);
      cancel();
      const known = broker.acquire(limits);
      if (!isShortage(known)) throw new Error('granted');
      expect(known.key).toBe(limits[0]?.key);
      if (known.key === 's') expect(known.waitMs).toBeUndefined();
      else expect(known.waitMs).toBeGreaterThan(50_000);
    }
  });

  it('that nobody wants any more go to the next', async () => {
    const clock = new VirtualClock();
    const broker = makeBroker(clock);
    const held: Permit[] = [];
    obtain(broker, [slots('s', 1)], (permit) => held.push(permit));
    await clock.advance(50);
    const cancel = obtain(broker, [slots('s', 1)], () => {
      throw new Error('it was given up');
    });
    let got = false;
    obtain(broker, [slots('s', 1)], () => (got = true));
    await clock.advance(50);
    cancel();
    held[0]?.release();
    await clock.advance(50);
    expect(got).toBe(true);
  });

  it('learn a new limit at a reload', async () => {
    const clock = new VirtualClock();
    const broker = makeBroker(clock);
    let most = 1;
    let got = 0;
    const enter = (): void => {
      const answer = broker.acquire([slots('s', most)]);
      if (isShortage(answer)) broker.wait(answer, enter);
      else got++;
    };
    for (let i = 0; i < 3; i++) enter();
    await clock.advance(50);
    expect(got).toBe(1);
    most = 2;
    broker.reloaded();
    await clock.advance(50);
    expect(got).toBe(2);
  });
});

describe('leases', () => {
  it('never let two to four workers hold more than a limit, nor use more than a rate in any window, and use them fully', () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 4 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 5, maxLength: 20 }),
        fc.option(fc.integer({ min: 500, max: 4000 }), { nil: undefined }),
        async (count, most, takes, seconds, holdsMs, killAt) => {
          const clock = new VirtualClock();
          const office = new LeaseOffice(clock);
          const workers = Array.from({ length: count }, (_, i) => hire(office, clock, 1 + i));
          const dead = new Set<Worker>();
          const open = new Map<Worker, number>();
          const uses: number[] = [];
          let turn = 0;
          for (const worker of workers) {
            open.set(worker, 0);
            const connect = (): void =>
              void obtain(worker.broker, [slots('host', most), slots('server', 50)], (permit) => {
                open.set(worker, (open.get(worker) ?? 0) + 1);
                const total = [...open].reduce((sum, [each, now]) => sum + (dead.has(each) ? 0 : now), 0);
                expect(total).toBeLessThanOrEqual(most);
                clock.after(holdsMs[turn++ % holdsMs.length] ?? 1, () => {
                  if (dead.has(worker)) return;
                  open.set(worker, (open.get(worker) ?? 0) - 1);
                  permit.release();
                  connect();
                });
              });
            const send = (): void =>
              void obtain(worker.broker, [rate('pace', takes, seconds)], () => {
                if (dead.has(worker)) return;
                uses.push(clock.mono());
                clock.after((holdsMs[turn++ % holdsMs.length] ?? 1) / 40, send);
              });
            connect();
            connect();
            send();
            send();
          }
          if (killAt !== undefined)
            clock.after(killAt, () => {
              const [victim] = workers;
              if (!victim) return;
              dead.add(victim);
              victim.kill();
            });
          await clock.advance(6000);
          // Nobody stands still: the rate is used, but for the time an answer or a report is under way.
          const windows = Math.floor(6000 / (seconds * 1000 + 150));
          const demand = windows * Math.min(takes, 2 * seconds);
          expect(uses.length).toBeGreaterThanOrEqual(Math.min(demand, takes));
          for (let i = 0; i + takes < uses.length; i++)
            expect((uses[i + takes] as number) - (uses[i] as number)).toBeGreaterThanOrEqual(seconds * 1000);
          expect(office.broker.usage('host')?.used ?? 0).toBeLessThanOrEqual(most);
        },
      ),
      { numRuns: 100 },
    ));

  it('end with their worker, and who waited elsewhere gets the slots', async () => {
    const clock = new VirtualClock();
    const office = new LeaseOffice(clock);
    const first = hire(office, clock);
    const second = hire(office, clock);
    obtain(first.broker, [slots('s', 1)], () => {});
    await clock.advance(20);
    let got = false;
    obtain(second.broker, [slots('s', 1)], () => (got = true));
    await clock.advance(20);
    expect(got).toBe(false);
    first.kill();
    await clock.advance(20);
    expect(got).toBe(true);
    expect(office.broker.usage('s')).toEqual({ used: 1, limit: 1 });
  });

  it('that are idle go back, and those who hold what others wait for hear of it', async () => {
    const clock = new VirtualClock();
    const office = new LeaseOffice(clock);
    const first = hire(office, clock);
    const second = hire(office, clock);
    let held: Permit | undefined;
    obtain(first.broker, [slots('s', 1)], (permit) => (held = permit));
    await clock.advance(20);
    expect(first.wanted.size).toBe(0);
    obtain(second.broker, [slots('s', 1)], (permit) => permit.release());
    await clock.advance(20);
    expect([...first.wanted]).toEqual(['s']);
    expect(second.wanted.size).toBe(0);
    held?.release();
    await clock.advance(20);
    expect(first.wanted.size).toBe(0);
    expect(office.broker.usage('s')).toBeUndefined();
  });

  it('of a rate come in slices that go back unused within 100 ms', async () => {
    const clock = new VirtualClock();
    const office = new LeaseOffice(clock);
    const first = hire(office, clock);
    let used = 0;
    obtain(first.broker, [rate('r', 1000, 1)], () => used++);
    await clock.advance(20);
    for (let i = 0; i < 50; i++) if (!isShortage(first.broker.acquire([rate('r', 1000, 1)]))) used++;
    expect(used).toBe(51);
    expect(office.broker.usage('r')).toEqual({ used: 100, limit: 1000 });
    await clock.advance(100);
    expect(office.broker.usage('r')).toEqual({ used: 51, limit: 1000 });
  });
});
