/** The roll of what waits: everything once, in pieces, without what is set aside or gone. */
import { describe, expect, it } from 'vitest';
import { Rig } from './fixture.js';

function callAll(rig: Rig, piece: number): { ticket: number; domain: string; receivedAt: number }[] {
  const all: { ticket: number; domain: string; receivedAt: number }[] = [];
  for (let from: number | undefined = 0; from !== undefined; ) {
    const roll: ReturnType<Rig['queue']['roll']> = rig.queue.roll(from, piece);
    all.push(...roll.entries.map(({ ticket, place, receivedAt }) => ({ ticket, domain: place.domain, receivedAt })));
    from = roll.next;
  }
  return all;
}

describe('the roll', () => {
  it('is empty for an empty queue', () => {
    expect(callAll(new Rig(), 10)).toEqual([]);
  });

  it('names every mail once, with place and time, whatever the pieces', async () => {
    const rig = new Rig();
    const mails = [...rig.receive('a.test', 3), ...rig.receive('b.test', 2)];
    const [taken] = rig.take('a.test', 1);
    if (taken) rig.queue.defer(taken, '451 later');
    const expected = mails.map((mail) => ({ ticket: mail.ticket, domain: mail.place.domain, receivedAt: mail.reception.receivedAt }));
    for (const piece of [1, 2, 7, 100_000]) {
      const all = callAll(rig, piece).sort((a, b) => a.ticket - b.ticket);
      expect(all).toEqual(expected.sort((a, b) => a.ticket - b.ticket));
    }
  });

  it('leaves out what is gone; peek knows it too', async () => {
    const rig = new Rig();
    const [first, second] = rig.receive('a.test', 2);
    if (!first || !second) throw new Error('nothing was received');
    rig.take('a.test', 1);
    rig.queue.release(first);
    expect(callAll(rig, 10).map(({ ticket }) => ticket)).toEqual([second.ticket]);
    expect(await rig.queue.peek(second.ticket)).toBe(second);
    expect(await rig.queue.peek(first.ticket)).toBeUndefined();
  });
});
