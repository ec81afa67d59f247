/** What happens to mail that cannot be delivered now, or ever. */
import { simpleParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import { parseSaying } from '../../src/tools/sink/rule.js';
import { startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';

const MAIL = 'From: alice@sender.test\r\nTo: bob@one.test\r\nSubject: hi\r\n\r\ntext\r\n';

async function submit(daemon: Daemon, to = 'bob@one.test', from = 'alice@sender.test'): Promise<string> {
  const client = await RawClient.connect(daemon.port);
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  const reply = await client.deliver(from, [to], MAIL);
  await client.command('QUIT', 221);
  expect(reply.code).toBe(250);
  return reply.texts.join(' ').split(' ').at(-1) ?? '';
}

const types = (daemon: Daemon, log = 'mainlog.ec'): string[] => daemon.fileLines(log).map((line) => line.split('@')[4] ?? '');

describe('a server that says later', () => {
  it('gets the message again when the operator asks, and its reply stands in the T line', async () => {
    await using sink = await startSink({ rules: [parseSaying('data*1=451 4.2.0 come back')] });
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: sink.port }) });
    const id = await submit(daemon);
    await daemon.waitFor('T', () => types(daemon).includes('T'));
    expect(daemon.fileLines('mainlog.ec').find((line) => line.split('@')[4] === 'T')).toMatch(/@451 4\.2\.0 come back$/);
    expect(await daemon.consoleJson(`message details ${id}`)).toMatchObject({
      state: 'delayed',
      attempts: 1,
      sender: 'alice@sender.test',
      recipient: 'bob@one.test',
    });
    expect(await daemon.console(`why ${id}`)).not.toBe('');
    expect(await daemon.console(`message retry ${id}`)).toContain('requeued');
    await sink.waitFor(1);
    await daemon.waitFor('D', () => types(daemon).includes('D'));
  });
});

describe('a server that says never', () => {
  it('causes one notice to the sender, and a notice never causes another', async () => {
    await using sink = await startSink({ rules: [parseSaying('rcpt*1=550 5.1.1 no such user')] });
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: sink.port }) });
    await submit(daemon);
    await sink.waitFor(1);
    const [notice] = sink.received;
    expect(notice).toMatchObject({ from: '', to: ['alice@sender.test'] });
    const parsed = await simpleParser(notice?.raw ?? Buffer.alloc(0));
    expect(parsed.headers.get('content-type')).toMatchObject({ value: 'multipart/report' });
    expect(notice?.raw.toString()).toContain('Diagnostic-Code: smtp;550 5.1.1 no such user');
    await daemon.waitFor('P and the D of the notice', () => types(daemon).includes('P') && types(daemon).includes('D'));
    expect(daemon.fileLines('mainlog.ec').find((line) => line.includes('@internal@'))).toContain('@R@alice@sender.test@@@');
  });

  it('bad-inputs 33: causes none for mail without a sender', async () => {
    await using sink = await startSink({ rules: [parseSaying('rcpt=550 5.1.1 no such user')] });
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: sink.port }) });
    await submit(daemon, 'bob@one.test', '');
    await daemon.waitFor('P', () => types(daemon).includes('P'));
    expect(await daemon.consoleJson('summary')).toMatchObject({ received: 1, failed: 1, queued: 0 });
  });

  it('fail domain ends all mail with notices, quiet without', async () => {
    await using sink = await startSink({ rules: [parseSaying('mail=451 4.3.2 not now')] });
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: sink.port }) });
    await Promise.all([submit(daemon), submit(daemon)]);
    await daemon.waitFor('two T', () => types(daemon).filter((type) => type === 'T').length === 2);
    const [row] = (await daemon.consoleJson('mailq')) as { domain: string }[];
    expect(await daemon.console(`fail domain quiet ${row?.domain}`)).toContain('purged, 2 messages failed.');
    await daemon.waitFor('two P', () => types(daemon).filter((type) => type === 'P').length === 2);
    expect(await daemon.consoleJson('summary')).toMatchObject({ received: 2, queued: 0 });
  });
});
