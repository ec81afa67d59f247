import { describe, expect, it } from 'vitest';
import { Address } from '../../mail/address.js';
import { Headers } from '../../mail/headers.js';
import type { Copy } from '../../module/copy.js';
import { Rig } from '../../queue/fixture.js';
import { open } from '../fixture.js';

/** Two senders, one of them with a header and a fact. */
async function stock() {
  const desk = await open();
  const { rig } = desk;
  const from = (mails: Copy[], local: string): void => {
    for (const mail of mails) Object.assign(mail.reception, { sender: new Address(local, 'Example.org') });
  };
  from(rig.receive('far.test', 3), 'alice');
  const odd = rig.receive('near.test', 2);
  from(odd, 'bob');
  for (const mail of odd) {
    mail.headers = new Headers(Buffer.from('Subject: Big SALE\r\n\r\n'));
    mail.facts.set('campaign', '7');
  }
  return desk;
}

describe('filters', () => {
  it.each([
    ['--domain FAR.test', 3, 1],
    ['--domain far.test --domain near.test', 2, 1],
    ['--binding default', 5, 2],
    ['--sender bob@example.org', 2, 1],
    ['--sender @example.org', 5, 2],
    ['--sender <>', 0, 0],
    ['--header subject sale', 2, 1],
    ['--meta campaign 7', 2, 1],
    ['--meta campaign 8', 0, 0],
    ['--domain far.test --sender bob@example.org', 0, 0],
    ['--older 3600', 0, 0],
    ['--older 0', 5, 2],
  ])('%s', async (filter, messages, queues) => {
    const { text, rig } = await stock();
    expect(await text(`fail all --dry-run ${filter}`)).toBe(`would touch ${messages} messages in ${queues} queues`);
    expect(rig.queue.size).toBe(5);
  });

  it('are needed, and known', async () => {
    const { text } = await stock();
    for (const command of ['fail all', 'fail all quiet', 'flush all', 'delay 60', 'hold all', 'reroute queue all near.test'])
      expect(await text(command)).toMatch(/^NO: Say which mail: \[--domain D\]/);
    expect(await text('fail all --sendr x')).toMatch(/^NO: "--sendr" is none of /);
    expect(await text('fail all --meta x')).toBe('NO: --meta needs a value.');
    expect(await text('delay --domain far.test')).toBe('NO: Say for how many seconds.');
    expect(await text('reroute queue far.test')).toBe('NO: Say from which domain to which.');
  });
});

describe('commands that name places', () => {
  it('heed the filters behind them', async () => {
    const { text, rig } = await stock();
    expect(await text('fail domain --dry-run near.test --sender alice@example.org')).toBe('would touch 0 messages in 0 queues');
    expect(await text('fail domain quiet near.test --sender alice@example.org')).toBe('near.test purged, 0 messages failed.');
    expect(await text('binding fail domain quiet default all --meta campaign 8')).toBe('All domains purged.  0 messages failed.');
    expect(await text('rebind --dry-run all --sender bob@example.org')).toBe('would touch 2 messages in 1 queues');
    expect(await text('rebind all --sender nobody@example.org')).toBe('Rebound 0 messages.');
    expect(rig.queue.size).toBe(5);
    expect(await text('fail domain all --header subject sale')).toBe('all purged, 2 messages failed.');
    expect(await text('binding fail domain default far.test --older 0')).toBe('far.test purged, 3 messages failed.');
    await rig.queue.settle();
    expect(rig.queue.size).toBe(0);
  });

  it('refuse what they do not know, and another name of what they have named', async () => {
    const { text, rig } = await stock();
    expect(await text('fail domain far.test --domain near.test')).toBe('NO: Say the domain once.');
    expect(await text('binding fail domain default all --binding other')).toBe('NO: Say the binding once.');
    expect(await text('message fail --sender bob@example.org')).toBe('NO: A message is named by its id alone.');
    expect(await text('message fail --dry-run id77')).toBe('NO: There is no message id77.');
    expect(await text('message fail --dry-run id0')).toBe('would touch 1 messages in 1 queues');
    for (const command of ['flush domain far.test', 'delay domain far.test 60', 'message retry id0', 'suspend domain far.test'])
      expect(await text(`${command} --dry-run`)).toMatch(/^NO: ".*" knows no --dry-run\.$/);
    expect(await text('hold sender --dry-run bob@example.org')).toBe('NO: "hold sender" knows no --dry-run.');
    expect(rig.queue.size).toBe(5);
    expect(await text('hold list')).toBe('(none)');
  });
});

describe('what filters select', () => {
  it('is failed, put off, flushed and moved', async () => {
    const { text, rig } = await stock();
    expect(await text('delay 600 --sender bob@example.org')).toBe('Delayed 2 messages.');
    expect(rig.queue.waiting(rig.place('near.test'))).toBe(0);
    expect(await text('flush all --dry-run --domain near.test')).toBe('would touch 2 messages in 1 queues');
    expect(await text('flush all --domain near.test')).toBe('2 messages requeued.');
    expect(rig.queue.waiting(rig.place('near.test'))).toBe(2);
    expect(await text('reroute queue --dry-run far.test other.test')).toBe('would touch 3 messages in 1 queues');
    expect(await text('reroute queue far.test Other.test')).toBe("Moved 3 messages from 'far.test' to 'other.test'");
    expect(rig.queue.waiting(rig.place('other.test'))).toBe(3);
    expect(await text('fail all quiet --header Subject sale spam')).toBe('2 messages failed in 1 queues.');
    await rig.queue.settle();
    expect(rig.failed).toEqual(['id3', 'id4'].map((id) => ({ id, reply: '554 5.7.0 spam', quiet: true })));
  });

  it('is found when its bodies are on disk', async () => {
    const { text, rig } = await stock();
    rig.queue.shrink(0);
    expect(await text('fail all --dry-run --header subject sale')).toBe('would touch 2 messages in 1 queues');
    expect(rig.spool.reads).toBe(5);
  });
});

describe('mail that is held', () => {
  it('stays over a restart and goes when it is released', async () => {
    const { text, rig } = await stock();
    expect(await text('message hold id0')).toBe('Message held.');
    expect(rig.queue.waiting(rig.place('far.test'))).toBe(2);
    const after = await rig.restart();
    expect(after.queue.views.summary()).toMatchObject({ held: 1, total: 5 });
    expect(await text('message release id0')).toBe('Message released.');
    expect(rig.queue.waiting(rig.place('far.test'))).toBe(3);
    expect(await text('message hold nobody')).toBe('NO: no message nobody in the queue');
    expect(await text('hold all --domain far.test')).toBe('Held 3 messages.');
    expect(rig.queue.waiting(rig.place('far.test'))).toBe(0);
  });

  it('of a sender is set aside when its turn comes, what is new too, until the sender is released', async () => {
    const { text, rig } = await stock();
    rig.receive('far.test', 1, { quarantined: 'odd' });
    expect(await text('hold sender Alice@example.org')).toBe('Mail of Alice@example.org is held.');
    expect(await text('hold list')).toBe('sender alice@example.org');
    expect(rig.take('far.test')).toEqual([]);
    const [fresh] = rig.receive('late.test', 1);
    if (fresh) Object.assign(fresh.reception, { sender: new Address('alice', 'example.org') });
    expect(rig.take('late.test')).toEqual([]);
    expect(rig.take('near.test')).toHaveLength(2);
    expect(rig.queue.views.summary().held).toBe(5);
    expect(await text('message release id0')).toBe('NO: the sender of message id0 is held');
    expect(rig.queue.views.summary().held).toBe(5);
    expect(await text('release sender alice@example.org')).toBe('Released 4 messages.');
    expect(rig.queue.views.summary().held).toBe(1);
    expect(rig.queue.waiting(rig.place('far.test'))).toBe(3);
    expect(await text('release sender alice@example.org')).toBe('NO: No mail of alice@example.org is held.');
    expect(await text('hold list')).toBe('(none)');
  });

  it('of a sender that is released while old mail is still read goes when it has been read', async () => {
    const { rig } = await stock();
    rig.queue.custody.holdSender('alice@example.org');
    rig.take('far.test');
    expect(rig.queue.views.summary().held).toBe(3);
    const next = new Rig({}, {}, rig);
    const { custody } = next.queue;
    custody.beginReading();
    const { signal } = new AbortController();
    expect(await custody.releaseSender('Alice@example.org', signal)).toBe(0);
    expect(await custody.releaseSender('bob@example.org', signal)).toBe(0);
    custody.holdSender('bob@example.org');
    await next.spool.recover(next.queue.found);
    expect(next.queue.views.summary().held).toBe(3);
    await custody.endReading(signal);
    expect(next.queue.views.summary()).toMatchObject({ held: 0, total: 5 });
    // Held again before all was read: it stays so.
    expect(custody.senders).toEqual(['bob@example.org']);
    expect(await custody.releaseSender('alice@example.org', signal)).toBeUndefined();
    expect(custody.takeReleased()).toEqual(['alice@example.org', 'bob@example.org', 'alice@example.org']);
    expect(custody.takeReleased()).toEqual([]);
  });

  it('of a sender is set aside when it is read back, too', async () => {
    const { text, rig } = await stock();
    rig.queue.shrink(0);
    await text('hold sender @example.org');
    expect(await rig.queue.take(rig.place('far.test'), 10)).toEqual([]);
    expect(rig.queue.views.summary()).toMatchObject({ held: 3, active: 2 });
  });
});

describe('traces', () => {
  it('are added, listed and removed', async () => {
    const { text } = await open();
    expect(await text('trace smtp add * far.test /tmp/x')).toBe('Registered smtp tracer #1');
    expect(await text('trace smtp add * full.test /tmp/x')).toBe('NO: There are too many tracers already.');
    expect(await text('trace smtp add *')).toBe('NO: Say which binding, domain and file.');
    expect(await text('trace smtp list')).toMatch(/far\.test +\/tmp\/x$/);
    expect(await text('trace smtp remove 1')).toBe('Removed smtp tracer #1');
    expect(await text('trace smtp remove 2')).toBe('NO: There is no tracer 2.');
  });
});

describe('connections and DNS', () => {
  it('are shown and counted', async () => {
    const { text } = await open();
    expect(await text('show outbound')).toBe('[outbound/b1] mx.far.test [198.51.100.25]:25 busy (for 3 s) [far.test]');
    expect(await text('show outbound near.test')).toBe('(none)');
    expect(await text('count outbound')).toMatch(/\nmx\.far\.test \[198\.51\.100\.25\]:25 +1\n1 sessions$/);
    expect(await text('count outbound nobody')).toBe('0 sessions');
    expect(await text('dns_cache lookup far.test MX')).toMatch(/far\.test +MX +60 +\{"preference":10,"exchange":"mx\.far\.test"\}$/);
    expect(await text('dns_cache lookup far.test A')).toBe('far.test A: nxdomain');
    expect(await text('dns_cache lookup')).toMatch(/^NO: Say which name/);
    expect(await text('dns_cache stats')).toMatch(/^asked: +3\noutcomes: +\{"found":3\}$/);
  });
});
