/** Copies that modules deliver while their client waits. */
import { describe, expect, it } from 'vitest';
import { bodyOf } from '../module/copy.js';
import type { MadeMessage } from '../module/flow.js';
import type { Context } from '../module/manifest.js';
import { NOTIFY } from '../module/message.js';
import { deliverNow, discard, type Reply, reject, tempfail } from '../module/verdict.js';
import { makeRules } from '../server/rules.js';
import { InnerEntrance } from './entrance.js';
import { addressOf, openReception, type Staging } from './fixture.js';

const say = (code: number, text: string): Reply => ({ code, status: `${Math.floor(code / 100)}.0.0`, text });

/** What a local part asks for: ok, spool, perm, temp, throw, hang, odd. */
const answerFor = async (local: string, signal: AbortSignal): Promise<Reply> => {
  switch (local.replace(/\d+$/, '')) {
    case 'ok':
      return say(250, `in the box of ${local}`);
    case 'perm':
      return say(550, `no ${local}`);
    case 'temp':
      return say(452, `full ${local}`);
    case 'hang':
      return new Promise((_, fail) => signal.addEventListener('abort', () => fail(signal.reason)));
    case 'odd':
      return { code: 354, status: '', text: 'go on' };
    default:
      throw new Error('boom');
  }
};

async function open(more: Staging & { lmtp?: boolean; also?: (ctx: Context) => void } = {}) {
  const events: string[] = [];
  const box = (ctx: Context): void => {
    ctx.on('spool', (draft) => {
      const { local, domain } = draft.recipient;
      if (domain !== 'box.test') return undefined;
      return deliverNow(async (signal) => {
        events.push(`begin ${local}`);
        await new Promise((done) => setImmediate(done));
        return answerFor(local, signal);
      }, 20);
    });
    ctx.on(
      'delivered',
      (attempt) => void events.push(`delivered ${attempt.mail.recipient} ${attempt.reply} ${attempt.place.domain} ${attempt.bytes > 50}`),
    );
    ctx.on('received', (mail, session) => void events.push(`received ${mail.recipient} ${session === null ? 'inside' : 'outside'}`));
    ctx.on('failed', () => void events.push('failed'));
  };
  const desk = await openReception(makeRules, { ...more, modules: { box, ...(more.also && { also: more.also }) } });
  const forgotten: unknown[] = [];
  const { spool } = desk;
  spool.forget = (...bodies: unknown[]) => void forgotten.push(...bodies);
  const client = desk.client(more.lmtp ? { protocol: 'lmtp' } : {});
  return { ...desk, events, forgotten, client };
}

describe('delivery at the doorstep', () => {
  it('gives one recipient the reply of the module, spools nothing, and tells a reception and a delivery', async () => {
    const { client, events, queued, diary, forgotten, rejections } = await open();
    expect(await client.send('ok@box.test')).toBe('250 2.0.0 in the box of ok');
    expect(events).toEqual(['begin ok', 'received ok@box.test outside', 'delivered ok@box.test 250 2.0.0 in the box of ok box.test true']);
    expect(queued).toEqual([]);
    expect(diary.filter((line) => line.startsWith('written'))).toEqual([]);
    expect(rejections).toEqual([]);
    expect(forgotten).toHaveLength(1);
  });

  it.each([
    ['perm', '550 5.0.0 no perm', '550'],
    ['temp', '452 4.0.0 full temp', '452'],
    ['throw', '451 4.3.0 temporary failure', '451'],
    ['odd', '451 4.3.0 temporary failure', '451'],
  ])('refuses when %s', async (local, answer, code) => {
    const { client, events, queued, rejections, refusedCopies } = await open();
    expect(await client.send(`${local}@box.test`)).toBe(answer);
    expect(rejections).toHaveLength(1);
    expect(rejections[0]).toContain(` ${code} box `);
    expect(events).toEqual([`begin ${local}`]);
    expect([queued, refusedCopies]).toEqual([[], []]);
  });

  it('waits no longer than it was told to, and ends the work', async () => {
    const { client, clock, logs } = await open();
    const sent = client.send('hang@box.test');
    for (let i = 0; i < 10; i++) await new Promise((done) => setImmediate(done));
    await clock.advance(19_900);
    let done = false;
    void sent.then(() => {
      done = true;
    });
    await new Promise((next) => setImmediate(next));
    expect(done).toBe(false);
    await clock.advance(200);
    expect(await sent).toBe('451 4.3.0 temporary failure');
    expect(logs[0]).toMatch(/box could not deliver .*20000 ms/);
  });

  it('takes a mixed message: durable first, then delivered, then queued; who is refused gets a notice', async () => {
    const { client, diary, events, queued, refusedCopies, rejections } = await open();
    const said = await client.send('a@far.test', 'ok1@box.test', 'perm@box.test', 'temp@box.test');
    expect(said).toBe(`250 2.0.0 OK ${queued[0]?.id}`);
    expect(diary[0]).toBe('written 1');
    expect(queued.map((copy) => String(copy.recipient))).toEqual(['a@far.test']);
    expect(events.filter((event) => event.startsWith('begin'))).toHaveLength(3);
    expect(refusedCopies).toEqual(['perm@box.test 550 no perm', 'temp@box.test 452 full temp']);
    expect(rejections).toHaveLength(2);
    expect(diary.filter((line) => line.startsWith('received'))).toHaveLength(2);
  });

  it('sends no notice of it where that is switched off', async () => {
    const { client, refusedCopies } = await open({
      config: 'relay_hosts = ( 192.0.2.0/24 )\ngenerate_bounces_for_multi_recipient_policy_rejections = false',
    });
    expect(await client.send('ok@box.test', 'perm@box.test')).toMatch(/^250 2\.0\.0 OK ID/);
    expect(refusedCopies).toEqual([]);
  });

  it.each([
    [['perm1', 'temp', 'perm2'], '452 4.0.0 full temp'],
    [['perm1', 'perm2'], '550 5.0.0 no perm1'],
    [['throw', 'temp'], '451 4.3.0 temporary failure'],
  ])('lets the client try again when all of %s failed and one may pass later', async (locals, answer) => {
    const { client, refusedCopies } = await open();
    expect(await client.send(...locals.map((local) => `${local}@box.test`))).toBe(answer);
    expect(refusedCopies).toEqual([]);
  });

  it('counts copies that hooks refused among those that failed', async () => {
    const { client } = await open({
      also: (ctx) => ctx.on('final', (draft) => (draft.recipient.local === 'bad' ? tempfail('450 4.7.1 later') : undefined)),
    });
    expect(await client.send('perm@box.test', 'bad@far.test')).toBe('450 4.7.1 later');
  });

  it('answers each recipient of LMTP for itself', async () => {
    const { client, refusedCopies, queued } = await open({ lmtp: true });
    expect(await client.send('ok1@box.test', 'perm@box.test', 'a@far.test', 'temp@box.test', 'ok2@box.test')).toBe(
      `250 2.0.0 in the box of ok1 | 550 5.0.0 no perm | 250 2.0.0 OK ${queued[0]?.id} | 452 4.0.0 full temp | 250 2.0.0 in the box of ok2`,
    );
    expect(refusedCopies).toEqual([]);
    expect(await client.send('perm@box.test', 'temp@box.test')).toBe('550 5.0.0 no perm | 452 4.0.0 full temp');
  });

  it('delivers nothing when the spool cannot take the others', async () => {
    const { client, events, spool } = await open();
    spool.fails = new Error('EIO');
    expect(await client.send('ok@box.test', 'a@far.test')).toMatch(/^452 4\.3\.1/);
    expect(events).toEqual([]);
    expect(await client.send('ok@box.test')).toMatch(/^250/);
  });

  it('asks assign, final and sign all the same; a refusal there wins', async () => {
    const asked: string[] = [];
    const { client, events } = await open({
      also: (ctx) => {
        ctx.on('assign', () => void asked.push('assign'));
        ctx.on('final', (draft) => (draft.recipient.local === 'ok2' ? reject('550 5.7.1 not this one') : void asked.push('final')));
        ctx.on('sign', () => void asked.push('sign'));
      },
    });
    expect(await client.send('ok@box.test')).toMatch(/^250/);
    expect(asked).toEqual(['assign', 'final', 'sign']);
    expect(await client.send('ok2@box.test')).toBe('550 5.7.1 not this one');
    expect(events.filter((event) => event.startsWith('begin'))).toEqual(['begin ok']);
  });

  it('spools what was set aside, early or late, and what is to be held back', async () => {
    const early = await open({ also: (ctx) => ctx.on('data', (_session, draft) => draft.quarantine('odd')) });
    expect(await early.client.send('ok@box.test')).toBe(`250 2.0.0 OK ${early.queued[0]?.id}`);
    const late = await open({ also: (ctx) => ctx.on('sign', (draft) => draft.quarantine('odd')) });
    await late.client.send('ok@box.test');
    expect([early.queued.length, late.queued.length, early.events.length]).toEqual([1, 1, 1]);
    const held = await open({ listener: 'max_future_release = 3600' });
    await held.client.mail('a@b.test', { holdFor: 600 });
    await held.client.rcpt('ok@box.test');
    expect(await held.client.data()).toMatch(/^250/);
    expect(held.queued).toHaveLength(1);
  });

  it('runs ten at a time', async () => {
    let now = 0;
    let most = 0;
    const { client } = await open({
      also: (ctx) =>
        ctx.on('spool', () =>
          deliverNow(async () => {
            most = Math.max(most, ++now);
            await new Promise((done) => setTimeout(done, 5));
            now--;
            return say(250, 'x');
          }, 20),
        ),
    });
    await client.send(...Array.from({ length: 35 }, (_, i) => `u${i}@wide.test`));
    expect(most).toBe(10);
  });

  it('keeps the body of what is spooled', async () => {
    const { client, forgotten } = await open();
    await client.send('ok@box.test', 'a@far.test');
    expect(forgotten).toEqual([]);
  });

  it('tells who asked to hear of the arrival', async () => {
    const arrived: string[] = [];
    const { client } = await open({ ports: { arrivedCopy: (copy, { reply }) => void arrived.push(`${copy.recipient} ${reply}`) } });
    await client.mail('a@b.test');
    await client.rcpt('ok1@box.test', { notify: NOTIFY.success });
    await client.rcpt('ok2@box.test');
    await client.rcpt('perm@box.test', { notify: NOTIFY.success });
    await client.data();
    expect(arrived).toEqual(['ok1@box.test 250 2.0.0 in the box of ok1']);
  });
});

const made = (recipients: readonly string[], notice = true): MadeMessage => ({
  sender: notice ? null : addressOf('s@b.test'),
  recipients: recipients.map(addressOf),
  headers: Buffer.from('Subject: a notice about something\r\n\r\n'),
  content: bodyOf([Buffer.from('text that is there\r\n')]),
  protocol: 'internal',
  notice,
});
const never = new AbortController().signal;

describe('the inner entrance', () => {
  it('delivers a notice before its group is written, and gives the others to be written', async () => {
    const { ports, transit, events, diary } = await open();
    const entrance = new InnerEntrance(ports, transit);
    expect(await entrance.prepare(made(['ok@box.test']), never)).toEqual({ copies: [], arrived: true });
    expect(events).toEqual(['begin ok', 'received ok@box.test inside', 'delivered ok@box.test 250 2.0.0 in the box of ok box.test true']);
    const mixed = await entrance.prepare(made(['ok@box.test', 'a@far.test', 'perm@box.test']), never);
    expect('copies' in mixed && mixed.copies.map(({ recipient }) => String(recipient))).toEqual(['a@far.test']);
    expect(diary.filter((line) => line.startsWith('written'))).toEqual([]);
    expect(await entrance.prepare(made(['perm@box.test']), never)).toEqual({ refused: say(550, 'no perm') });
  });

  it('tries a mailbox that fails for now again, then gives up; an end of the daemon leaves the original as it is', async () => {
    const { ports, transit, events, clock } = await open();
    const entrance = new InnerEntrance(ports, transit);
    const pending = entrance.prepare(made(['temp@box.test']), never);
    for (let i = 0; i < 200; i++) {
      await new Promise((done) => setImmediate(done));
      await clock.advance(1000);
    }
    expect(await pending).toEqual({ refused: say(452, 'full temp') });
    expect(events).toEqual(Array.from({ length: 5 }, () => 'begin temp'));
    const stop = new AbortController();
    const cut = entrance.prepare(made(['temp@box.test']), stop.signal);
    for (let i = 0; i < 10; i++) await new Promise((done) => setImmediate(done));
    stop.abort(new Error('stopped'));
    await expect(cut).rejects.toThrow('stopped');
  });

  it('takes injected messages as if they came over SMTP', async () => {
    const { ports, transit, diary, queued, refusedCopies, events } = await open();
    const entrance = new InnerEntrance(ports, transit);
    const single = await entrance.inject(made(['ok@box.test'], false));
    expect(single).toMatchObject({ reply: say(250, 'in the box of ok'), copies: [{ recipient: addressOf('ok@box.test') }] });
    expect(await entrance.inject(made(['temp@box.test'], false))).toEqual({ reply: say(452, 'full temp'), copies: [] });
    const { copies, reply } = await entrance.inject(made(['ok@box.test', 'perm@box.test', 'a@far.test'], false));
    expect([copies.length, reply.code, queued.length]).toEqual([2, 250, 1]);
    expect(diary.filter((line) => line.startsWith('written'))).toEqual(['written 1']);
    expect(refusedCopies).toEqual(['perm@box.test 550 no perm']);
    expect(events.filter((event) => event.startsWith('delivered'))).toHaveLength(2);
  });

  it('drops what a hook dropped', async () => {
    const { ports, transit } = await open({ also: (ctx) => ctx.on('spool_message', () => discard('quiet')) });
    expect(await new InnerEntrance(ports, transit).prepare(made(['ok@box.test']), never)).toEqual({ copies: [] });
  });
});
