/** Every option of waiting and memory, from the configuration to what the queue does: set in one domain, and not in another. */
import { describe, expect, it } from 'vitest';
import { configureText } from '../config/configure.js';
import { Rig } from './fixture.js';
import type { QueueValues } from './settings.js';

async function open(lines: string) {
  const read = await configureText(`domain "set.test" { ${lines} }`, { unread: new Set() });
  if (!read.ok) throw new Error(read.problems.map(({ say }) => say).join('; '));
  const at = (domain: string): QueueValues => read.snapshot.at({ domain });
  return { set: new Rig(at('set.test')), plain: new Rig(at('plain.test')) };
}

/** Receives one mail and defers it so often; answers what became of it and the pauses between, in seconds. */
function defer(rig: Rig, times: number): { readonly outcomes: string[]; readonly pauses: number[]; readonly resident: number[] } {
  rig.receive('example.com', 1);
  const outcomes: string[] = [];
  const pauses: number[] = [];
  const resident: number[] = [];
  for (let i = 0; i < times; i++) {
    const [mail] = rig.take();
    if (!mail) break;
    outcomes.push(rig.queue.defer(mail, '451 later').outcome);
    pauses.push(Math.round(((rig.spool.kept.get(mail.ticket)?.nextAttempt ?? 0) - rig.clock.now()) / 1000));
    resident.push(rig.queue.memory().residentMails);
    if (outcomes.at(-1) === 'deferred' && resident.at(-1) === 1) rig.queue.operations.flush({});
  }
  return { outcomes, pauses, resident };
}

describe('options of the queue', () => {
  it('never_retry', async () => {
    const { set, plain } = await open('never_retry = true');
    expect([defer(set, 1).outcomes, defer(plain, 1).outcomes]).toEqual([['failed'], ['deferred']]);
  });

  it('max_retries', async () => {
    const { set, plain } = await open('max_retries = 1');
    expect([defer(set, 2).outcomes, defer(plain, 2).outcomes]).toEqual([
      ['deferred', 'failed'],
      ['deferred', 'deferred'],
    ]);
  });

  it('retry_interval', async () => {
    const { set, plain } = await open('retry_interval = 60');
    expect([defer(set, 2).pauses, defer(plain, 2).pauses]).toEqual([
      [60, 120],
      [1200, 2400],
    ]);
  });

  it('max_retry_interval', async () => {
    const { set, plain } = await open('max_retry_interval = 1500');
    expect([defer(set, 2).pauses, defer(plain, 2).pauses]).toEqual([
      [1200, 1500],
      [1200, 2400],
    ]);
  });

  it('message_expiration, and never_attempt_expired_messages', async () => {
    const { set, plain } = await open('message_expiration = 600');
    const never = (await open('message_expiration = 600 never_attempt_expired_messages = true')).set;
    const after = async (rig: Rig) => {
      rig.receive('example.com', 1);
      await rig.clock.advance(601_000);
      const [mail] = rig.take();
      await rig.turn();
      return mail ? rig.queue.defer(mail, '451 later').outcome : rig.failed.map(({ reply }) => reply.slice(0, 9));
    };
    expect(await Promise.all([set, plain, never].map(after))).toEqual(['failed', 'deferred', ['554 5.4.5']]);
  });

  it('drop_body_after_trans_fail', async () => {
    const one = (await open('drop_body_after_trans_fail = 1')).set;
    const { set, plain } = await open('drop_body_after_trans_fail = 2');
    expect([one, set, plain].map((rig) => defer(rig, 3).resident)).toEqual([[0], [1, 0], [1, 1, 0]]);
  });

  it('max_resident_active_queue', async () => {
    const { set, plain } = await open('max_resident_active_queue = 2');
    for (const rig of [set, plain]) rig.receive('example.com', 300);
    expect([set, plain].map((rig) => rig.queue.memory().residentMails)).toEqual([2, 250]);
  });

  it('max_resident_messages', async () => {
    const read = await configureText('max_resident_messages = 7', { unread: new Set() });
    if (!read.ok) throw new Error('refused');
    const rig = new Rig(read.snapshot.at({}));
    rig.receive('example.com', 20);
    expect(rig.queue.memory().residentMails).toBe(7);
  });

  it('what stays in memory is shared by the workers: one at least each, none for 0, all for -1', () => {
    const residents = (values: object): number => {
      const rig = new Rig(values, { workers: 4 });
      rig.receive('example.com', 100);
      return rig.queue.memory().residentMails;
    };
    const any = { max_resident_messages: 0 };
    expect([10, 3, 0, -1].map((most) => residents({ ...any, max_resident_active_queue: most }))).toEqual([2, 1, 0, 100]);
    expect([10, 3].map((most) => residents({ max_resident_active_queue: -1, max_resident_messages: most }))).toEqual([2, 1]);
  });

  it('delayed_binding_domain_fuzz', async () => {
    const read = await configureText('delayed_binding_domain_fuzz = 64', { unread: new Set() });
    if (!read.ok) throw new Error('refused');
    const rig = new Rig(read.snapshot.at({}));
    rig.receive('example.com', 2);
    rig.queue.operations.delay({}, 100, '451 later');
    await rig.clock.advance(131_000);
    expect(rig.queue.waiting(rig.place())).toBe(0);
    await rig.clock.advance(1000);
    expect(rig.queue.waiting(rig.place())).toBe(2);
  });
});
