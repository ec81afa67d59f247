/** Reception from the first command to the durable copy, over a real configuration and real chains. */
import { describe, expect, it } from 'vitest';
import type { Context } from '../module/manifest.js';
import { discard, disconnect, quarantine, reject, tempfail } from '../module/verdict.js';
import { makeRules } from '../server/rules.js';
import { addressOf, openReception, type Staging } from './fixture.js';

const open = (staging?: Staging) => openReception(makeRules, staging);
const RELAY = 'relay_hosts = ( 192.0.2.0/24 )';

/** MAIL without a parameter. */
const NO_PARAMS = { size: 0, eightBitMime: false, smtpUtf8: false, returnContent: undefined, envelopeId: undefined, auth: undefined };

describe('a message', () => {
  it('is durable, then queued, then told once a copy, then answered with the id', async () => {
    const { client, diary, queued, rejections } = await open();
    const c = client();
    const { session } = c;
    await c.mail('a@b.test', { envelopeId: 'env', returnContent: 'headers' });
    await c.rcpt('one@c.test', { notify: 4, originalRecipient: 'rfc822;x@y' });
    await c.rcpt('two@d.test');
    const answer = await c.data();
    expect(answer).toBe(`250 2.0.0 OK ${queued[0]?.id}`);
    expect(diary).toEqual(['written 2', ...queued.flatMap(({ id }) => [`queued ${id}`, `received ${id} ${session.id}`])]);
    expect(queued.map((copy) => [String(copy.recipient), copy.notify, copy.originalRecipient, copy.ticket, copy.place.domain])).toEqual([
      ['one@c.test', 4, 'rfc822;x@y', 0, 'c.test'],
      ['two@d.test', 0, undefined, 1, 'd.test'],
    ]);
    expect(queued[0]?.headers).toBe(queued[1]?.headers);
    expect(queued[0]?.content).toBe(queued[1]?.content);
    expect(queued[0]?.reception).toMatchObject({
      connectionId: session.id,
      protocol: 'esmtp',
      source: { ip: '192.0.2.10', port: 41000 },
      helo: 'client.test',
      envelopeId: 'env',
      returnContent: 'headers',
      smtpUtf8: false,
    });
    expect(rejections).toEqual([]);
  });

  it('for one recipient is the draft itself', async () => {
    const { client, queued, diary } = await open();
    expect(await client().send('one@c.test')).toMatch(/^250 2\.0\.0 OK ID\/\d+$/);
    expect(diary[0]).toBe('written 1');
    expect(queued).toHaveLength(1);
    expect(queued[0]?.headers.get('received')).toMatch(/\[192\.0\.2\.10:41000\] helo=client\.test/);
  });

  it('from a unix socket has no source', async () => {
    const { client, queued } = await open({ config: 'relay_hosts = ( 127.0.0.0/8 )' });
    expect(await client({ peer: { ip: '', port: 0 }, user: 'alice', pathway: 'p' }).send('one@c.test')).toMatch(/^250/);
    expect(queued[0]?.reception.source).toBeUndefined();
    expect(queued[0]?.reception).toMatchObject({ user: 'alice', pathway: 'p' });
  });

  it('is not ours when the spool fails: 452, nothing queued, nothing told but the refusal', async () => {
    const { client, spool, diary, queued, rejections, logs } = await open();
    spool.fails = new Error('EIO');
    expect(await client({ phase: 10 }).send('one@c.test', 'two@c.test')).toBe('452 4.3.1 Insufficient system storage');
    expect([diary, queued]).toEqual([[], []]);
    expect(rejections).toEqual(['10 452  Insufficient system storage (one@c.test two@c.test)']);
    expect(logs).toEqual(['error the spool could not take a message: EIO']);
  });

  it('is not begun while the spool refuses', async () => {
    const { client, spool, rejections } = await open();
    spool.refusing = 'disk full';
    expect(await client().mail('a@b.test')).toMatchObject({ do: 'tempfail', reply: { code: 452, status: '4.3.1' } });
    expect(rejections).toEqual(['4 452  Insufficient system storage']);
  });

  it('needs its transaction', async () => {
    const { client, receiver } = await open();
    const { session } = client();
    expect(await receiver.rcptTo(session, addressOf('a@b.test'), { notify: 0, originalRecipient: undefined }, '')).toMatchObject({
      do: 'tempfail',
      reply: { code: 451 },
    });
    expect(await receiver.mailFrom(session, null, NO_PARAMS, '')).toMatchObject({ reply: { code: 451, status: '4.3.0' } });
    expect(await client().data()).toBe('451 4.3.0 Requested action aborted: local error in processing');
  });

  it('keeps context of the connection as it was at MAIL', async () => {
    const { client, queued } = await open();
    const c = client();
    c.session.facts.set('a', '1');
    await c.mail('a@b.test');
    c.session.facts.set('a', '2');
    await c.rcpt('one@c.test');
    await c.data();
    expect(queued[0]?.reception.facts.get('a')).toBe('1');
  });
});

describe('a connection', () => {
  it('is refused with 421 while nothing is accepted', async () => {
    const { client, receiver, rejections } = await open({ ports: { refusing: () => 'memory' } });
    expect(await receiver.accept(client({ phase: 0 }).session)).toMatchObject({ do: 'disconnect', reply: { code: 421, status: '4.3.4' } });
    expect(rejections).toEqual(['0 421  allocated resources exceeded']);
  });

  it('that stands already is put off at MAIL meanwhile', async () => {
    let why: string | undefined;
    const { client, receiver } = await open({ ports: { refusing: () => why } });
    const { session } = client();
    await receiver.accept(session);
    why = 'memory';
    expect(await receiver.mailFrom(session, null, NO_PARAMS, 'MAIL FROM:<>')).toMatchObject({
      do: 'tempfail',
      reply: { code: 452, status: '4.3.1' },
    });
  });

  it('carries the context that the configuration gives it', async () => {
    const { client, receiver } = await open({ listener: 'context = [ can_relay = "true" tenant = "acme" ]' });
    const { session } = client();
    await receiver.accept(session);
    expect([...session.facts]).toEqual([
      ['can_relay', 'true'],
      ['tenant', 'acme'],
    ]);
  });

  it('is asked about at accept, connect and EHLO, and told at its end', async () => {
    const told: string[] = [];
    const { client, receiver, rejections } = await open({
      modules: {
        gate: (ctx) => {
          ctx.on('accept', async () => undefined);
          ctx.on('connect', () => tempfail('451 4.7.1 not now'));
          ctx.on('ehlo', (_, name) => (name === 'spam.test' ? disconnect('421 4.7.0 go') : undefined));
          ctx.on('command', (_session, verb, line, reply) => void told.push(`${verb}|${line}|${reply.code}`));
          ctx.on('disconnected', (session) => void told.push(`gone ${session.id}`));
        },
      },
    });
    const { session } = client({ phase: 1 });
    expect(await receiver.accept(session)).toBeUndefined();
    expect(await receiver.connect(session)).toMatchObject({ do: 'tempfail', by: 'gate' });
    expect(await receiver.ehlo(session, 'EHLO', 'good.test')).toBeUndefined();
    expect(await receiver.ehlo(session, 'EHLO', 'spam.test')).toMatchObject({ do: 'disconnect', reply: { text: 'go' } });
    expect(rejections).toEqual(['1 451 gate not now', '1 421 gate go']);
    receiver.command(session, 'NOOP', 'NOOP', { code: 250, status: '', text: 'OK' });
    receiver.closed(session);
    expect(told).toEqual(['NOOP|NOOP|250', `gone ${session.id}`]);
  });

  it('costs nothing where nobody listens', async () => {
    const { client, receiver } = await open();
    const { session } = client();
    expect(receiver.accept(session)).toBeUndefined();
    expect(receiver.connect(session)).toBeUndefined();
    expect(receiver.ehlo(session, 'EHLO', 'x')).toBeUndefined();
    expect(receiver.recipients(session)).toBeUndefined();
    receiver.command(session, 'NOOP', 'NOOP', { code: 250, status: '', text: 'OK' });
    receiver.closed(session);
    expect(receiver.options(session)).toBeDefined();
  });

  it('is logged when it does what the operator may want to see', async () => {
    const { client, receiver, logs, rejections } = await open();
    const { session } = client();
    receiver.event(session, 'early_talker', 'spoke first');
    receiver.event(client({ peer: { ip: '', port: 0 } }).session, 'abusive', '20 errors');
    receiver.failed(session, new Error('boom'));
    receiver.refused(session, 2, { code: 501, status: '5.5.2', text: 'invalid EHLO' });
    expect(session.facts.get('early_talker')).toBe('yes');
    expect(logs).toEqual([
      'warning early_talker from 192.0.2.10: spoke first',
      'warning abusive from a unix socket: 20 errors',
      'error reception from 192.0.2.10 failed: boom',
    ]);
    expect(rejections).toEqual(['2 501  invalid EHLO']);
  });
});

describe('a sender', () => {
  it('may be null only where allow_null_envelope_sender says so', async () => {
    const open1 = await open();
    expect(await open1.client().mail(null)).toBeUndefined();
    const { client, rejections } = await open({ config: 'allow_null_envelope_sender = false' });
    expect(await client().mail(null)).toMatchObject({ do: 'reject', reply: { code: 550 } });
    expect(await client().mail('a@b.test')).toBeUndefined();
    expect(rejections).toEqual(['4 550  null envelope sender not allowed']);
  });

  it('may send so many messages in so many seconds, over all its connections', async () => {
    const { client, clock, rejections } = await open({ config: 'inbound_throttle_messages = "2/10"' });
    expect(await client().mail('a@b.test')).toBeUndefined();
    expect(await client().mail('a@b.test')).toBeUndefined();
    expect(await client().mail('a@b.test')).toMatchObject({ do: 'tempfail', reply: { code: 451, status: '4.7.1' } });
    await clock.advance(10_000);
    expect(await client().mail('a@b.test')).toBeUndefined();
    expect(rejections).toEqual(['4 451  message rate exceeded, try again later']);
  });

  it('is asked about, with the line it was written in', async () => {
    const lines: string[] = [];
    const { client, rejections } = await open({
      modules: {
        m: (ctx) =>
          ctx.on('mail_from', async (_session, sender, draft) => {
            lines.push(draft.line);
            return sender?.domain === 'bad.test' ? reject('550 5.7.1 bad sender') : undefined;
          }),
      },
    });
    expect(await client().mail('a@good.test')).toBeUndefined();
    expect(await client().mail('a@bad.test')).toMatchObject({ do: 'reject', by: 'm' });
    expect(lines).toEqual(['MAIL FROM:<a@good.test>', 'MAIL FROM:<a@bad.test>']);
    expect(rejections).toEqual(['4 550 m bad sender ()']);
  });

  it('whose mail is discarded at MAIL is told 250, and nothing is kept', async () => {
    const { client, diary, rejections } = await open({ modules: { m: (ctx) => ctx.on('mail_from', () => discard('quietly')) } });
    expect(await client().send('one@c.test')).toMatch(/^250 2\.0\.0 OK ID/);
    expect(diary).toEqual([]);
    expect(rejections).toEqual(['4 550 m [internal] discarded by policy (one@c.test)']);
  });
});

describe('a recipient', () => {
  it('is refused with the state "relaying denied" when nothing lets it through', async () => {
    const { client, rejections } = await open({ config: 'relay_domains = ( "ours.test" )' });
    const c = client();
    await c.mail('a@b.test');
    expect(await c.rcpt('x@ours.test')).toBeUndefined();
    expect(await c.rcpt('x@far.test')).toMatchObject({ do: 'reject', reply: { code: 550, status: '5.7.1', text: 'relaying denied' } });
    expect(rejections).toEqual(['13 550  relaying denied ()']);
  });

  it('is let through by context can_relay, and by hook relay when the configuration says no', async () => {
    let asked = 0;
    const { client, rejections } = await open({
      config: 'relay_domains = ( "ours.test" )',
      modules: {
        m: (ctx) =>
          ctx.on('relay', (_session, recipient) => {
            asked++;
            return recipient.domain === 'friend.test' ? true : recipient.domain === 'no.test' ? false : undefined;
          }),
      },
    });
    const c = client();
    await c.mail('a@b.test');
    expect(await c.rcpt('x@ours.test')).toBeUndefined();
    expect(asked).toBe(0);
    expect(await c.rcpt('x@friend.test')).toBeUndefined();
    expect(await c.rcpt('x@no.test')).toMatchObject({ reply: { text: 'relaying denied' } });
    expect(await c.rcpt('x@far.test')).toMatchObject({ reply: { text: 'relaying denied' } });
    c.session.facts.set('can_relay', 'true');
    expect(await c.rcpt('x@far.test')).toBeUndefined();
    expect(asked).toBe(3);
    expect(rejections.map((line) => line.split(' ')[0])).toEqual(['13', '13']);
  });

  it('may not be an address literal unless allow_ip_literal says so', async () => {
    const refuses = (await open({ config: `${RELAY}\nallow_ip_literal = false` })).client();
    await refuses.mail('a@b.test');
    expect(await refuses.rcpt('x@[192.0.2.1]')).toMatchObject({ do: 'reject', reply: { code: 550, status: '5.1.2' } });
    expect(await refuses.rcpt('x@c.test')).toBeUndefined();
    const allows = (await open()).client();
    await allows.mail('a@b.test');
    expect(await allows.rcpt('x@[192.0.2.1]')).toBeUndefined();
  });

  it('in a blackholed domain is refused, before any hook', async () => {
    let asked = 0;
    const { client } = await open({
      config: `${RELAY}\ndomain "hole.test" {\n  blackhole = true\n}`,
      modules: { m: (ctx) => ctx.on('rcpt_to', () => void asked++) },
    });
    const c = client();
    await c.mail('a@b.test');
    expect(await c.rcpt('x@hole.test')).toMatchObject({ do: 'reject', reply: { code: 551, text: 'recipient blackholed' } });
    expect(await c.rcpt('x@open.test')).toBeUndefined();
    expect(asked).toBe(1);
  });

  it('is asked about with its line; one that is dropped gets no copy', async () => {
    const { client, queued, rejections } = await open({
      modules: {
        m: (ctx) =>
          ctx.on('rcpt_to', (_session, recipient, draft) => {
            if (recipient.local === 'drop') return discard('not wanted');
            if (recipient.local === 'later') return Promise.resolve(tempfail(`451 4.7.1 ${draft.line}`));
            return undefined;
          }),
      },
    });
    const c = client();
    await c.mail('a@b.test');
    expect(await c.rcpt('keep@c.test')).toBeUndefined();
    expect(await c.rcpt('drop@c.test')).toBeUndefined();
    expect(await c.rcpt('later@c.test')).toMatchObject({ do: 'tempfail', reply: { text: 'RCPT TO:<later@c.test>' } });
    expect(await c.data()).toMatch(/^250/);
    expect(queued.map((copy) => String(copy.recipient))).toEqual(['keep@c.test']);
    expect(rejections).toHaveLength(1);
  });

  it('dropped as the only one leaves nothing, and 250 is said', async () => {
    const { client, diary, rejections } = await open({ modules: { m: (ctx) => ctx.on('rcpt_to', () => discard('no')) } });
    expect(await client().send('x@c.test')).toMatch(/^250/);
    expect(diary).toEqual([]);
    expect(rejections).toEqual(['4 550  [internal] discarded by policy ()']);
  });

  it('is seen with all the others before the data', async () => {
    const { client } = await open({
      modules: {
        m: (ctx) =>
          ctx.on('recipients', (_session, draft) => (draft.recipients.length > 1 ? reject('550 5.5.3 too many for you') : undefined)),
      },
    });
    expect(await client().send('a@c.test')).toMatch(/^250/);
    expect(await client().send('a@c.test', 'b@c.test')).toMatchObject({ do: 'reject', by: 'm' });
  });
});

describe('the whole message', () => {
  it('may be refused in the data phase, by name', async () => {
    const { client, diary, rejections } = await open({ modules: { m: (ctx) => ctx.on('data', async () => reject('554 5.7.1 virus')) } });
    expect(await client({ phase: 10 }).send('a@c.test', 'b@c.test')).toBe('554 5.7.1 virus');
    expect(diary).toEqual([]);
    expect(rejections).toEqual(['10 554 m virus (a@c.test b@c.test)']);
  });

  it('may be discarded: 250 is said, the log says who', async () => {
    const { client, diary, rejections } = await open({ modules: { m: (ctx) => ctx.on('data', () => discard('boring')) } });
    expect(await client().send('a@c.test')).toMatch(/^250 2\.0\.0 OK ID/);
    expect(diary).toEqual([]);
    expect(rejections).toEqual(['4 550 m [internal] discarded by policy (a@c.test)']);
  });

  it('may end the connection', async () => {
    const { client } = await open({ modules: { m: (ctx) => ctx.on('spool_message', () => disconnect('421 4.7.0 enough')) } });
    const c = client();
    expect(await c.send('a@c.test')).toBe('421 4.7.0 enough');
    expect(c.farewells).toEqual([undefined]);
  });

  it('may be set aside: it is kept and marked', async () => {
    const { client, queued } = await open({ modules: { m: (ctx) => ctx.on('data', () => quarantine('odd')) } });
    expect(await client().send('a@c.test', 'b@c.test')).toMatch(/^250/);
    expect(queued.map(({ quarantined }) => quarantined)).toEqual(['odd', 'odd']);
  });

  it('is refused as the conformance options say', async () => {
    const { client, rejections } = await open({ config: `${RELAY}\nrfc2822_date_header = "pedantic"` });
    const c = client();
    await c.mail('a@b.test');
    await c.rcpt('x@c.test');
    expect(await c.data('Subject: s\r\n\r\n')).toBe('550 5.6.0 Missing required RFC2822 Date field');
    expect(rejections).toEqual(['4 550  Missing required RFC2822 Date field ()']);
  });

  it('refused for one of several is accepted for the rest; the sender of that one gets a notice', async () => {
    const { client, queued, rejections, refusedCopies, diary } = await open({
      modules: { m: (ctx) => ctx.on('spool', (draft) => (draft.recipient.local === 'no' ? reject('550 5.1.1 nobody') : undefined)) },
    });
    expect(await client().send('yes@c.test', 'no@c.test', 'also@c.test')).toBe(`250 2.0.0 OK ${queued[0]?.id}`);
    expect(queued.map((copy) => String(copy.recipient))).toEqual(['yes@c.test', 'also@c.test']);
    expect(diary[0]).toBe('written 2');
    expect(rejections).toEqual(['4 550 m nobody (no@c.test)']);
    expect(refusedCopies).toEqual(['no@c.test 550 nobody']);
  });

  it.each([
    ['false', []],
    ['true', ['no@c.test 550 nobody']],
  ])('with generate_bounces_for_multi_recipient_policy_rejections = %s the notices are %j', async (value, told) => {
    const { client, queued, refusedCopies } = await open({
      config: `${RELAY}\ngenerate_bounces_for_multi_recipient_policy_rejections = ${value}`,
      modules: { m: (ctx) => ctx.on('spool', (draft) => (draft.recipient.local === 'no' ? reject('550 5.1.1 nobody') : undefined)) },
    });
    expect(await client().send('yes@c.test', 'no@c.test')).toBe(`250 2.0.0 OK ${queued[0]?.id}`);
    expect(refusedCopies).toEqual(told);
  });

  it('refused for all is refused in the session, without notices', async () => {
    const { client, queued, refusedCopies } = await open({
      modules: { m: (ctx) => ctx.on('spool', (draft) => reject(`550 5.1.1 no ${draft.recipient.local}`)) },
    });
    expect(await client().send('a@c.test', 'b@c.test')).toBe('550 5.1.1 no a');
    expect([queued, refusedCopies]).toEqual([[], []]);
  });

  it('whose large body waits in the spool is told where', async () => {
    const { receiver } = await open();
    const large = await receiver.largeBody();
    await large.write(Buffer.from('abc'));
    expect((await large.finish({ dots: false, eightBit: false })).size).toBe(3);
  });
});

describe('LMTP', () => {
  const strict = {
    strict: (ctx: Context) => {
      ctx.on('spool', (draft) => (draft.recipient.local.startsWith('no') ? reject(`550 5.1.1 not ${draft.recipient.local}`) : undefined));
      ctx.on('rcpt_to', (_session, { local }) => (local === 'dropped' ? discard('dropped') : undefined));
    },
  };
  const ours = async (...recipients: string[]) => {
    const desk = await open({ config: RELAY, modules: strict });
    return { ...desk, answer: await desk.client({ protocol: 'lmtp' }).send(...recipients) };
  };

  it('every recipient hears what became of its own copy, and nobody gets a notice of what he was told', async () => {
    const { answer, queued, refusedCopies, rejections } = await ours(
      'one@c.test',
      'no1@c.test',
      'dropped@c.test',
      'two@c.test',
      'no2@c.test',
    );
    const ok = `250 2.0.0 OK ${queued[0]?.id}`;
    expect(answer).toBe([ok, '550 5.1.1 not no1', ok, ok, '550 5.1.1 not no2'].join(' | '));
    expect(queued.map(({ recipient }) => String(recipient))).toEqual(['one@c.test', 'two@c.test']);
    expect(refusedCopies).toEqual([]);
    expect(rejections).toHaveLength(2);
  });

  it('also when none is left', async () => {
    const { answer, queued } = await ours('no1@c.test', 'no2@c.test');
    expect(answer).toBe('550 5.1.1 not no1 | 550 5.1.1 not no2');
    expect(queued).toEqual([]);
  });

  it('one reply stands for all when nothing was refused', async () => {
    expect((await ours('one@c.test', 'two@c.test')).answer).toMatch(/^250 2\.0\.0 OK \S+$/);
  });

  it('a list of which somebody is left is accepted, and the others get their notice', async () => {
    const { client, refusedCopies, queued } = await open({
      config: RELAY,
      modules: {
        ...strict,
        alias: (ctx) =>
          ctx.on('expand', ({ local }) => (local === 'list' ? [addressOf('one@c.test'), addressOf('no1@c.test')] : undefined)),
      },
    });
    expect(await client({ protocol: 'lmtp' }).send('no2@c.test', 'list@c.test')).toMatch(/^550 5\.1\.1 not no2 \| 250 2\.0\.0 OK/);
    expect(refusedCopies).toEqual(['no1@c.test 550 not no1']);
    expect(queued).toHaveLength(1);
  });
});

describe('discard before there is a message', () => {
  it.each(['connect', 'ehlo'] as const)('at %s: the session goes on, and every mail of it is accepted and thrown away', async (hook) => {
    let asked = 0;
    const { client, receiver, queued, diary, rejections } = await open({
      config: RELAY,
      modules: {
        sink: (ctx) => {
          ctx.on(hook, () => discard('known spammer'));
          ctx.on('data', () => void asked++);
        },
      },
    });
    const c = client({ phase: 10, peer: { ip: '198.51.100.1', port: 1 } });
    expect(await receiver.connect(c.session)).toBeUndefined();
    expect(await receiver.ehlo(c.session, 'EHLO', 'x')).toBeUndefined();
    for (let i = 0; i < 2; i++) expect(await c.send('anybody@anywhere.test')).toMatch(/^250 2\.0\.0 OK/);
    expect([queued, diary, asked]).toEqual([[], [], 0]);
    expect(rejections).toEqual(Array(2).fill(expect.stringMatching(/^10 550 sink \[internal\] discarded by policy/)));
    expect(await client().send('one@c.test')).toMatch(/^250/);
    expect(queued).toHaveLength(1);
  });
});

describe('pathways', () => {
  const WAYS = `pathway_group pg { max_hops = 7  max_message_size = 700
    pathway inside { inbound_throttle_messages = "5/1"  open_relay = true }
    pathway outside { max_hops = 9 } }`;

  it('give a client the options of the pathway and of its group, and a context variable chooses another', async () => {
    const { client, receiver } = await open({ config: WAYS, listener: 'pathway = inside' });
    const { session } = client();
    expect(receiver.options(session)).toMatchObject({ max_hops: 7, max_message_size: 700, open_relay: true });
    expect(receiver.pathwayOf(session)).toEqual({ pathway: 'inside', group: 'pg' });
    session.facts.set('pathway', 'outside');
    expect(receiver.options(session)).toMatchObject({ max_hops: 9, max_message_size: 700, open_relay: false });
    expect(receiver.pathwayOf(session)).toEqual({ pathway: 'outside', group: 'pg' });
  });
});

describe('DELIVERBY', () => {
  it('is kept with every copy as a moment; what must come back too soon is refused', async () => {
    const { client, queued, clock } = await open({ config: `${RELAY}\ndeliverby_minimum = 30\nmax_future_release = 3600` });
    const c = client();
    const now = clock.now();
    expect(await c.mail('a@b.test', { by: { mode: 'R', seconds: 29, traced: false } })).toMatchObject({
      reply: { code: 555, status: '5.4.7' },
    });
    await c.mail('a@b.test', { by: { mode: 'N', seconds: 1, traced: true } });
    await c.rcpt('one@c.test');
    await c.data();
    await c.mail('a@b.test', { by: { mode: 'R', seconds: 30, traced: false }, holdFor: 60 });
    await c.rcpt('one@c.test');
    await c.data();
    expect(queued.map(({ facts, nextAttempt }) => [facts.get('deliver_by'), nextAttempt])).toEqual([
      [`${now + 1000}NT`, 0],
      [`${now + 30_000}R`, now + 30_000],
    ]);
  });
});

describe('FUTURERELEASE and MT-PRIORITY', () => {
  it('keep every copy back until its time, within the limit', async () => {
    const { client, queued, clock } = await open({ config: `${RELAY}\nmax_future_release = 3600` });
    const c = client();
    const now = clock.now();
    expect(await c.mail('a@b.test', { holdFor: 3601 })).toMatchObject({ reply: { code: 501, status: '5.5.4' } });
    expect(await c.mail('a@b.test', { holdUntil: now + 3_600_001 })).toMatchObject({ do: 'reject' });
    await c.mail('a@b.test', { holdFor: 60 });
    await c.rcpt('one@c.test');
    await c.rcpt('two@c.test');
    await c.data();
    await c.mail('a@b.test', { holdUntil: now - 5 });
    await c.rcpt('one@c.test');
    await c.data();
    expect(queued.map(({ nextAttempt }) => nextAttempt)).toEqual([now + 60_000, now + 60_000, 0]);
  });

  it.each([
    [1, '192.0.2.10', 1],
    [9, '192.0.2.10', 9],
    [9, '198.51.100.1', 0],
    [-3, '198.51.100.1', -3],
    [0, '192.0.2.10', 0],
  ])('priority %i from %s goes as %i', async (mtPriority, ip, priority) => {
    const { client, queued } = await open({ config: `${RELAY}\nrelay_domains = ( "c.test" )` });
    const c = client({ peer: { ip, port: 1 } });
    await c.mail('a@b.test', { mtPriority });
    await c.rcpt('one@c.test');
    await c.rcpt('two@c.test');
    await c.data();
    expect(queued.map((copy) => [copy.priority, copy.facts.get('mt_priority')])).toEqual(Array(2).fill([priority, String(mtPriority)]));
    expect(queued[0]?.headers.get('received')).toMatch(new RegExp(`\\sPRIORITY ${priority}; `));
  });
});
