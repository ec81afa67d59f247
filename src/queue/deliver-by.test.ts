/** Mail with a time for its delivery (RFC 2852): what comes back at that time, and what its sender is told of. */
import { describe, expect, it } from 'vitest';
import { formatDeliverBy } from '../mail/deliver-by.js';
import type { Copy } from '../module/copy.js';
import { Rig } from './fixture.js';
import { TOO_LATE } from './retry.js';

const MINUTE = 60_000;

function open(mode: 'R' | 'N', seconds: number) {
  const late: string[] = [];
  const rig = new Rig({}, { late: (mail) => void late.push(mail.id) });
  const [mail] = rig.receive('example.com', 1);
  mail?.facts.set('deliver_by', formatDeliverBy({ mode, at: rig.clock.now() + seconds * 1000, traced: false }));
  return { rig, late, id: mail?.id ?? '' };
}

const takeOne = (rig: Rig): Copy => {
  const [mail] = rig.take();
  if (!mail) throw new Error('one mail');
  return mail;
};

describe('return by', () => {
  it('is tried at its time at the latest, and comes back then', async () => {
    const { rig, id } = open('R', 300);
    expect(rig.queue.defer(takeOne(rig), '451 no')).toMatchObject({ outcome: 'deferred' });
    await rig.clock.advance(5 * MINUTE);
    expect(rig.take()).toEqual([]);
    await rig.queue.settle();
    expect(rig.failed).toEqual([{ id, reply: TOO_LATE, quiet: false }]);
    expect(rig.queue.size).toBe(0);
  });

  it('comes back from an attempt that ends too late', async () => {
    const { rig } = open('R', 300);
    const mail = takeOne(rig);
    await rig.clock.advance(5 * MINUTE);
    expect(rig.queue.defer(mail, '451 no')).toEqual({ outcome: 'failed', reply: TOO_LATE });
  });

  it('comes back after a restart too, when it has to be read', async () => {
    const { rig, id } = open('R', 300);
    const next = await rig.restart();
    await next.clock.advance(5 * MINUTE);
    expect(await next.queue.take(next.place(), 10)).toEqual([]);
    await next.queue.settle();
    expect(next.failed).toEqual([{ id, reply: TOO_LATE, quiet: false }]);
  });

  it('goes out in time like any other', async () => {
    const { rig } = open('R', 300);
    await rig.clock.advance(5 * MINUTE - 1);
    expect(rig.take()).toHaveLength(1);
  });
});

describe('notify by', () => {
  it('tells of the first attempt behind its time that fails, once, and goes on', async () => {
    const { rig, late, id } = open('N', 300);
    rig.queue.defer(takeOne(rig), '451 no');
    expect(late).toEqual([]);
    await rig.clock.advance(5 * MINUTE);
    expect(rig.queue.defer(takeOne(rig), '451 no')).toMatchObject({ outcome: 'deferred' });
    expect(late).toEqual([id]);
    await rig.clock.advance(24 * 60 * MINUTE);
    rig.queue.defer(takeOne(rig), '451 no');
    expect(late).toEqual([id]);
  });
});
