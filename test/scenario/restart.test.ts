/** What a daemon that ends, in order or not, leaves behind and finds again. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { mainFile, startDaemon } from '../harness/daemon.js';
import { freePort, makePlace, plainConf } from '../harness/place.js';

const MAIL = 'From: alice@sender.test\r\nSubject: hi\r\n\r\ntext\r\n';

async function submit(port: number, count: number): Promise<void> {
  const client = await RawClient.connect(port);
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  for (let i = 0; i < count; i++) expect((await client.deliver('alice@sender.test', [`user${i}@one.test`], MAIL)).code).toBe(250);
  await client.command('QUIT', 221);
}

describe('a killed daemon', () => {
  it('delivers all it had accepted, once, after it starts again', async () => {
    const place = await makePlace();
    const sinkPort = await freePort();
    const conf = plainConf(place, { sinkPort });
    const first = await startDaemon({ conf, place });
    await submit(first.port, 40);
    const client = await RawClient.connect(first.port);
    await client.expect(220);
    await client.command('EHLO client.test', 250);
    await client.command('MAIL FROM:<alice@sender.test> MT-PRIORITY=-7', 250);
    await client.command('RCPT TO:<patient@one.test>', 250);
    await client.command('DATA', 354);
    const said = await client.command('Subject: x\r\n\r\nx\r\n.', 250);
    const patient = /OK (\S+)/.exec(said.raw)?.[1] ?? '';
    expect(await first.console(`message details ${patient}`)).toMatch(/Priority:? +-7\n/);
    await first.kill();
    await using sink = await startSink({ port: sinkPort });
    const second = await startDaemon({ conf, place });
    await second.waitFor(
      'old mail',
      async () => ((await second.consoleJson('summary')) as { loadingPercent: number }).loadingPercent === 100,
    );
    expect(await second.consoleJson(`message details ${patient}`)).toMatchObject({ priority: -7 });
    await second.console('flush domain all');
    await sink.waitFor(41);
    await second.waitFor('an empty queue', async () => ((await second.consoleJson('summary')) as { queued: number }).queued === 0);
    expect(new Set(sink.received.flatMap(({ to }) => to)).size).toBe(41);
    expect(sink.messages).toBe(41);
    expect(await second.stop()).toBe('0');
    const third = await startDaemon({ conf, place });
    await third.waitFor(
      'recovery',
      async () => ((await third.consoleJson('summary')) as { loadingPercent: number }).loadingPercent === 100,
    );
    expect(await third.consoleJson('summary')).toMatchObject({ queued: 0 });
    await third.end();
  });
});

describe('an orderly end', () => {
  it('lets a message on its way finish and says 421 afterwards', async () => {
    const daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: 9 }) });
    const client = await RawClient.connect(daemon.port);
    await client.expect(220);
    await client.command('EHLO client.test', 250);
    await client.command('MAIL FROM:<a@b.test>', 250);
    await client.command('RCPT TO:<c@d.test>', 250);
    await client.command('DATA', 354);
    client.send('Subject: x\r\n\r\n');
    const ended = daemon.stop();
    await new Promise((done) => setTimeout(done, 200));
    client.send('the rest\r\n.\r\n');
    await client.expect(250);
    await client.command('NOOP', 421);
    expect(await ended).toBe('0');
    await daemon.end();
  });
});

describe('a second daemon', () => {
  it('bad-inputs 49: is refused on the spool of the first, with the path in its words', async () => {
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: 9 }) });
    const other = await makePlace();
    const conf = path.join(other.dir, 'second.conf');
    fs.writeFileSync(conf, plainConf(other).replace(`${other.dir}/spool`, `${daemon.dir}/spool`));
    const { status, stderr } = spawnSync(process.execPath, [mainFile(), 'start', '-c', conf], { encoding: 'utf8', timeout: 10_000 });
    expect(status).toBe(75);
    expect(stderr).toContain(`SPOOL_LOCKED another daemon uses the spool ${daemon.dir}/spool`);
    fs.rmSync(other.dir, { recursive: true });
  });
});
