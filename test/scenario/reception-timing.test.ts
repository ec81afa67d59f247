/** How long reception took, as lines of the chunk log beside a real daemon. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { RawClient } from '../harness/client.js';
import { type Daemon, mainFile, startDaemon } from '../harness/daemon.js';
import { makePlace, type Place, plainConf } from '../harness/place.js';

const LINE =
  /^\d+ (received|rejected|unexpected disconnect) after (\d+\.\d{6}) s \(scanned in (\d+\.\d{6}) s\) size=(\d+|0\?\?\?) src=127\.0\.0\.1:(\d+) dst=127\.0\.0\.1:\d+ pathway= ID=(\S*) batch-ID=(\S*) Message-ID="(.*?)"(?: phase=(\d+) \((.*)\))?$/;

const conf = (place: Place) =>
  plainConf(place, {
    sinkPort: 9,
    more: `chunk_logger "c" { destination = "${place.dir}/timing.log" timestamp_format = "%s" }
reception_timing "t" { }
reception_timing_logger "l" { }
mail_loop "loop" { max_received_headers = 2 }
`,
  });

/** Lines once there are so many. */
async function readTimings(daemon: Daemon, count: number) {
  await daemon.waitFor(`${count} lines`, () => daemon.fileLines('timing.log').length >= count);
  return daemon.fileLines('timing.log').map((line) => {
    const [, how, total, scanned, size, , id, batch, messageId, phase, name] = LINE.exec(line) ?? [line];
    return { how, total: Number(total), scanned: Number(scanned), size, id, batch, messageId, phase: phase && `${phase} ${name}` };
  });
}

async function greet(daemon: Daemon): Promise<RawClient> {
  const client = await RawClient.connect(daemon.port);
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  return client;
}

const BODY = 'Subject: timing\r\n\r\nhello\r\n';

describe('reception_timing', () => {
  it('writes a line for each recipient, from MAIL to the answer, and starts anew with each mail', async () => {
    await using daemon = await startDaemon({ conf });
    const client = await greet(daemon);
    await client.command('MAIL FROM:<slow@a.test>', 250);
    await new Promise((done) => setTimeout(done, 300));
    await client.command('RSET', 250);
    expect((await client.deliver('a@a.test', ['x@b.test', 'y@b.test', 'z@c.test'], BODY)).code).toBe(250);
    await client.command('MAIL FROM:<slow@a.test>', 250);
    await new Promise((done) => setTimeout(done, 200));
    await client.command('RCPT TO:<x@b.test>', 250);
    await client.command('DATA', 354);
    client.send(`${BODY}.\r\n`);
    await client.expect(250);
    client.close();
    const lines = await readTimings(daemon, 4);
    expect(lines).toHaveLength(4);
    const [first, second, third, last] = lines;
    expect(new Set([first?.batch, second?.batch, third?.batch]).size).toBe(1);
    expect(new Set(lines.map(({ id }) => id)).size).toBe(4);
    for (const { how, size, messageId, scanned, total } of lines) {
      expect([how, messageId, Number(size) > BODY.length]).toEqual(['received', '', true]);
      expect(scanned).toBeGreaterThan(0);
      expect(scanned).toBeLessThan(total);
    }
    expect(first?.total).toBeLessThan(0.2);
    expect(last?.total).toBeGreaterThan(0.19);
    const logged = daemon.fileLines('mainlog.ec').filter((line) => line.split('@')[4] === 'R');
    for (const { id, batch } of lines) expect(logged.some((line) => line.includes(`@${id}@${batch}@`))).toBe(true);
    // The end of the connection after 250 is nobody's surprise.
    await daemon.stop();
    expect(daemon.fileLines('timing.log')).toHaveLength(4);
  });

  it('tells in which state a mail was refused, or its client went away', async () => {
    await using daemon = await startDaemon({
      conf: (place) => `${conf(place)}relay_domains = ( "ours.test" )\n`.replace(/^relay_hosts.*$/m, ''),
    });
    const steps: string[] = [];
    const client = await greet(daemon);
    await client.command('MAIL FROM:<broken', 501);
    steps.push('4 awaiting mailfrom');
    await client.command('MAIL FROM:<a@a.test>', 250);
    await client.command('FOO', 500);
    await client.command('RCPT TO:<x@elsewhere.test>', 550);
    steps.push('13 relaying denied');
    await client.command('RCPT TO:<broken', 501);
    steps.push('6 awaiting rcptto');
    await client.command('RCPT TO:<x@ours.test>', 250);
    await client.command('DATA', 354);
    client.send(`${'Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n'.repeat(4)}${BODY}.\r\n`);
    await client.expect(554);
    steps.push('10 sending body response');
    await client.command('MAIL FROM:<a@a.test>', 250);
    await client.command('QUIT', 221);
    const dropped = await greet(daemon);
    await dropped.command('MAIL FROM:<a@a.test>', 250);
    await dropped.command('RCPT TO:<x@ours.test>', 250);
    await dropped.command('DATA', 354);
    dropped.send('Subject: half');
    await new Promise((done) => setTimeout(done, 50));
    dropped.close();
    steps.push('9 reading body');
    const chunked = await greet(daemon);
    chunked.send('MAIL FROM:<a@a.test>\r\nRCPT TO:<x@ours.test>\r\nBDAT 100\r\nSubject: half');
    await chunked.expect(250);
    await chunked.expect(250);
    await new Promise((done) => setTimeout(done, 50));
    chunked.close();
    steps.push('9 reading body');
    const lines = await readTimings(daemon, steps.length);
    expect(lines.map(({ phase }) => phase)).toEqual(steps);
    expect(lines.map(({ how }) => how)).toEqual([
      'rejected',
      'rejected',
      'rejected',
      'rejected',
      'unexpected disconnect',
      'unexpected disconnect',
    ]);
    expect(lines.map(({ size }) => size === '0???')).toEqual([true, true, true, false, true, true]);
    expect(lines[0]?.id).toBe('');
    expect(lines[3]?.scanned).toBeGreaterThan(0);
  });

  it('is refused without the chunk log, and a half of it is warned about', async () => {
    const place = await makePlace();
    const check = (more: string): string => {
      const file = path.join(place.dir, 'check.conf');
      fs.writeFileSync(file, plainConf(place, { sinkPort: 9, more }));
      const { status, stdout, stderr } = spawnSync(process.execPath, [mainFile(), 'check', '-c', file], { encoding: 'utf8' });
      return `${status} ${stdout}${stderr}`;
    };
    try {
      const chunks = `chunk_logger "c" { destination = "${place.dir}/t.log" }\n`;
      expect(check('reception_timing_logger "l" { }\nreception_timing "t" { }\n')).toMatch(/^[1-9][\s\S]*writes through chunk_logger/);
      expect(check(`${chunks}reception_timing "t" { }\n`)).toMatch(/^0[\s\S]*nobody writes down/);
      expect(check(`${chunks}reception_timing_logger "l" { }\n`)).toMatch(/^0[\s\S]*nothing to write/);
    } finally {
      fs.rmSync(place.dir, { recursive: true, force: true });
    }
  });
});
