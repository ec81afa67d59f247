/** Failures as their senders and the bounce log hear of them: here, later, and from elsewhere. */
import path from 'node:path';
import { simpleParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import { parseSaying } from '../../src/tools/sink/rule.js';
import { startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { type Place, plainConf } from '../harness/place.js';

const MAIL = 'From: alice@sender.test\r\nTo: bob@one.test\r\nMessage-ID: <one@sender.test>\r\nSubject: hi\r\n\r\ntext\r\n';

const conf = (place: Place, sinkPort: number, more = ''): string =>
  plainConf(place, {
    sinkPort,
    more: `bounce_logger "b" { bouncelog = "${path.join(place.dir, 'bouncelog.ec')}" }\n${more}\n`,
  });

async function submit(daemon: Daemon, mail: string, from: string, to: string): Promise<string> {
  const client = await RawClient.connect(daemon.port);
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  const reply = await client.deliver(from, [to], mail);
  await client.command('QUIT', 221);
  expect(reply.code).toBe(250);
  return reply.texts.join(' ').split(' ').at(-1) ?? '';
}

/** Fields of the lines of one type, split with a limit: the reply is last. */
const bounces = (daemon: Daemon, type: string): string[][] =>
  daemon
    .fileLines('bouncelog.ec')
    .map((line) => {
      const fields = line.split('@');
      return [...fields.slice(0, 15), fields.slice(15).join('@')];
    })
    .filter((fields) => fields[4] === type);

const DSN = [
  'From: MAILER-DAEMON@mx.far.test (Mail Delivery System)',
  'To: bounces@ours.test',
  'Subject: Undelivered Mail Returned to Sender',
  'MIME-Version: 1.0',
  'Content-Type: multipart/report; report-type=delivery-status; boundary="b1"',
  '',
  '--b1',
  'Content-Type: text/plain',
  '',
  'I am sorry.',
  '',
  '--b1',
  'Content-Type: message/delivery-status',
  '',
  'Reporting-MTA: dns; mx.far.test',
  '',
  'Final-Recipient: rfc822; carol@far.test',
  'Action: failed',
  'Status: 5.2.2',
  'Diagnostic-Code: smtp; 552 5.2.2 <carol@far.test> over quota',
  '',
  '--b1',
  'Content-Type: text/rfc822-headers',
  '',
  'Message-ID: <two@ours.test>',
  '',
  '--b1--',
  '',
].join('\r\n');

describe('a failure here', () => {
  it('is told to the sender in a notice that programs read, and to the bounce log', async () => {
    await using sink = await startSink({ rules: [parseSaying('rcpt*1=550 5.1.1 <bob@one.test> no such user')] });
    await using daemon = await startDaemon({ conf: (place) => conf(place, sink.port) });
    const id = await submit(daemon, MAIL, 'alice@sender.test', 'bob@one.test');
    await sink.waitFor(1);
    const [notice] = sink.received;
    expect(notice).toMatchObject({ from: '', to: ['alice@sender.test'] });
    const parsed = await simpleParser(notice?.raw ?? Buffer.alloc(0));
    expect(parsed.headers.get('content-type')).toMatchObject({ value: 'multipart/report', params: { 'report-type': 'delivery-status' } });
    expect(parsed.headers.get('auto-submitted')).toBe('auto-replied');
    expect(parsed.text).toContain('550 5.1.1');
    const raw = notice?.raw.toString() ?? '';
    for (const line of ['Final-Recipient: rfc822;bob@one.test', 'Action: failed', 'Status: 5.1.1', 'Message-ID: <one@sender.test>'])
      expect(raw).toContain(line);

    const line = await daemon.waitFor('a B line', () => bounces(daemon, 'B')[0]);
    expect(line.slice(4, 13)).toEqual(['B', 'bob', 'one.test', 'alice', 'sender.test', 'default', 'default', line[11], '10']);
    expect(line[1]).toBe(id);
    expect(line[14]).toBe('127.0.0.1');
    expect(line[15]).toContain('550 5.1.1 <bob@one.test> no such user');
    expect(daemon.fileLines('mainlog.ec').filter((main) => main.split('@')[4] === 'P')).toHaveLength(1);
  });

  it('that may pass is a T line, with its class', async () => {
    await using sink = await startSink({ rules: [parseSaying('rcpt*1=452 4.2.2 over quota')] });
    await using daemon = await startDaemon({ conf: (place) => conf(place, sink.port) });
    await submit(daemon, MAIL, 'alice@sender.test', 'bob@one.test');
    const line = await daemon.waitFor('a T line', () => bounces(daemon, 'T')[0]);
    expect([line[5], line[12], line[15]]).toEqual(['bob', '22', '452 4.2.2 over quota']);
    expect(bounces(daemon, 'B')).toEqual([]);
  });

  it('that no rule knows is counted on the console', async () => {
    await using sink = await startSink({ rules: [parseSaying('rcpt*1=550 zork 12345678')] });
    await using daemon = await startDaemon({ conf: (place) => conf(place, sink.port) });
    await submit(daemon, MAIL, 'alice@sender.test', 'bob@one.test');
    await daemon.waitFor('a B line', () => bounces(daemon, 'B')[0]);
    expect(await daemon.consoleJson('bounce unknown')).toMatchObject({ total: 1, replies: [{ masked: '550 zork ID', count: 1 }] });
  });
});

describe('a notice from elsewhere', () => {
  it('is delivered, and told with stage 21 and the recipient it is about', async () => {
    await using sink = await startSink();
    await using daemon = await startDaemon({ conf: (place) => conf(place, sink.port, 'bounce_domains = ( "ours.test" )') });
    const id = await submit(daemon, DSN, '', 'bounces@ours.test');
    await sink.waitFor(1);
    const line = await daemon.waitFor('a B line', () => bounces(daemon, 'B')[0]);
    expect(line.slice(4, 13)).toEqual(['B', 'carol', 'far.test', 'bounces', 'ours.test', 'default', 'default', '21', '22']);
    expect([line[1], line[14], line[15]]).toEqual([id, '127.0.0.1', '552 5.2.2 <carol@far.test> over quota']);
  });

  it('is dropped after it was told where bounce_behavior says so; the client hears 250', async () => {
    await using sink = await startSink();
    await using daemon = await startDaemon({
      conf: (place) => conf(place, sink.port, 'bounce_domains = ( "ours.test" )\nbounce_behavior = "blackhole"'),
    });
    await submit(daemon, DSN, '', 'bounces@ours.test');
    await daemon.waitFor('a B line', () => bounces(daemon, 'B')[0]);
    await daemon.waitFor('a line in the reject log', () =>
      daemon.fileLines('rejectlog.ec').some((line) => line.includes('discarded by policy')),
    );
    expect(await daemon.consoleJson('summary')).toMatchObject({ received: 0, queued: 0 });
    expect(sink.messages).toBe(0);
  });

  it('bad-inputs 33: that cannot be delivered itself causes nothing more', async () => {
    await using sink = await startSink({ rules: [parseSaying('rcpt=550 5.1.1 no such user')] });
    await using daemon = await startDaemon({ conf: (place) => conf(place, sink.port, 'bounce_domains = ( "ours.test" )') });
    await submit(daemon, DSN, '', 'bounces@ours.test');
    await daemon.waitFor('two B lines', () => bounces(daemon, 'B').length === 2);
    expect(bounces(daemon, 'B').map((fields) => fields[11] === '21')).toEqual([true, false]);
    expect(await daemon.consoleJson('summary')).toMatchObject({ received: 1, failed: 1, queued: 0 });
  });
});

describe('mail that waits', () => {
  it('is told to its sender while it waits, as RFC 3464 asks', async () => {
    await using sink = await startSink({ rules: [parseSaying('rcpt*1=451 4.2.0 come back')] });
    const more = 'generate_delay_dsn = true\ndelay_dsn_retry_interval = 1\ndelay_dsn { }';
    await using daemon = await startDaemon({ conf: (place) => conf(place, sink.port, more) });
    await submit(daemon, MAIL, 'alice@sender.test', 'bob@one.test');
    await sink.waitFor(1);
    const [notice] = sink.received;
    expect(notice).toMatchObject({ from: '', to: ['alice@sender.test'] });
    const raw = notice?.raw.toString() ?? '';
    for (const line of ['Action: delayed', 'Status: 4.2.0', 'Diagnostic-Code: smtp;451 4.2.0 come back', 'Will-Retry-Until: '])
      expect(raw).toContain(line);
    expect((await simpleParser(raw)).subject).toBe('Delayed mail: bob@one.test');
    expect(await daemon.consoleJson('delay_dsn show pending events')).toMatchObject([
      { sender: 'alice@sender.test', recipient: 'bob@one.test' },
    ]);
  });
});
