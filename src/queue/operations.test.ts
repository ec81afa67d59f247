import { describe, expect, it } from 'vitest';
import type { Copy } from '../module/copy.js';
import { idsOf, Rig } from './fixture.js';

const MINUTE = 60_000;

/** Some domains with due, delayed and in-flight mail. */
async function fill(): Promise<{ rig: Rig; inFlight: readonly Copy[] }> {
  const rig = new Rig();
  rig.receive('a.example', 4);
  const delayed = rig.take('a.example', 4);
  rig.receive('b.example', 2);
  await rig.clock.advance(1000);
  for (const mail of delayed.slice(0, 3)) rig.queue.defer(mail, '451 later');
  rig.receive('a.example', 2);
  return { rig, inFlight: delayed.slice(3) };
}

describe('queue operations', () => {
  it('counts by place, domain and in all', async () => {
    const { rig } = await fill();
    rig.receive('b.example', 1, { place: rig.place('b.example', 'other') });
    const { views } = rig.queue;
    expect(views.summary()).toMatchObject({ active: 6, delayed: 3, inFlight: 1, held: 0, total: 9, domains: 2, places: 3 });
    expect(views.places({}, 2).map(({ domain, active, delayed }) => [domain, active, delayed])).toEqual([
      ['a.example', 3, 3],
      ['b.example', 2, 0],
    ]);
    expect(views.domains().map(({ domain, total }) => [domain, total])).toEqual([
      ['a.example', 6],
      ['b.example', 3],
    ]);
    expect(views.places({ binding: 'other' })).toHaveLength(1);
    expect(views.oldest()).toBe(rig.clock.now() - 1000);
    expect(views.oldest({ domain: 'none.example' })).toBeUndefined();
  });

  it('shows mails in the order they will go, by pages', async () => {
    const { rig } = await fill();
    const all = await rig.queue.views.mails({ domain: 'a.example' }, 100);
    expect(all.map((row) => row.state)).toEqual(['in flight', 'active', 'active', 'delayed', 'delayed', 'delayed']);
    expect(all[3]).toMatchObject({
      attempts: 1,
      nextAttempt: rig.clock.now() + 20 * MINUTE,
      sender: 'sender@example.org',
      recipient: 'r0@a.example',
    });
    const pages = [];
    for (let offset = 0; offset < 8; offset += 2) pages.push(...(await rig.queue.views.mails({ domain: 'a.example' }, 2, offset)));
    expect(pages).toEqual(all);
  });

  it('flushes: due at once, counts kept', async () => {
    const { rig } = await fill();
    expect(rig.queue.operations.flush({ domain: 'a.example' })).toBe(3);
    expect(rig.queue.operations.flush({ domain: 'a.example' })).toBe(0);
    expect(rig.queue.waiting(rig.place('a.example'))).toBe(5);
    const ids = [...rig.take('a.example'), ...rig.take('a.example')];
    expect(ids.map((mail) => mail.attempts)).toEqual([0, 0, 1, 1, 1]);
  });

  it('spreads a flush over the fuzz', async () => {
    const { rig } = await fill();
    rig.set({ delayed_binding_domain_fuzz: 64 });
    rig.queue.operations.flush({});
    await rig.clock.advance(31_000);
    expect(rig.queue.waiting(rig.place('a.example'))).toBe(2);
    await rig.clock.advance(1000);
    expect(rig.queue.waiting(rig.place('a.example'))).toBe(5);
  });

  it('retries one, delays many', async () => {
    const { rig, inFlight } = await fill();
    const rows = await rig.queue.views.mails({ domain: 'a.example' }, 100);
    rig.queue.operations.retry(rows[3]?.id ?? '');
    expect(rig.queue.waiting(rig.place('a.example'))).toBe(3);
    expect(() => rig.queue.operations.retry('nobody')).toThrow('no message nobody in the queue');
    expect(() => rig.queue.operations.retry(inFlight[0]?.id ?? '')).toThrow('being delivered');
    expect(rig.queue.operations.delay({}, 600, '451 operator')).toBe(5);
    expect(rig.queue.views.summary()).toMatchObject({ active: 1, delayed: 7 });
    await rig.clock.advance(601_000);
    expect(rig.queue.views.summary()).toMatchObject({ active: 6, delayed: 2 });
  });

  it('stops places for a while, or until they are let go', async () => {
    const rig = new Rig();
    rig.queue.operations.stop({ domain: 'a.example' }, 'their request', 600);
    rig.queue.operations.stop({ binding: 'default' }, 'maintenance');
    rig.receive('a.example', 1);
    rig.receive('b.example', 1);
    await rig.turn();
    expect(rig.carrier.woken).toEqual([]);
    expect(rig.queue.operations.stops()).toHaveLength(2);
    expect(rig.queue.views.places().map((row) => row.stopped)).toEqual(['stopped', 'stopped']);
    expect(rig.queue.operations.lift({ binding: 'default' })).toBe(true);
    expect(rig.queue.operations.lift({ binding: 'default' })).toBe(false);
    await rig.turn();
    expect(rig.carrier.woken).toEqual(['b.example']);
    await rig.clock.advance(601_000);
    expect(rig.carrier.woken).toContain('a.example');
    expect(rig.queue.operations.stops()).toEqual([]);
    expect(rig.take('a.example')).toHaveLength(1);
  });

  it('moves mail to another binding or domain, delayed mail at its old time', async () => {
    const { rig } = await fill();
    expect(() => rig.queue.operations.move({}, {})).toThrow('nothing says where');
    expect(rig.queue.operations.move({ domain: 'a.example' }, { domain: 'c.example' })).toBe(5);
    expect(rig.queue.operations.move({ domain: 'c.example' }, { domain: 'c.example' })).toBe(0);
    await rig.turn();
    expect(rig.carrier.woken).toContain('c.example');
    const [first] = rig.take('c.example');
    expect(first?.place).toBe(rig.place('c.example'));
    expect(rig.spool.kept.get(first?.ticket ?? -1)?.place.domain).toBe('c.example');
    await rig.clock.advance(20 * MINUTE);
    expect(rig.queue.waiting(rig.place('c.example'))).toBe(3);
  });
});

describe('failing mail', () => {
  it('takes it out of delivery at once, tells each once, and knows what is in flight', async () => {
    const { rig, inFlight } = await fill();
    const done = rig.queue.operations.fail({ domain: 'a.example' }, { reply: '554 enough', quiet: false });
    expect(rig.take('a.example')).toEqual([]);
    expect(rig.queue.waiting(rig.place('a.example'))).toBe(0);
    expect(rig.queue.views.summary()).toMatchObject({ ending: 5, inFlight: 1 });
    const [mail] = inFlight;
    if (!mail) throw new Error('one in flight');
    await rig.clock.advance(1000);
    expect(await done).toBe(6);
    await rig.clock.advance(1000);
    await rig.queue.settle();
    expect(rig.failed).toHaveLength(5);
    expect(rig.failed.every(({ reply, quiet }) => reply === '554 enough' && !quiet)).toBe(true);
    // Its connection answers later: delivery ends it with the operator's note.
    expect(rig.queue.defer(mail, '451 later')).toEqual({ outcome: 'failed', reply: '554 enough' });
    rig.deliver(mail);
    expect(rig.queue.views.summary().total).toBe(2);
  });

  it('a mail in flight that is delivered after all counts as delivered; one that comes back untried is ended', async () => {
    const rig = new Rig();
    rig.receive('example.com', 3);
    const [a, b, c] = rig.take();
    if (!a || !b || !c) throw new Error('three in flight');
    const done = rig.queue.operations.fail({}, { reply: '554 enough', quiet: true });
    await rig.clock.advance(10);
    expect(await done).toBe(3);
    rig.deliver(a);
    rig.queue.putBack([b]);
    expect(rig.queue.defer(c, '451 later')).toEqual({ outcome: 'deferred', reply: '451 later' });
    await rig.clock.advance(1000);
    await rig.queue.settle();
    expect(rig.failed).toEqual([
      { id: b.id, reply: '554 enough', quiet: true },
      { id: c.id, reply: '554 enough', quiet: true },
    ]);
    expect(rig.queue.size).toBe(0);
    expect(rig.spool.kept.size).toBe(0);
  });

  it('goes on after a crash with those that were not told yet, with the same note, and delivers none of them', async () => {
    const told: string[] = [];
    let calls = 0;
    const rig = new Rig(
      {},
      {
        failed: async (mail) => {
          if (++calls > 20) return new Promise(() => {});
          rig.spool.gone(mail.ticket);
          told.push(mail.id);
        },
      },
    );
    const mails = rig.receive('example.com', 50);
    const done = rig.queue.operations.fail({}, { reply: '554 by hand', quiet: true });
    expect(await done).toBe(50);
    await rig.turn(20);
    expect(told).toHaveLength(20);
    const again = await rig.restart();
    await again.clock.advance(10 * MINUTE);
    await again.queue.settle();
    expect(await again.queue.take(again.place(), 10)).toEqual([]);
    expect(again.failed).toHaveLength(30);
    expect(again.failed.every(({ reply, quiet }) => reply === '554 by hand' && quiet)).toBe(true);
    expect([...told, ...again.failed.map(({ id }) => id)].sort()).toEqual(idsOf(mails).sort());
    expect(again.spool.kept.size).toBe(0);
  });

  it('tries an end again that could not be made', async () => {
    let broken = true;
    const rig = new Rig(
      {},
      {
        failed: async (mail) => {
          if (broken) throw new Error('disk full');
          rig.spool.gone(mail.ticket);
        },
      },
    );
    const [mail] = rig.receive('example.com', 1);
    const done = rig.queue.operations.failOne(mail?.id ?? '');
    await rig.clock.advance(1000);
    await done;
    expect(rig.queue.views.summary().ending).toBe(1);
    expect(rig.queue.views.why(mail?.id ?? '').code).toBe('ending');
    broken = false;
    await rig.clock.advance(31_000);
    await rig.queue.settle();
    expect(rig.queue.size).toBe(0);
  });

  it('is not held up by an end that hangs, and takes it when it comes after all', async () => {
    let finish = (): void => {};
    const rig: Rig = new Rig(
      {},
      {
        failed: async (mail) => {
          if (mail.id === 'id0') await new Promise<void>((done) => (finish = done));
          rig.spool.gone(mail.ticket);
        },
      },
    );
    rig.receive('example.com', 40);
    await rig.queue.operations.fail({});
    await rig.turn(10);
    expect(rig.queue.size).toBe(25);
    await rig.clock.advance(120_000);
    await rig.turn(10);
    expect(rig.queue.size).toBe(1);
    finish();
    await rig.turn();
    expect(rig.queue.size).toBe(0);
  });

  it('does not lose the turn of others: ten thousand are ended a few at a time', async () => {
    let most = 0;
    let now = 0;
    const rig = new Rig(
      {},
      {
        failed: async (mail) => {
          most = Math.max(most, ++now);
          await new Promise((done) => setImmediate(done));
          rig.spool.gone(mail.ticket);
          now--;
        },
      },
    );
    rig.receive('example.com', 10_000);
    await rig.queue.operations.fail({});
    await rig.queue.settle();
    expect(rig.queue.size).toBe(0);
    expect(most).toBeLessThanOrEqual(16);
  });
});
