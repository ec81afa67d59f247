/** The end of a failed mail: who hears of it, what stands in it, and what is durable when it is told. */
import { simpleParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import { configureText } from '../config/configure.js';
import type { OutboundValues } from '../config/snapshot.js';
import { Address } from '../mail/address.js';
import { Facts } from '../mail/facts.js';
import { Headers } from '../mail/headers.js';
import type { Attempt } from '../module/attempt.js';
import { bodyOf, Copy, ResidentBody } from '../module/copy.js';
import { planOf, rehearse } from '../module/fixture.js';
import type { Entrance, MadeMessage, Supply } from '../module/flow.js';
import type { Context } from '../module/manifest.js';
import { NOTIFY, type Reception } from '../module/message.js';
import { PlaceTable } from '../module/place.js';
import { MemorySpool } from '../spool/memory-spool.js';
import { chooseAddressee } from './addressee.js';
import { type NoticePorts, Notices } from './notices.js';

const sender = new Address('alice', 'example.com');
const recipient = new Address('bob', 'example.net');
const places = new PlaceTable();

function mailOf(more: Partial<Reception> = {}, body = 'the text\r\n'): Copy {
  const reception: Reception = {
    batchId: 'B/1',
    connectionId: 'C/1',
    protocol: 'esmtp',
    receivedAt: 1_799_999_000_000,
    sender,
    facts: new Facts(),
    smtpUtf8: false,
    ...more,
  };
  const headers = new Headers(Buffer.from('Subject: original\r\nX-Mark: kept\r\n\r\n'));
  const mail = new Copy('M/1', reception, [recipient], headers, bodyOf([Buffer.from(body)]), new Facts());
  mail.place = places.of('default', 'default', 'example.net');
  return mail;
}

const attemptOf = (mail: Copy): Attempt => ({
  mail,
  place: mail.place,
  at: 1_800_000_000_000,
  connectionId: 'O/1',
  stage: 5,
  bytes: 0,
  hop: { name: 'mx.example.net', ip: '198.51.100.25', port: 25 },
  bounceClass: 10,
  possibleDuplicate: false,
  tls: undefined,
  outcome: 'failed',
  reply: '550 5.1.1 no such user',
});

interface Setting {
  readonly config?: string;
  readonly register?: (ctx: Context) => void;
  /** What the entrance makes of a notice; its own way in by default. */
  readonly prepare?: Entrance['prepare'];
}

/** Notices over a real configuration, a spool in memory and a diary of everything that was called. */
async function open({ config = '', register = () => {}, prepare }: Setting = {}) {
  const configured = await configureText(config, { unread: new Set() });
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  const { snapshot } = configured;
  const { registry, clock } = rehearse();
  const diary: string[] = [];
  const made: MadeMessage[] = [];
  const logs: string[] = [];
  const listening = planOf({ name: 'listening', register: (ctx) => ctx.on('failed', ({ mail }) => void diary.push(`failed ${mail.id}`)) });
  registry.commit(await registry.prepare([planOf({ name: 'm', register }), listening]));

  let broken: Error | undefined;
  class Spool extends MemorySpool {
    override async replace(gone: readonly number[], copies: readonly Copy[]): Promise<void> {
      await new Promise((done) => setImmediate(done));
      if (broken) throw broken;
      await super.replace(gone, copies);
      diary.push(`replaced ${gone.join(' ')} by ${copies.length}`);
    }
    override async write(copies: readonly Copy[]): Promise<void> {
      await new Promise((done) => setImmediate(done));
      if (broken) throw broken;
      await super.write(copies);
    }
    override async flush(): Promise<void> {
      await new Promise((done) => setImmediate(done));
      if (broken) throw broken;
      diary.push('synced');
    }
    override async purge(tickets: readonly number[]): Promise<void> {
      await super.purge(tickets);
      await this.flush();
    }
    override gone(ticket: number): void {
      super.gone(ticket);
      diary.push(`gone ${ticket}`);
    }
  }
  const spool = new Spool();
  const supply: Pick<Supply, 'putBack' | 'release'> = {
    putBack: (mails) => void diary.push(`put back ${mails.map(({ id }) => id).join(' ')}`),
    release: (mail) => void diary.push(`released ${mail.id}`),
  };
  const entrance: Entrance = {
    prepare: async (message, signal) => {
      made.push(message);
      if (prepare) return prepare(message, signal);
      const reception = { ...mailOf().reception, protocol: message.protocol, sender: message.sender };
      return { copies: [new Copy('N/1', reception, [...message.recipients], new Headers(message.headers), message.content, new Facts())] };
    },
    admit: (copies) => void diary.push(`admitted ${copies.length}`),
  };
  const stopped = new AbortController();
  const ports: NoticePorts = {
    clock,
    spool,
    // The rest of a supply has no part in ending a mail.
    supply: supply as Supply,
    entrance,
    chains: () => registry.current.hooks.chains,
    options: (mail) => snapshot.at(mail.place),
    nextId: () => 'N/7',
    host: 'mx.test',
    signal: stopped.signal,
    log: (level, text, cause) => void logs.push(`${level} ${text}${cause instanceof Error ? `: ${cause.message}` : ''}`),
  };
  const keep = async (mail: Copy): Promise<Copy> => {
    await spool.write([mail]);
    return mail;
  };
  return {
    notices: new Notices(ports),
    diary,
    made,
    logs,
    spool,
    keep,
    clock,
    stopped,
    breakSpool: (error: Error | undefined) => {
      broken = error;
    },
  };
}

const textOf = (message: MadeMessage | undefined): string =>
  `${message?.headers.toString() ?? ''}${Buffer.concat([...(message?.content.resident ?? [])]).toString()}`;

describe('who hears of a failure', () => {
  const options = (more: Partial<OutboundValues> = {}) => ({ generate_bounces: true, mdn_failures_notify: undefined, ...more });
  const told = (mail: Copy, more: Partial<OutboundValues> = {}): string => String(chooseAddressee(mail, options(more)) ?? 'nobody');
  const notifying = (notify: number, more: Partial<Reception> = {}): Copy => {
    const mail = mailOf(more);
    mail.notify = notify;
    return mail;
  };
  const ours = (more: Partial<Reception> = {}): Copy => {
    const mail = mailOf(more);
    mail.notice = true;
    return mail;
  };

  it.each<[string, string, string]>([
    ['the sender', told(mailOf()), 'alice@example.com'],
    ['the sender who asked for failures', told(notifying(NOTIFY.failure)), 'alice@example.com'],
    ['the sender who asked for failures and delays', told(notifying(NOTIFY.failure | NOTIFY.delay)), 'alice@example.com'],
    ['nobody with NOTIFY=NEVER', told(notifying(NOTIFY.never)), 'nobody'],
    ['nobody with NOTIFY=SUCCESS,DELAY', told(notifying(NOTIFY.success | NOTIFY.delay)), 'nobody'],
    ['nobody for a null sender', told(mailOf({ sender: null })), 'nobody'],
    ['mdn_failures_notify for a null sender', told(mailOf({ sender: null }), { mdn_failures_notify: 'dead@ops.test' }), 'dead@ops.test'],
    ['the sender all the same where there is one', told(mailOf(), { mdn_failures_notify: 'dead@ops.test' }), 'alice@example.com'],
    ['nobody with generate_bounces = false', told(mailOf(), { generate_bounces: false }), 'nobody'],
    ['nobody of a notice of ours', told(ours({ sender: null }), { mdn_failures_notify: 'dead@ops.test' }), 'nobody'],
    ['nobody of a notice that was given a sender', told(ours()), 'nobody'],
  ])('is %s', (_who, found, expected) => {
    expect(found).toBe(expected);
  });
});

describe('the end of a mail', () => {
  it('and its notice are one write; then the mail is released, the notice queued, the failure told', async () => {
    const { notices, diary, made, keep, spool } = await open();
    const mail = await keep(mailOf());
    await notices.end(mail, attemptOf(mail));
    expect(diary).toEqual([`gone ${mail.ticket}`, `replaced ${mail.ticket} by 1`, 'released M/1', 'admitted 1', 'failed M/1']);
    expect(spool.find('M/1')).toBeUndefined();
    expect(spool.find('N/1')).toBeTypeOf('number');
    expect(made).toMatchObject([{ sender: null, protocol: 'internal', notice: true }]);
    expect(made[0]?.recipients.map(String)).toEqual(['alice@example.com']);
  });

  it.each([
    ['quietly', '', true],
    ['with generate_bounces = false', 'generate_bounces = false', false],
  ])('%s is recorded and told without a notice', async (_how, config, quiet) => {
    const { notices, diary, made, keep } = await open({ config });
    const mail = await keep(mailOf());
    await notices.end(mail, attemptOf(mail), quiet);
    expect(diary).toEqual([`gone ${mail.ticket}`, 'released M/1', 'synced', 'failed M/1']);
    expect(made).toEqual([]);
  });

  it('does not come while the spool cannot record it: the mail goes back, nothing is told', async () => {
    const { notices, diary, logs, keep, breakSpool, spool } = await open();
    const mail = await keep(mailOf());
    breakSpool(new Error('ENOSPC'));
    await notices.end(mail, attemptOf(mail));
    expect(diary).toEqual(['put back M/1']);
    expect(spool.find('M/1')).toBe(mail.ticket);
    expect(logs).toEqual(['error the notice about M/1 could not be recorded: ENOSPC']);
    breakSpool(undefined);
    await notices.end(mail, attemptOf(mail));
    expect(diary.at(-1)).toBe('failed M/1');
  });

  it('without a notice is told when it is on the medium and not before, however long the disk fails', async () => {
    const { notices, diary, logs, keep, breakSpool, clock } = await open();
    const mail = await keep(mailOf());
    breakSpool(new Error('EIO'));
    const ending = notices.end(mail, attemptOf(mail), true);
    const turn = (): Promise<void> => new Promise((done) => setTimeout(done, 5));
    for (let i = 0; i < 4; i++) {
      await turn();
      await clock.advance(1000);
    }
    // Its ticket may be another mail's: it is released at once.
    expect(diary).toEqual([`gone ${mail.ticket}`, 'released M/1']);
    expect(logs).toEqual(['error the end of M/1 could not be recorded yet: EIO']);
    breakSpool(undefined);
    await turn();
    await clock.advance(1000);
    await ending;
    expect(diary.slice(2)).toEqual(['synced', 'failed M/1']);
  });

  it('that was not recorded before the daemon stopped is not told: it fails again after the next start', async () => {
    const { notices, diary, keep, breakSpool, stopped } = await open();
    const mail = await keep(mailOf());
    breakSpool(new Error('EIO'));
    const ending = notices.end(mail, attemptOf(mail), true);
    stopped.abort();
    await ending;
    expect(diary).toEqual([`gone ${mail.ticket}`, 'released M/1']);
  });

  it('comes without a notice when policy refuses or drops the notice', async () => {
    const refuses = await open({ prepare: async () => ({ refused: { code: 550, status: '5.7.1', text: 'no notices' } }) });
    const mail = await refuses.keep(mailOf());
    await refuses.notices.end(mail, attemptOf(mail));
    expect(refuses.diary).toEqual([`gone ${mail.ticket}`, 'released M/1', 'synced', 'failed M/1']);
    expect(refuses.logs).toEqual(['warning the notice about M/1 was refused: 550 5.7.1 no notices']);
    const drops = await open({ prepare: async () => ({ copies: [] }) });
    const other = await drops.keep(mailOf());
    await drops.notices.end(other, attemptOf(other));
    expect(drops.diary.at(-1)).toBe('failed M/1');
    expect(drops.logs).toEqual([]);
  });
});

describe('hook bounce_make', () => {
  it('may stop a notice', async () => {
    const { notices, made, diary, keep } = await open({
      register: (ctx) => ctx.on('bounce_make', (notice, mail, attempt) => ({ ...notice, send: mail.id !== attempt.mail.id })),
    });
    const mail = await keep(mailOf());
    await notices.end(mail, attemptOf(mail));
    expect(made).toEqual([]);
    expect(diary.at(-1)).toBe('failed M/1');
  });

  it('may change where it goes and what it says', async () => {
    const { notices, made, keep } = await open({
      register: (ctx) =>
        ctx.on('bounce_make', async (notice) => ({
          ...notice,
          to: new Address('desk', 'ops.test'),
          from: 'Robot <robot@ops.test>',
          subject: 'Not delivered',
          text: 'Own words.',
        })),
    });
    const mail = await keep(mailOf());
    await notices.end(mail, attemptOf(mail));
    expect(made[0]?.recipients.map(String)).toEqual(['desk@ops.test']);
    const parsed = await simpleParser(textOf(made[0]));
    expect([parsed.from?.text, parsed.subject, parsed.text?.trim().split('\n')[0]]).toEqual([
      '"Robot" <robot@ops.test>',
      'Not delivered',
      'Own words.',
    ]);
  });
});

describe('a notice', () => {
  const write = async (mail: Copy, config = ''): Promise<string> => {
    const { notices, made, keep } = await open({ config });
    await notices.end(await keep(mail), attemptOf(mail));
    return textOf(made[0]);
  };

  it('reads as RFC 3464 asks', async () => {
    const mail = mailOf({ envelopeId: 'env-1' });
    mail.originalRecipient = 'rfc822;robert@example.net';
    const text = await write(mail);
    expect(text).toMatch(/^Content-Type: multipart\/report;[\s\S]*report-type="?delivery-status"?/m);
    for (const line of [
      'Reporting-MTA: dns;mx.test',
      'Original-Envelope-Id: env-1',
      'Original-Recipient: rfc822;robert@example.net',
      'Final-Recipient: rfc822;bob@example.net',
      'Action: failed',
      'Status: 5.1.1',
      'Diagnostic-Code: smtp;550 5.1.1 no such user',
      'Message-ID: <N.7@mx.test>',
    ])
      expect(text.replaceAll('; ', ';')).toContain(line);
    expect(text).toContain('Remote-MTA: ');
    expect(text).toContain('mx.example.net');
    const parsed = await simpleParser(text);
    expect(parsed.to).toMatchObject({ text: 'alice@example.com' });
    expect(parsed.from?.text).toContain('mailer-daemon@mx.test');
    expect(parsed.text).toContain('550 5.1.1 no such user');
  });

  it('comes from mailerdaemon where it is set', async () => {
    expect((await simpleParser(await write(mailOf(), 'mailerdaemon = "postmaster@corp.test"'))).from?.text).toBe('postmaster@corp.test');
  });

  it.each<[string, Partial<Reception>, string, boolean, boolean]>([
    ['RET=FULL', { returnContent: 'full' }, 'bounces_inline_original = "none"', true, true],
    ['RET=HDRS', { returnContent: 'headers' }, 'bounces_inline_original = "all"', true, false],
    ['REQUIRETLS', { requireTls: true, returnContent: 'full' }, 'bounces_inline_original = "all"', true, false],
    ['no RET and all', {}, 'bounces_inline_original = "all"', true, true],
    ['no RET and headers', {}, 'bounces_inline_original = "headers"', true, false],
    ['no RET and none', {}, 'bounces_inline_original = "none"', false, false],
  ])('carries with %s what was asked for', async (_how, reception, config, headers, body) => {
    const text = await write(mailOf(reception, 'a line of the original\r\n'), config);
    expect([text.includes('X-Mark: kept'), text.includes('a line of the original')]).toEqual([headers, body]);
  });

  it('carries only the headers of a large original, or of one that is not in memory', async () => {
    const large = await write(mailOf({ returnContent: 'full' }, `${'x'.repeat(70)}\r\n`.repeat(20_000)));
    expect([large.includes('X-Mark: kept'), large.length < 100_000]).toEqual([true, true]);
    const away = mailOf({ returnContent: 'full' });
    away.content = Object.assign(new ResidentBody([], 10, false, false), { resident: undefined });
    expect(await write(away)).toContain('X-Mark: kept');
  });

  it('knows that its body has dots to be stuffed', async () => {
    const { notices, made, keep } = await open({ config: 'bounces_inline_original = "all"' });
    const mail = await keep(mailOf({}, '.dot\r\n'));
    await notices.end(mail, attemptOf(mail));
    expect(made[0]?.content.dots).toBe(true);
  });
});

describe('a notice of delay', () => {
  const late = (more: Partial<Reception> = {}): Copy => {
    const mail = mailOf(more);
    mail.lastReply = '451 4.2.0 come back';
    return mail;
  };

  it('says what waits, why, and until when; the mail goes on waiting', async () => {
    const { notices, made, diary, keep, spool } = await open({ config: 'message_expiration = 86400' });
    const mail = await keep(late({ envelopeId: 'env-1' }));
    expect(await notices.tellDelay(mail)).toBe(true);
    expect(diary).toEqual(['admitted 1']);
    expect(spool.find('M/1')).toBe(mail.ticket);
    const text = textOf(made[0]);
    for (const line of [
      'Subject: Delayed mail: bob@example.net',
      'Original-Envelope-Id: env-1',
      'Final-Recipient: rfc822;bob@example.net',
      'Action: delayed',
      'Status: 4.2.0',
      'Diagnostic-Code: smtp;451 4.2.0 come back',
      'Will-Retry-Until: Sat, 16 Jan 2027 07:43:20 +0000',
    ])
      expect(text).toContain(line);
    expect([text.includes('X-Mark: kept'), text.includes('the text'), text.includes('Last-Attempt-Date')]).toEqual([true, false, false]);
    expect(made).toMatchObject([{ sender: null, notice: true }]);
    expect((await simpleParser(text)).headers.get('auto-submitted')).toBe('auto-replied');
  });

  it('past the time that the sender set says so, and when that was (RFC 2852)', async () => {
    const { notices, made, keep } = await open();
    const mail = late();
    mail.priority = -4;
    mail.facts.set('deliver_by', `${Date.UTC(2026, 10, 23, 9, 30)}N`);
    expect(await notices.tellDelay(await keep(mail), true)).toBe(true);
    const text = textOf(made[0]);
    expect(text).toMatch(/\r\nArrival-Date: .*\r\nDeliver-By-Date: Mon, 23 Nov 2026 09:30:00 \+0000\r\n\r\n/);
    for (const line of ['Action: delayed', 'Status: 4.4.7', '451 4.2.0 come back']) expect(text).toContain(line);
    // RFC 6710 4.6.
    expect(made[0]?.priority).toBe(-4);
  });

  it('has words of its own for mail that was never tried', async () => {
    const { notices, made, keep } = await open();
    await notices.tellDelay(await keep(mailOf()));
    expect(textOf(made[0])).toContain('Status: 4.4.0');
  });

  it.each<[string, Partial<Reception>, number, boolean]>([
    ['nobody for a null sender', { sender: null }, 0, false],
    ['nobody with NOTIFY=FAILURE', {}, NOTIFY.failure, false],
    ['nobody with NOTIFY=NEVER', {}, NOTIFY.never, false],
    ['the sender with NOTIFY=FAILURE,DELAY', {}, NOTIFY.failure | NOTIFY.delay, true],
  ])('tells %s', async (_who, more, notify, expected) => {
    const { notices, keep } = await open();
    const mail = await keep(late(more));
    mail.notify = notify;
    expect(await notices.tellDelay(mail)).toBe(expected);
  });

  it('may be changed or stopped by the hook delay_make', async () => {
    const changes = await open({ register: (ctx) => ctx.on('delay_make', (notice) => ({ ...notice, text: 'Patience.' })) });
    expect(await changes.notices.tellDelay(await changes.keep(late()))).toBe(true);
    expect((await simpleParser(textOf(changes.made[0]))).text?.split('\n')[0]).toBe('Patience.');
    const stops = await open({ register: (ctx) => ctx.on('delay_make', (notice) => ({ ...notice, send: false })) });
    expect(await stops.notices.tellDelay(await stops.keep(late()))).toBe(false);
  });

  it('rejects when the spool cannot take it', async () => {
    const { notices, keep, breakSpool } = await open();
    const mail = await keep(late());
    breakSpool(new Error('ENOSPC'));
    await expect(notices.tellDelay(mail)).rejects.toThrow('ENOSPC');
  });
});

describe('hook bounced', () => {
  const hear = async (config: string): Promise<string[]> => {
    const heard: string[] = [];
    const { notices, keep } = await open({
      config,
      register: (ctx) =>
        ctx.on(
          'bounced',
          ({ recipient, sender, stage, bounceClass, ip, reply }) =>
            void heard.push([recipient, sender, stage, bounceClass, ip, reply].join(' | ')),
        ),
    });
    const mail = await keep(mailOf());
    await notices.end(mail, attemptOf(mail), true);
    return heard;
  };

  it('hears of a failure, with or without a notice', async () => {
    expect(await hear('')).toEqual(['bob@example.net | alice@example.com | 5 | 10 | 198.51.100.25 | 550 5.1.1 no such user']);
  });

  it('hears only of senders that bounce_pattern matches', async () => {
    expect(await hear('bounce_pattern = "/^news/"')).toEqual([]);
    expect(await hear('bounce_pattern = "/^alice@/"')).toHaveLength(1);
  });
});

describe('a copy that was refused while others were accepted', () => {
  it('is told to its sender; it was never ours, so nothing ends', async () => {
    const { notices, diary, made, spool } = await open();
    const copy = mailOf();
    await notices.tellRefused(copy, attemptOf(copy));
    expect(diary).toEqual(['admitted 1']);
    expect(made).toHaveLength(1);
    expect(spool.find('N/1')).toBeTypeOf('number');
  });

  it('is told to nobody where nobody asked, and logged when the spool fails', async () => {
    const silent = await open({ config: 'generate_bounces = false' });
    const copy = mailOf();
    await silent.notices.tellRefused(copy, attemptOf(copy));
    expect(silent.diary).toEqual([]);
    const broken = await open();
    broken.breakSpool(new Error('EIO'));
    await broken.notices.tellRefused(copy, attemptOf(copy));
    expect(broken.diary).toEqual([]);
    expect(broken.logs).toEqual(['error the notice about the refused M/1 could not be recorded: EIO']);
  });
});

describe('a notice that a module stores at once', () => {
  const prepare: Entrance['prepare'] = async () => ({ copies: [], arrived: true });

  it('ends the failed mail all the same, and counts as a notice of delay', async () => {
    const { notices, keep, diary } = await open({ prepare });
    const mail = await keep(mailOf());
    expect(await notices.tellDelay(mail)).toBe(true);
    await notices.end(mail, attemptOf(mail));
    expect(diary).toEqual([`gone ${mail.ticket}`, 'released M/1', 'synced', 'failed M/1']);
  });

  it('leaves the mail as it is when the daemon ends before', async () => {
    const { notices, keep, diary, logs } = await open({
      prepare: async () => {
        throw new Error('stopped');
      },
    });
    const mail = await keep(mailOf());
    await expect(notices.end(mail, attemptOf(mail))).rejects.toThrow('stopped');
    await notices.tellRefused(mail, attemptOf(mail));
    expect(diary).toEqual([]);
    expect(logs).toEqual(['error the notice about the refused M/1 could not be recorded: stopped']);
  });
});

describe('mdn_failures_notify', () => {
  it.each([
    ['', []],
    ['mdn_failures_notify = "dead@ops.test"', ['dead@ops.test']],
    ['domain "other.test" { mdn_failures_notify = "dead@ops.test" }', []],
  ])('"%s": mail without a sender is told to %j', async (config, expected) => {
    const { notices, made, keep } = await open({ config });
    const mail = await keep(mailOf({ sender: null }));
    await notices.end(mail, attemptOf(mail));
    expect(made.flatMap(({ recipients }) => recipients.map(String))).toEqual(expected);
  });
});

describe('mail that was delivered at its reception', () => {
  it('is told of when its sender asked', async () => {
    const { notices, made, diary, spool } = await open();
    const mail = mailOf();
    mail.notify = NOTIFY.success;
    await notices.tellArrived(mail, { ...attemptOf(mail), outcome: 'delivered', reply: '250 2.0.0 stored', hop: undefined });
    expect(made.map(({ recipients }) => recipients.map(String))).toEqual([['alice@example.com']]);
    expect(bodyText(made[0])).toMatch(/Action: delivered/);
    expect(diary).toEqual(['admitted 1']);
    expect(spool.find('N/1')).toBeTypeOf('number');
  });
});

const bodyText = (message: MadeMessage | undefined): string => Buffer.concat(message?.content.resident ?? []).toString();

describe('mail that arrived', () => {
  const receive = (mail: Copy): Attempt => ({ ...attemptOf(mail), outcome: 'delivered', reply: '250 2.0.0 queued as 7', bounceClass: 0 });
  const asking = (notify: number, more: Partial<Reception> = {}): Copy => {
    const mail = mailOf({ envelopeId: 'QQ 314', returnContent: 'full', ...more });
    mail.notify = notify;
    mail.originalRecipient = 'rfc822;robert@example.net';
    return mail;
  };

  it.each([
    ['delivered', 'was delivered.', 'Delivered mail: bob@example.net'],
    ['relayed', 'was handed on to mx.example.net', 'Relayed mail: bob@example.net'],
  ] as const)('%s: its end and the notice are one record, and programs can read it', async (action, words, subject) => {
    const { notices, diary, made, keep, spool } = await open();
    const mail = await keep(asking(NOTIFY.success));
    await notices.confirm(mail, receive(mail), action);
    expect(diary).toEqual([`gone ${mail.ticket}`, `replaced ${mail.ticket} by 1`, 'released M/1', 'admitted 1']);
    expect(spool.find('M/1')).toBeUndefined();
    expect(made).toMatchObject([{ sender: null, protocol: 'internal', notice: true }]);
    const parsed = await simpleParser(textOf(made[0]));
    expect(parsed.headers.get('content-type')).toMatchObject({ value: 'multipart/report', params: { 'report-type': 'delivery-status' } });
    expect(parsed.subject).toBe(subject);
    expect(parsed.text).toContain(words);
    expect(parsed.text).toContain('250 2.0.0 queued as 7');
    const fields = textOf(made[0]).split('\r\n');
    for (const line of [
      'Original-Envelope-Id: QQ 314',
      'Original-Recipient: rfc822;robert@example.net',
      'Final-Recipient: rfc822;bob@example.net',
      `Action: ${action}`,
      'Status: 2.0.0',
      'Remote-MTA: dns;mx.example.net',
    ])
      expect(fields).toContain(line);
    // RFC 3461 6.2: RET=FULL is for failures.
    expect(fields).toContain('Content-Type: text/rfc822-headers');
    expect(textOf(made[0])).not.toContain('the text');
  });

  it.each<[string, number, Partial<Reception>, boolean]>([
    ['did not ask for it', NOTIFY.failure | NOTIFY.delay, {}, false],
    ['asked for nothing', 0, {}, false],
    ['is null', NOTIFY.success, { sender: null }, false],
    ['is ourselves', NOTIFY.success, {}, true],
  ])('is gone without a word when the sender %s', async (_why, notify, more, notice) => {
    const { notices, diary, made, keep } = await open();
    const mail = asking(notify, more);
    mail.notice = notice;
    await keep(mail);
    await notices.confirm(mail, receive(mail), 'relayed');
    expect(diary).toEqual([`gone ${mail.ticket}`, 'released M/1']);
    expect(made).toEqual([]);
  });

  it('is told as the hook receipt_make says, or not at all', async () => {
    const changes = await open({
      register: (ctx) =>
        ctx.on('receipt_make', (notice, mail, attempt) => ({ ...notice, text: `${mail.recipient}: ${attempt.reply.slice(0, 3)}` })),
    });
    const mail = await changes.keep(asking(NOTIFY.success));
    await changes.notices.confirm(mail, receive(mail), 'delivered');
    expect((await simpleParser(textOf(changes.made[0]))).text?.split('\n')[0]).toBe('bob@example.net: 250');
    const stops = await open({ register: (ctx) => ctx.on('receipt_make', async (notice) => ({ ...notice, send: false })) });
    const other = await stops.keep(asking(NOTIFY.success));
    await stops.notices.confirm(other, receive(other), 'relayed');
    expect(stops.diary).toEqual([`gone ${other.ticket}`, 'released M/1']);
    expect(stops.made).toEqual([]);
  });

  it('is not sent again for a notice that cannot be recorded', async () => {
    const { notices, diary, logs, keep, breakSpool } = await open();
    const mail = await keep(asking(NOTIFY.success));
    breakSpool(new Error('ENOSPC'));
    await notices.confirm(mail, receive(mail), 'delivered');
    expect(diary).toEqual([`gone ${mail.ticket}`, 'released M/1']);
    expect(logs).toEqual(['error the notice that M/1 was delivered could not be recorded: ENOSPC']);
  });
});
