/** Peers that speak for others, LMTP, and long lines: real clients against a real server. */
import fs from 'node:fs';
import path from 'node:path';
import { simpleParser } from 'mailparser';
import { expect, it } from 'vitest';
import { startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { startDaemon } from '../harness/daemon.js';
import { type Place, plainConf } from '../harness/place.js';
import { swaks } from '../harness/program.js';
import { needs } from '../needs.js';

const inListen = (place: Place, sinkPort: number, inside: string, more = ''): string =>
  plainConf(place, { sinkPort, more })
    .replace('relay_hosts = ( 127.0.0.0/8 )', 'relay_hosts = ( 203.0.113.0/24 )')
    .replace(`Listen "127.0.0.1:${place.port}" { }`, `Listen "127.0.0.1:${place.port}" { ${inside} }`);

const TRUST = 'Peer 127.0.0.1 { smtp_extensions = ( ENHANCEDSTATUSCODES SIZE XCLIENT ) }';

needs('swaks')('swaks speaks for another client', () => {
  it('by XCLIENT: relaying, logs and trace go by the told address', async () => {
    await using sink = await startSink();
    await using daemon = await startDaemon({ conf: (place) => inListen(place, sink.port, TRUST) });
    const words = ['--to', 'x@elsewhere.test', '--xclient-port', '4000', '--xclient-helo', 'far.test'];
    const stranger = await swaks(daemon.port, [...words, '--xclient-addr', '198.51.100.7']);
    expect(stranger.stdout).toMatch(/-> XCLIENT .*ADDR=198\.51\.100\.7/);
    expect(stranger.stdout).toContain('550 5.7.1 relaying denied');
    const known = await swaks(daemon.port, [...words, '--xclient-addr', '203.0.113.9']);
    expect(known.status, known.stdout).toBe(0);
    await sink.waitFor(1);
    expect(sink.received[0]?.raw.toString('latin1')).toMatch(/Received: from \[203\.0\.113\.9\] \(\[203\.0\.113\.9:4000\]/);
    await daemon.waitFor('an R line', () =>
      daemon.fileLines('mainlog.ec').some((line) => line.split('@')[4] === 'R' && line.includes('@203.0.113.9@')),
    );
    await daemon.waitFor('a reject line', () => daemon.fileLines('rejectlog.ec').some((line) => line.includes('R="198.51.100.7:4000"')));
  });

  it('not when nobody trusts it: 550 and closed', async () => {
    await using daemon = await startDaemon({ conf: (place) => inListen(place, 9, '') });
    const client = await RawClient.connect(daemon.port);
    await client.reply();
    await client.command('EHLO x', 250);
    await client.command('XCLIENT ADDR=203.0.113.9', 550, /not authorized to speak for another client/);
    expect(await client.readLine()).toBeUndefined();
  });

  it.each(['1', '2'])('by PROXY version %s', async (version) => {
    await using sink = await startSink();
    await using daemon = await startDaemon({ conf: (place) => inListen(place, sink.port, 'proxy_protocol = true') });
    const proxy = ['--proxy-version', version, '--proxy-family', version === '1' ? 'TCP4' : 'AF_INET'];
    const ends = ['--proxy-source-port', '4000', '--proxy-dest', '192.0.2.1', '--proxy-dest-port', '25'];
    const words = ['--to', 'x@elsewhere.test', ...proxy, ...ends];
    expect((await swaks(daemon.port, [...words, '--proxy-source', '198.51.100.7'])).stdout).toContain('550 5.7.1 relaying denied');
    const known = await swaks(daemon.port, [...words, '--proxy-source', '203.0.113.9']);
    expect(known.status, known.stdout).toBe(0);
    await sink.waitFor(1);
    expect(sink.received[0]?.raw.toString('latin1')).toContain('[203.0.113.9:4000]');
    expect((await swaks(daemon.port, ['--to', 'x@elsewhere.test', '--timeout', '5'])).status).not.toBe(0);
  });
});

needs('swaks')('swaks', () => {
  it('brings mail by LMTP', async () => {
    await using sink = await startSink();
    await using daemon = await startDaemon({
      conf: (place) => inListen(place, sink.port, 'speak_lmtp = true  open_relay = true'),
    });
    const run = await swaks(daemon.port, ['--protocol', 'LMTP', '--to', 'one@c.test,two@d.test']);
    expect(run.status, run.stdout).toBe(0);
    expect(run.stdout.match(/250 2\.0\.0 OK/g)).toHaveLength(2);
    await sink.waitFor(1);
    await daemon.waitFor('two R lines', () => daemon.fileLines('mainlog.ec').filter((line) => line.split('@')[4] === 'R').length === 2);
  });

  it.each([10, 400])('brings %i KiB of long lines, which arrive short and the same', async (kib) => {
    await using sink = await startSink();
    await using daemon = await startDaemon({
      conf: (place) => inListen(place, sink.port, 'open_relay = true', 'rfc2822_max_line_length_policy = fix\n'),
    });
    const body = `${'a long line ü '.repeat(100)}\r\n`.repeat(Math.ceil((kib * 1024) / 1500));
    const head = 'From: ann@example.com\r\nSubject: long\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n';
    const file = path.join(daemon.place.dir, 'message.eml');
    fs.writeFileSync(file, `${head}${body}`);
    const run = await swaks(daemon.port, ['--to', 'x@elsewhere.test', '--data', `@${file}`]);
    expect(run.status, run.stderr).toBe(0);
    await sink.waitFor(1);
    const raw = sink.received[0]?.raw ?? Buffer.alloc(0);
    expect(
      Math.max(
        ...raw
          .toString('latin1')
          .split('\r\n')
          .map((line) => line.length),
      ),
    ).toBeLessThan(200);
    expect((await simpleParser(raw)).text?.trimEnd()).toBe(body.replaceAll('\r\n', '\n').trimEnd());
  });
});

it('a message with HOLDFOR waits in the queue for its time, then leaves', async () => {
  await using sink = await startSink();
  await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: sink.port, more: 'max_future_release = 60\n' }) });
  const client = await RawClient.connect(daemon.port);
  await client.reply();
  await client.command('EHLO x', 250, /FUTURERELEASE 60 /);
  await client.command('MAIL FROM:<a@b.test> HOLDFOR=2', 250);
  await client.command('RCPT TO:<one@c.test>', 250);
  await client.command('DATA', 354);
  const before = performance.now();
  await client.command('Subject: later\r\n\r\n.', 250);
  expect(await daemon.consoleJson('summary')).toMatchObject({ delayedQueueSize: 1 });
  await sink.waitFor(1);
  expect(performance.now() - before).toBeGreaterThan(1900);
});
