/** Notices of delay: when they are due, who gets them, and what ends them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Address, bodyOf, Copy, type Mail, NOTIFY, Waiting, type WaitingMail } from '#module';
import { configureText } from '../../src/config/configure.js';
import { Facts } from '../../src/mail/facts.js';
import { Headers } from '../../src/mail/headers.js';
import { rehearse } from '../../src/module/fixture.js';
import { PlaceTable } from '../../src/module/place.js';
import { makePlans } from '../../src/server/plans.js';
import delayDsn from './index.js';
import { countDue, dueAt } from './schedule.js';

const HOUR = 3600;

describe('the schedule', () => {
  it.each([
    [2, 8, [2, 6, 14, 22, 30]],
    [3 * HOUR, 24 * HOUR, [3, 9, 21, 45, 69, 93].map((h) => h * HOUR)],
    [1, 0, [1, 3, 7, 15, 31, 63]],
    [5, 5, [5, 10, 15, 20]],
    [5, 2, [5, 10, 15]],
    [2, 3, [2, 5, 8, 11]],
  ])('base %i, cap %i', (base, cap, times) => {
    expect(times.map((_, i) => dueAt(i + 1, base, cap))).toEqual(times);
  });

  it('counts what dueAt says', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 0, max: 200 }),
        fc.integer({ min: 0, max: 5000 }),
        (base, cap, age) => {
          const count = countDue(age, base, cap);
          if (count > 0) expect(dueAt(count, base, cap)).toBeLessThanOrEqual(age);
          expect(dueAt(count + 1, base, cap)).toBeGreaterThan(age);
        },
      ),
    );
  });
});

const places = new PlaceTable();

function mailOf(n: number, receivedAt: number, more: { sender?: Address | null; notify?: number; notice?: boolean } = {}): Copy {
  const reception = {
    batchId: 'b',
    connectionId: 'c',
    protocol: 'esmtp' as const,
    receivedAt,
    sender: more.sender === undefined ? new Address('alice', 'example.com') : more.sender,
    facts: new Facts(),
    smtpUtf8: false,
  };
  const mail = new Copy(`M${n}`, reception, [new Address('bob', 'slow.test')], new Headers(Buffer.from('\r\n')), bodyOf([]), new Facts());
  mail.place = places.of('default', 'default', 'slow.test');
  mail.ticket = n;
  mail.notify = more.notify ?? 0;
  mail.notice = more.notice ?? false;
  return mail;
}

const CONF = 'generate_delay_dsn = true\ndelay_dsn_retry_interval = 2\ndelay_dsn_max_retry_interval = 8\ndelay_dsn { }\n';

async function open(text: string, make: (now: number) => readonly Copy[], restartedAfter = 0) {
  const configured = await configureText(text, { manifests: [delayDsn], unread: new Set() });
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  const queue = new Map<number, Copy>();
  const notices: { id: string; at: number }[] = [];
  let start = 0;
  let broken = false;
  const waiting = {
    roll: (from: number, most: number) => {
      const all = [...queue.values()];
      const entries: WaitingMail[] = all
        .slice(from, from + most)
        .map(({ ticket, place, reception }) => ({ ticket, place, receivedAt: reception.receivedAt }));
      return { entries, next: from + most < all.length ? from + most : undefined };
    },
    read: async (ticket: number): Promise<Mail | undefined> => queue.get(ticket),
    tellDelay: async (mail: Mail) => {
      if (broken) throw new Error('ENOSPC');
      notices.push({ id: mail.id, at: Math.round((rehearsal.clock.now() - start) / 1000) });
      return true;
    },
  };
  const rehearsal = rehearse({
    outbound: (where) => configured.snapshot.at(where),
    service: (token) => (token === Waiting ? waiting : undefined),
  });
  start = rehearsal.clock.now();
  for (const mail of make(start)) queue.set(mail.ticket, mail);
  await rehearsal.clock.advance(restartedAfter * 1000);
  rehearsal.registry.commit(await rehearsal.registry.prepare(makePlans(configured.snapshot, [delayDsn])));
  const seconds = async (n: number): Promise<void> => {
    for (let i = 0; i < n; i++) {
      await rehearsal.clock.advance(1000);
      await new Promise((done) => setImmediate(done));
    }
  };
  return {
    ...rehearsal,
    queue,
    notices,
    seconds,
    breakSpool: (is: boolean) => {
      broken = is;
    },
    pending: () => rehearsal.registry.current.commands.get('delay_dsn show pending events')?.command.run([], new AbortController().signal),
  };
}

describe('delay_dsn', () => {
  it('tells at 2, 6, 14 and 22 s, and stops when the mail is gone', async () => {
    const { notices, seconds, queue } = await open(CONF, (now) => [mailOf(1, now), mailOf(2, now)]);
    await seconds(10);
    queue.delete(2);
    await seconds(15);
    const at = (id: string) => notices.filter((notice) => notice.id === id).map((notice) => notice.at);
    expect(at('M1')).toEqual([2, 6, 14, 22]);
    expect(at('M2')).toEqual([2, 6]);
  });

  it('goes on after a restart without telling anything twice', async () => {
    const { notices, seconds } = await open(CONF, (now) => [mailOf(1, now)], 5);
    await seconds(10);
    expect(notices.map(({ at }) => at)).toEqual([6, 14]);
  });

  it.each<[string, Parameters<typeof mailOf>[2], number]>([
    ['nobody for a null sender', { sender: null }, 0],
    ['nobody of a notice', { notice: true }, 0],
    ['nobody with NOTIFY=NEVER', { notify: NOTIFY.never }, 0],
    ['nobody with NOTIFY=FAILURE', { notify: NOTIFY.failure }, 0],
    ['the sender with NOTIFY=DELAY', { notify: NOTIFY.delay }, 1],
    ['the sender who gave no NOTIFY', {}, 1],
  ])('tells %s', async (_who, more, count) => {
    const { notices, seconds, pending } = await open(CONF, (now) => [mailOf(1, now, more)]);
    await seconds(3);
    expect(notices).toHaveLength(count);
    expect(await pending()).toHaveLength(count);
  });

  it('tells nobody while generate_delay_dsn is off, or off for the domain', async () => {
    for (const conf of [CONF.replace('true', 'false'), `${CONF}domain "slow.test" { generate_delay_dsn = false }`]) {
      const { notices, seconds } = await open(conf, (now) => [mailOf(1, now)]);
      await seconds(7);
      expect(notices).toEqual([]);
    }
  });

  it('shows what is due next', async () => {
    const { seconds, pending, clock } = await open(CONF, (now) => [mailOf(1, now)]);
    await seconds(3);
    const next = new Date(clock.now() + 3000).toISOString();
    expect(await pending()).toEqual([{ id: 'M1', sender: 'alice@example.com', recipient: 'bob@slow.test', next }]);
  });

  it('says when a notice cannot be made, and goes on with the next', async () => {
    const { notices, seconds, said, breakSpool } = await open(CONF, (now) => [mailOf(1, now)]);
    breakSpool(true);
    await seconds(3);
    breakSpool(false);
    await seconds(4);
    expect(said.map(({ text }) => text).join()).toContain('a notice of delay could not be made: Error: ENOSPC');
    expect(notices.map(({ at }) => at)).toEqual([6]);
  });

  it('refuses a cap below the first pause', async () => {
    const configured = await configureText(CONF.replace('= 8', '= 1'), { manifests: [delayDsn], unread: new Set() });
    expect(configured.ok).toBe(false);
    const uncapped = await configureText(CONF.replace('= 8', '= 0'), { manifests: [delayDsn], unread: new Set() });
    expect(uncapped.ok).toBe(true);
  });

  it('looks at a hundred thousand waiting mails in a moment', async () => {
    const { seconds, notices } = await open(CONF, (now) => Array.from({ length: 100_000 }, (_, n) => mailOf(n, now - 3_000)));
    const began = performance.now();
    await seconds(2);
    expect(performance.now() - began).toBeLessThan(2000);
    expect(notices).toEqual([]);
  });
});
