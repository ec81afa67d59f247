import { describe, expect, it } from 'vitest';
import { ceilingOf } from './ceiling.js';
import { Rig } from './fixture.js';

/** Delivers one mail after the other, each taking so long, for a while. */
async function work(rig: Rig, domain: string, mailMs: number, mails: number): Promise<void> {
  rig.receive(domain, mails);
  for (let i = 0; i < mails; i++) {
    const taken = rig.take(domain, 1);
    await rig.clock.advance(mailMs);
    for (const mail of taken) rig.deliver(mail);
  }
}

describe('the pace of connections', () => {
  it('is what one connection did while it was busy', async () => {
    const rig = new Rig();
    rig.carrier.connections = () => 1;
    expect(rig.queue.pace(rig.place('a.test'))).toBeUndefined();
    await work(rig, 'a.test', 250, 40);
    // A pause does not count.
    await rig.clock.advance(20_000);
    await work(rig, 'a.test', 250, 20);
    expect(rig.queue.pace(rig.place('a.test'))?.batchesPerSecond).toBeCloseTo(4, 1);
    expect(rig.queue.pace(rig.place('a.test'))?.mailsPerBatch).toBe(1);
  });

  it('is divided by the connections that share the work', async () => {
    const rig = new Rig();
    rig.carrier.connections = () => 5;
    await work(rig, 'a.test', 100, 100);
    expect(rig.queue.pace(rig.place('a.test'))?.batchesPerSecond).toBeCloseTo(2, 1);
  });

  it('counts a transaction that takes half a minute', async () => {
    const rig = new Rig();
    await work(rig, 'a.test', 30_000, 3);
    expect(rig.queue.pace(rig.place('a.test'))?.batchesPerSecond).toBeLessThan(0.06);
  });

  it('is forgotten after a minute, and unknown before the first second', async () => {
    const rig = new Rig();
    await work(rig, 'a.test', 100, 5);
    expect(rig.queue.pace(rig.place('a.test'))).toBeUndefined();
    await work(rig, 'a.test', 100, 10);
    expect(rig.queue.pace(rig.place('a.test'))).toBeDefined();
    await rig.clock.advance(61_000);
    expect(rig.queue.pace(rig.place('a.test'))).toBeUndefined();
  });

  it('is measured for so many places and no more', async () => {
    const rig = new Rig();
    for (let i = 0; i < 5000; i++) {
      rig.receive(`d${i}.test`, 1);
      rig.take(`d${i}.test`);
    }
    await rig.clock.advance(2000);
    expect(rig.queue.pace(rig.place('d1.test'))).toBeDefined();
    expect(rig.queue.pace(rig.place('d4999.test'))).toBeUndefined();
  });
});

describe('the ceiling', () => {
  const none = { messageRate: undefined, connectionRate: undefined, mailsPerConnection: 0, connections: undefined, measured: undefined };
  const measured = { batchesPerSecond: 2, mailsPerBatch: 3 };
  it.each([
    ['nothing limits', {}, undefined, 'no limit'],
    ['a throttle', { messageRate: 0.5, connections: 10 }, 0.5, 'message throttle'],
    ['connections', { messageRate: 100, connections: 10, measured }, 60, 'connections'],
    ['new connections', { connectionRate: 2, mailsPerConnection: 5, connections: 10, measured }, 10, 'connection throttle'],
    ['new connections that may carry all', { connectionRate: 2, connections: 10, measured }, 60, 'connections'],
    ['nobody knows yet', { connections: 10 }, undefined, 'not measured yet'],
  ] as const)('when %s', (_, parts, messagesPerSecond, because) =>
    expect(ceilingOf({ ...none, ...parts })).toEqual({ messagesPerSecond, because }),
  );
});
