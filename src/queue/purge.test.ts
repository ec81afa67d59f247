import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../kernel/virtual-clock.js';
import type { Copy } from '../module/copy.js';
import { MapSpool, Rig, SweepingSpool } from './fixture.js';
import type { QueuePorts } from './mail-queue.js';
import { MARKS } from './marks.js';

const NOTE = { reply: '554 5.7.0 enough', quiet: false };
const FULL = process.env.SCALE === 'full';
const MANY = FULL ? 1_000_000 : 20_000;

/** Nothing is ended before the test allows it, as if the disk were slow. */
function gated() {
  let open: () => void = () => {};
  const gate = new Promise<void>((done) => {
    open = done;
  });
  return { gate, open: () => open() };
}

describe('the purge of a domain', () => {
  it.each([
    ['one record', new SweepingSpool(), 1],
    ['a record for each where the spool has no other', new MapSpool(), 500],
  ])('takes %s, counts at once, and its notices survive a crash', async (_, spool, records) => {
    const { gate } = gated();
    const rig = new Rig({}, { failed: () => gate }, { clock: new VirtualClock(), spool });
    rig.receive('a.test', 400);
    rig.receive('b.test', 3);
    const flying = rig.take('a.test', 1);
    rig.receive('a.test', 101, { nextAttempt: rig.clock.now() + 60_000 });
    const before = spool.changes;
    const done = rig.queue.operations.fail({ domain: 'a.test' }, NOTE);
    expect(rig.queue.waiting(rig.place('a.test'))).toBe(0);
    expect(rig.queue.views.summary()).toMatchObject({ ending: 500, inFlight: 1, active: 4 });
    await rig.turn(4);
    expect(await done).toBe(501);
    expect(spool.changes - before).toBe(records);

    // What was in flight when the purge was written, and had arrived before the crash, is gone.
    for (const mail of flying) rig.deliver(mail);
    const after = await rig.restart();
    expect(after.queue.waiting(after.place('a.test'))).toBe(0);
    expect(after.queue.waiting(after.place('b.test')) + after.queue.views.summary().delayed).toBe(3);
    await after.turn(60);
    await after.queue.settle();
    expect(after.failed).toHaveLength(500);
    expect(after.failed.every(({ reply, quiet }) => reply === NOTE.reply && !quiet)).toBe(true);
    expect(after.queue.size).toBe(3);
  });

  it('concerns nobody who comes later', async () => {
    const rig = new Rig({}, {}, { clock: new VirtualClock(), spool: new SweepingSpool() });
    rig.receive('a.test', 2);
    await rig.queue.operations.fail({ domain: 'a.test' }, NOTE);
    const [fresh] = rig.receive('a.test', 1);
    await rig.queue.settle();
    expect(rig.failed).toHaveLength(2);
    expect(rig.take('a.test')).toEqual([fresh]);
  });

  it('of what is still being found loses nobody who got the ticket of one that ended', async () => {
    const { gate, open } = gated();
    const ended: string[] = [];
    const failed: QueuePorts['failed'] = async (mail) => {
      ended.push(mail.id);
      // On the medium only later; its ticket is free at once.
      if (ended.length === 1) await gate;
    };
    const rig = new Rig({}, { failed }, { clock: new VirtualClock(), spool: new SweepingSpool() });
    const [first, second] = rig.receive('a.test', 2, { nextAttempt: rig.clock.now() + 60_000 });
    const other = second && rig.spool.kept.get(second.ticket);
    if (!first || !other) throw new Error('no mail');
    const after = new Rig({}, { failed }, { clock: rig.clock, spool: rig.spool });
    const find = ({ ticket }: Copy): void =>
      after.queue.found(ticket, { group: 'default', binding: 'default', domain: 'a.test' }, 0, MARKS['ending quietly'], 0, 0, false);
    find(first);
    await after.turn(5);
    expect(ended).toEqual([first.id]);
    rig.spool.kept.set(first.ticket, other);
    find(first);
    open();
    await after.turn(5);
    await after.queue.settle();
    expect(ended).toHaveLength(2);
    expect(after.queue.size).toBe(0);
  });

  it(`of ${MANY} messages leaves delivery at once; recovery goes on with as many in one batch`, async () => {
    const spool = new SweepingSpool();
    const { gate } = gated();
    const rig = new Rig({ max_resident_active_queue: 0 }, { failed: () => gate }, { clock: new VirtualClock(), spool });
    rig.receive('a.test', MANY);
    const begun = performance.now();
    const done = rig.queue.operations.fail({ domain: 'a.test' }, NOTE);
    const atOnce = performance.now() - begun;
    await done;
    const began = performance.now();
    const after = await rig.restart({}, { failed: () => gate });
    const recovery = performance.now() - began;
    if (FULL)
      process.stdout.write(`${MANY} messages: out of delivery in ${atOnce.toFixed(0)} ms, found again in ${recovery.toFixed(0)} ms\n`);
    expect(after.queue.views.summary().ending).toBe(MANY);
    // A message takes microseconds in either; a walk over all for each would take minutes.
    expect(atOnce + recovery).toBeLessThan(MANY / 20 + 2000);
  });
});
