import { describe, expect, it } from 'vitest';
import { configureText } from '../config/configure.js';
import { bodyOf } from '../module/copy.js';
import { idsOf, Rig } from './fixture.js';
import { NOT_ATTEMPTED, TOO_MANY } from './retry.js';

const MINUTE = 60_000;

describe('queue: what goes out', () => {
  it('gives copies of one reception together and others apart, in order', () => {
    const rig = new Rig();
    const first = rig.receive('example.com', 3);
    const second = rig.receive('example.com', 2);
    expect(rig.queue.waiting(rig.place())).toBe(5);
    expect(rig.take()).toEqual(first);
    expect(rig.take()).toEqual(second);
    expect(rig.take()).toEqual([]);
    expect(rig.queue.waiting(rig.place())).toBe(0);
    expect(rig.queue.size).toBe(5);
  });

  it('keeps to max, and to the place', () => {
    const rig = new Rig();
    rig.receive('example.com', 5);
    rig.receive('example.net', 1);
    expect(rig.take('example.com', 2)).toHaveLength(2);
    expect(rig.take('example.com', 100)).toHaveLength(3);
    expect(rig.take('example.net', 100)).toHaveLength(1);
    expect(rig.take('example.net', 0)).toEqual([]);
  });

  it('finds the rest of a transaction behind a few other mails', () => {
    const rig = new Rig();
    const both = rig.receive('example.com', 2);
    const taken = rig.take('example.com', 1);
    rig.receive('example.com', 1);
    rig.queue.putBack(taken);
    expect(idsOf(rig.take())).toEqual(idsOf(both));
  });

  it('does not join mails whose header or body was changed', () => {
    const rig = new Rig();
    const [a, b, c] = rig.receive('example.com', 3);
    if (!a || !b || !c) throw new Error('three copies');
    b.content = bodyOf([Buffer.from('other\r\n')]);
    c.headers = c.headers.clone();
    c.headers.prepend('X-Only', 'c');
    expect([rig.take(), rig.take(), rig.take()]).toEqual([[a], [b], [c]]);
  });

  it('lets priority 1 go first', () => {
    const rig = new Rig();
    const [slow] = rig.receive('example.com', 1);
    const [fast] = rig.receive('example.com', 1, { priority: 1 });
    expect([rig.take(), rig.take()]).toEqual([[fast], [slow]]);
  });

  it('puts back to the front, in order, and wakes the place again', async () => {
    const rig = new Rig();
    const mails = rig.receive('example.com', 3);
    rig.receive('example.com', 1);
    const taken = rig.take('example.com', 2);
    await rig.turn();
    rig.carrier.woken.length = 0;
    rig.queue.putBack(taken);
    await rig.turn();
    expect(rig.carrier.woken).toEqual(['example.com']);
    expect(rig.take()).toEqual(mails);
  });

  it('wakes a place once a turn', async () => {
    const rig = new Rig();
    rig.receive('example.com', 10);
    rig.receive('example.net', 10);
    expect(rig.carrier.woken).toEqual([]);
    await rig.turn();
    expect(rig.carrier.woken).toEqual(['example.com', 'example.net']);
    await rig.clock.advance(60 * MINUTE);
    expect(rig.queue.wakes).toBe(2);
  });

  it('forgets a mail that is released, whatever came to its ticket since', () => {
    const rig = new Rig();
    const [old] = rig.receive('example.com', 1);
    if (!old) throw new Error('one copy');
    rig.take();
    rig.spool.gone(old.ticket);
    const [young] = rig.receive('example.com', 1);
    expect(young?.ticket).toBe(old.ticket);
    rig.queue.release(old);
    rig.queue.putBack([old]);
    expect(rig.take()).toEqual([young]);
    expect(rig.queue.size).toBe(1);
  });

  it('refuses a mail without a ticket or a place', () => {
    const rig = new Rig();
    const [mail] = rig.receive('example.com', 1);
    expect(() => rig.queue.insert(Object.assign(mail as object, { ticket: -1 }) as never)).toThrow(RangeError);
  });
});

describe('queue: what comes back', () => {
  it('waits for the back-off, then is due at once and wakes its place', async () => {
    const rig = new Rig();
    rig.receive('example.com', 1);
    const [mail] = rig.take();
    if (!mail) throw new Error('one mail');
    await rig.turn();
    rig.carrier.woken.length = 0;
    expect(rig.queue.defer(mail, '451 later')).toEqual({ outcome: 'deferred', reply: '451 later' });
    expect(mail).toMatchObject({ attempts: 1, lastReply: '451 later', nextAttempt: rig.clock.now() + 20 * MINUTE });
    expect(rig.spool.kept.get(mail.ticket)).toMatchObject({ attempts: 1, lastReply: '451 later', nextAttempt: mail.nextAttempt });
    await rig.clock.advance(20 * MINUTE - 1);
    expect(rig.queue.waiting(rig.place())).toBe(0);
    await rig.clock.advance(1);
    await rig.turn();
    expect(rig.queue.waiting(rig.place())).toBe(1);
    expect(rig.carrier.woken).toEqual(['example.com']);
    expect(rig.take()).toEqual([mail]);
  });

  it('doubles the wait each time and keeps to its place in the order of time', async () => {
    const rig = new Rig({ retry_interval: 60 });
    const [a] = rig.receive('example.com', 1);
    if (!a) throw new Error('one mail');
    rig.take();
    rig.queue.defer(a, '451 a');
    await rig.clock.advance(MINUTE);
    expect(rig.take()).toEqual([a]);
    rig.queue.defer(a, '451 a');
    expect(a.nextAttempt - rig.clock.now()).toBe(2 * MINUTE);
    const [b] = rig.receive('example.com', 1);
    await rig.clock.advance(2 * MINUTE);
    const [c] = rig.receive('example.com', 1);
    expect([rig.take(), rig.take(), rig.take()]).toEqual([[b], [a], [c]]);
  });

  it('answers failed with the words of the rule and keeps the mail taken until it is released', () => {
    const rig = new Rig({ max_retries: 0 });
    rig.receive('example.com', 1);
    const [mail] = rig.take();
    if (!mail) throw new Error('one mail');
    expect(rig.queue.defer(mail, '451 later')).toEqual({ outcome: 'failed', reply: TOO_MANY });
    expect(rig.take()).toEqual([]);
    expect(rig.queue.size).toBe(1);
    rig.deliver(mail);
    expect(rig.queue.size).toBe(0);
  });

  it('takes schedule and next attempt from the hooks when they answer', () => {
    const rig = new Rig(
      {},
      {
        schedule: () => ({ expirationSeconds: 1e6, intervalSeconds: 7, retries: 'none' }),
        nextAttempt: (mail, now) => (mail.attempts === 2 ? now + 5000 : undefined),
      },
    );
    rig.receive('example.com', 1);
    const [mail] = rig.take();
    if (!mail) throw new Error('one mail');
    rig.queue.defer(mail, '451 later');
    expect(mail.nextAttempt - rig.clock.now()).toBe(7000);
    rig.queue.operations.flush({});
    rig.take();
    rig.queue.defer(mail, '451 later');
    expect(mail.nextAttempt - rig.clock.now()).toBe(5000);
  });

  it('does not attempt what has expired where that is configured', async () => {
    const rig = new Rig({ never_attempt_expired_messages: true, message_expiration: 600 });
    const [old] = rig.receive('example.com', 2);
    await rig.clock.advance(601_000);
    const [young] = rig.receive('example.com', 1);
    expect(rig.take()).toEqual([young]);
    await rig.clock.advance(1000);
    await rig.queue.settle();
    expect(rig.failed).toHaveLength(2);
    expect(rig.failed[0]).toEqual({ id: old?.id, reply: NOT_ATTEMPTED, quiet: false });
    expect(rig.queue.size).toBe(1);
  });

  it('gives an expired message its last attempt by default', async () => {
    const rig = new Rig({ message_expiration: 600 });
    rig.receive('example.com', 1);
    await rig.clock.advance(1e9);
    expect(rig.take()).toHaveLength(1);
  });

  it('delays a whole place until a time, with its reply, and spreads it by the fuzz', async () => {
    const rig = new Rig({ delayed_binding_domain_fuzz: 64 });
    rig.receive('example.com', 5000);
    const until = rig.clock.now() + 10 * MINUTE;
    rig.queue.delay(rig.place(), until, '421 4.4.0 [internal] no MXs');
    expect(rig.queue.waiting(rig.place())).toBe(0);
    await rig.turn();
    await rig.turn();
    expect(rig.spool.changes).toBe(5000);
    expect(rig.spool.kept.get(4999)).toMatchObject({ attempts: 0, nextAttempt: until + 32_000, lastReply: '421 4.4.0 [internal] no MXs' });
    await rig.clock.advance(10 * MINUTE + 31_900);
    expect(rig.queue.waiting(rig.place())).toBe(0);
    await rig.clock.advance(100);
    expect(rig.queue.waiting(rig.place())).toBe(5000);
  });
});

describe('queue: when nothing may go', () => {
  it('does not give nor wake a suspended place, and wakes it when a reload lifts that', async () => {
    const rig = new Rig({ suspend_delivery: true });
    rig.receive('example.com', 1);
    await rig.turn();
    expect(rig.carrier.woken).toEqual([]);
    expect(rig.take()).toEqual([]);
    expect(rig.queue.waiting(rig.place())).toBe(0);
    rig.set({ suspend_delivery: false });
    await rig.turn();
    expect(rig.carrier.woken).toEqual(['example.com']);
    expect(rig.take()).toHaveLength(1);
  });

  it('gives nothing while outcomes cannot be recorded', async () => {
    const rig = new Rig();
    rig.spool.block('disk full');
    rig.receive('example.com', 1);
    await rig.turn();
    expect(rig.carrier.woken).toEqual([]);
    expect(rig.take()).toEqual([]);
    rig.spool.block(undefined);
    await rig.turn();
    expect(rig.carrier.woken).toEqual(['example.com']);
    expect(rig.take()).toHaveLength(1);
  });

  it('stores quarantined mail and never gives it, until it is released', async () => {
    const rig = new Rig();
    const [mail] = rig.receive('example.com', 1, { quarantined: 'virus' });
    if (!mail) throw new Error('one mail');
    expect(rig.take()).toEqual([]);
    expect(rig.queue.views.summary()).toMatchObject({ held: 1, active: 0, total: 1 });
    // A crash may cut the mark off; the record itself still says it.
    for (const mark of ['kept', 'lost']) {
      if (mark === 'lost') rig.spool.change(mail.ticket, 0, 0, '');
      const again = await rig.restart();
      await again.turn(5);
      expect(again.queue.views.summary().held).toBe(mark === 'kept' ? 1 : 0);
      await again.clock.advance(MINUTE);
      expect(await again.queue.take(again.place(), 10)).toEqual([]);
      expect(again.queue.views.summary()).toMatchObject({ held: 1, active: 0 });
    }
    const again = await rig.restart();
    expect(() => again.queue.operations.retry(mail.id)).toThrow('is set aside');
    expect(await again.queue.views.details(mail.id)).toMatchObject({
      state: 'held',
      quarantined: 'virus',
      why: { code: 'held', text: 'set aside: virus' },
    });
    await again.queue.operations.release(mail.id);
    expect(idsOf(again.take())).toEqual([mail.id]);
    expect(again.spool.kept.size).toBe(1);
    expect([...again.spool.kept.values()][0]?.mail.quarantined).toBeUndefined();
  });
});

describe('queue: what is in memory', () => {
  it('counts bytes exactly: what copies share counts once', () => {
    const rig = new Rig();
    const body = bodyOf([Buffer.alloc(1000)]);
    const [one] = rig.receive('example.com', 10, {}, body);
    const header = one?.headers.bytes().length ?? 0;
    expect(rig.queue.memory()).toMatchObject({ entries: 10, residentMails: 10, residentBytes: 1000 + header });
    for (const mail of rig.take('example.com', 9)) rig.deliver(mail);
    expect(rig.queue.memory()).toMatchObject({ entries: 1, residentBytes: 1000 + header });
    for (const mail of rig.take()) rig.deliver(mail);
    expect(rig.queue.memory()).toMatchObject({ entries: 0, residentMails: 0, residentBytes: 0 });
  });

  it('keeps no more than the limits and reads the rest back, in order and as batches', async () => {
    const rig = new Rig({ max_resident_active_queue: 10 });
    const mails = rig.receive('example.com', 30);
    expect(rig.queue.memory().residentMails).toBe(10);
    const ids: string[] = [];
    for (let i = 0; i < 4; i++) ids.push(...idsOf(await rig.queue.take(rig.place(), 100)));
    expect(ids).toEqual(idsOf(mails));
    expect(rig.spool.reads).toBe(20);
  });

  it('keeps nothing with a limit of 0 and everything with −1', () => {
    const none = new Rig({ max_resident_active_queue: 0 });
    none.receive('example.com', 3);
    expect(none.queue.memory().residentMails).toBe(0);
    const all = new Rig({ max_resident_active_queue: -1, max_resident_messages: 0 });
    all.receive('example.com', 1000);
    expect(all.queue.memory().residentMails).toBe(1000);
    const few = new Rig({ max_resident_active_queue: -1, max_resident_messages: 7 });
    few.receive('example.com', 1000);
    expect(few.queue.memory().residentMails).toBe(7);
  });

  it('lets a body go after the third failure and reads it back', async () => {
    const rig = new Rig({ drop_body_after_trans_fail: 3 });
    rig.receive('example.com', 1);
    for (const expected of [1, 1, 0]) {
      const [mail] = await rig.queue.take(rig.place(), 1);
      if (!mail) throw new Error('one mail');
      rig.queue.defer(mail, '451 later');
      expect(rig.queue.memory().residentMails).toBe(expected);
      rig.queue.operations.flush({});
    }
    const pending = rig.queue.take(rig.place(), 1);
    expect(rig.queue.waiting(rig.place())).toBe(0);
    expect(rig.take()).toEqual([]);
    const [mail] = await pending;
    expect(mail).toMatchObject({ attempts: 3, lastReply: '451 later' });
  });

  it('shrinks to what it is told to', () => {
    const rig = new Rig();
    for (let i = 0; i < 10; i++) rig.receive(`d${i}.example`, 1, {}, bodyOf([Buffer.alloc(1000)]));
    rig.queue.shrink(3100);
    expect(rig.queue.memory().residentBytes).toBeLessThanOrEqual(3100);
    expect(rig.queue.memory().residentMails).toBe(3);
    rig.queue.shrink(0);
    expect(rig.queue.memory().residentMails).toBe(0);
  });

  it('asks again later for what cannot be read', async () => {
    const rig = new Rig({ max_resident_active_queue: 0 });
    rig.receive('example.com', 2);
    rig.spool.broken = new Error('EIO');
    expect(await rig.queue.take(rig.place(), 10)).toEqual([]);
    expect(rig.unreadable).toEqual([0, 1]);
    expect(rig.queue.waiting(rig.place())).toBe(0);
    rig.spool.broken = undefined;
    await rig.clock.advance(MINUTE + 100);
    expect(await rig.queue.take(rig.place(), 10)).toHaveLength(2);
  });
});

describe('queue: when a record is lost', () => {
  it('sets a damaged one aside and lets an operator end it; forgets one that is gone', async () => {
    const rig = new Rig({ max_resident_active_queue: 0 });
    const [bad, gone, good] = rig.receive('example.com', 3);
    if (!bad || !gone || !good) throw new Error('three mails');
    rig.spool.damaged.add(bad.ticket);
    rig.spool.kept.delete(gone.ticket);
    expect(idsOf(await rig.queue.take(rig.place(), 10))).toEqual([good.id]);
    expect(rig.unreadable).toEqual([bad.ticket, gone.ticket]);
    expect(rig.queue.views.summary()).toMatchObject({ held: 1, inFlight: 1, total: 2 });
    await rig.queue.operations.failOne(bad.id);
    await rig.turn(5);
    expect(rig.queue.size).toBe(1);
    expect(rig.spool.kept.has(bad.ticket)).toBe(false);
    expect(rig.failed).toEqual([]);
  });
});

describe('queue: with a configuration', () => {
  it('reads its options from a real snapshot, place by place', async () => {
    const configured = await configureText(
      'Retry_Interval = 60\nBinding "slow" { Suspend_Delivery = true }\nDomain "example.com" { Max_Retries = 3\n Retry_Interval = 30 }\n',
      { unread: new Set() },
    );
    if (!configured.ok) throw new Error(configured.problems.map((problem) => problem.say).join('\n'));
    const rig = new Rig({}, { snapshot: () => configured.snapshot });
    const [mail] = rig.receive('example.com', 1);
    rig.receive('example.com', 1, { place: rig.place('example.com', 'slow') });
    if (!mail) throw new Error('one mail');
    expect(rig.queue.waiting(rig.place('example.com', 'slow'))).toBe(0);
    expect(rig.take()).toEqual([mail]);
    rig.queue.defer(mail, '451 later');
    expect(mail.nextAttempt - rig.clock.now()).toBe(30_000);
  });
});

describe('queue: after a restart', () => {
  it('has everything again, due mail at once and in order, delayed mail at its time', async () => {
    const rig = new Rig();
    const [a] = rig.receive('example.com', 1);
    const [b] = rig.receive('example.com', 1);
    await rig.clock.advance(5000);
    const [c] = rig.receive('example.com', 1, { priority: 1 });
    rig.take('example.com', 1);
    if (!a || !b || !c) throw new Error('three mails');
    for (const mail of rig.take('example.com', 1)) rig.queue.defer(mail, '451 later');
    const again = await rig.restart();
    await again.clock.advance(200);
    expect(again.queue.waiting(again.place())).toBe(2);
    expect(idsOf(await again.queue.take(again.place(), 1))).toEqual([c.id]);
    expect(idsOf(await again.queue.take(again.place(), 1))).toEqual([b.id]);
    await again.clock.advance(20 * MINUTE);
    expect(idsOf(await again.queue.take(again.place(), 1))).toEqual([a.id]);
  });

  it('does not believe a time far ahead', async () => {
    const rig = new Rig({ message_expiration: 3600, max_retry_interval: 600 });
    const [mail] = rig.receive('example.com', 1);
    rig.spool.change(mail?.ticket ?? -1, 1, rig.clock.now() + 1e10, '451');
    const again = await rig.restart();
    await again.clock.advance(3_600_100);
    expect(again.queue.waiting(again.place())).toBe(1);
  });
});
