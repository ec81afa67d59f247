/** What clients hear while there is no memory left, and after it. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';

/** Each looks by itself. */
const WORKERS = Number(process.env.CELERIS_WORKERS ?? 1);

describe('memory_goal', () => {
  it('above it a message that is coming in waits with its client, and ends well below it', async () => {
    await using sink = await startSink();
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: sink.port }) });
    const conf = path.join(daemon.dir, 'ecelerity.conf');
    const calm = fs.readFileSync(conf, 'utf8');
    const client = await RawClient.connect(daemon.port);
    await client.expect(220);
    await client.command('EHLO client.test', 250);
    await client.command('MAIL FROM:<alice@sender.test>', 250);
    await client.command('RCPT TO:<bob@one.test>', 250);
    await client.command('DATA', 354);
    client.send('Subject: x\r\n\r\nfirst half\r\n');

    fs.writeFileSync(conf, `${calm}\nmemory_goal = 0\nmemory_hwm = 100\n`);
    await daemon.console('config reload');
    await daemon.waitFor('alarm', () => daemon.lines.filter((line) => line.includes('the largest receptions wait')).length >= WORKERS);
    client.send('second half\r\n.\r\n');
    let answered = false;
    const answer = client.expect(250).then(() => {
      answered = true;
    });
    await new Promise((done) => setTimeout(done, 300));
    expect(answered).toBe(false);

    fs.writeFileSync(conf, calm);
    await daemon.console('config reload');
    await answer;
    await sink.waitFor(1);
    expect(sink.received[0]?.raw.toString()).toContain('first half\r\nsecond half');
  });
});

describe('memory_hwm', () => {
  it('bad-inputs 46: above it nobody gets in and open sessions are put off; below it all is as before', async () => {
    await using sink = await startSink();
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: sink.port }) });
    const conf = path.join(daemon.dir, 'ecelerity.conf');
    const calm = fs.readFileSync(conf, 'utf8');
    const client = await RawClient.connect(daemon.port);
    await client.expect(220);
    await client.command('EHLO client.test', 250);

    fs.writeFileSync(conf, `${calm}\nmemory_goal = 0\nmemory_hwm = 0\n`);
    await daemon.console('config reload');
    await daemon.waitFor(
      'alarm',
      () => daemon.fileLines('paniclog.ec').filter((line) => line.includes('new mail is refused for now')).length >= WORKERS,
    );
    await client.command('MAIL FROM:<alice@sender.test>', 452);
    const other = await RawClient.connect(daemon.port);
    expect(await other.expect(421)).toMatchObject({ texts: [expect.stringContaining('4.3.4')] });

    fs.writeFileSync(conf, calm);
    await daemon.console('config reload');
    await daemon.waitFor('calm', () => daemon.lines.filter((line) => line.includes('all mail is taken again')).length >= WORKERS);
    expect((await client.deliver('alice@sender.test', ['bob@one.test'], 'Subject: x\r\n\r\ntext\r\n')).code).toBe(250);
    await client.command('QUIT', 221);
    await sink.waitFor(1);
  });
});
