/** What a running daemon says of mail that waits: why, since when, what shapes it, what happened to it. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseSaying } from '../../src/tools/sink/rule.js';
import { startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';

describe('a message that waits', () => {
  it('is explained, shaped, followed, held and failed', async () => {
    await using sink = await startSink({ rules: [parseSaying('data=451 4.3.0 later')] });
    await using daemon = await startDaemon({
      conf: (place) =>
        plainConf(place, {
          sinkPort: sink.port,
          more: 'domain "[127.0.0.1]" {\n  retry_interval = 600\n  idle_timeout = 1\n  outbound_throttle_messages = "30/60"\n}\n',
        }),
    });
    const client = await RawClient.connect(daemon.port);
    await client.expect(220);
    await client.command('EHLO client.test', 250);
    const reply = await client.deliver('alice@sender.test', ['bob@one.test'], 'Subject: waits\r\n\r\ntext\r\n');
    const id = reply.texts.join(' ').split(' ').at(-1) ?? '';
    await client.command('QUIT', 221);
    await daemon.waitFor('a deferral', () => daemon.fileLines('mainlog.ec').some((line) => line.split('@')[4] === 'T') || undefined);
    const conf = path.join(daemon.dir, 'ecelerity.conf');
    const line =
      fs
        .readFileSync(conf, 'utf8')
        .split('\n')
        .findIndex((text) => text.includes('retry_interval')) + 1;
    expect(await daemon.console(`why ${id}`)).toMatch(
      new RegExp(
        `^until \\S+Z: next attempt after 1 earlier ones, the last was told 451 4\\.3\\.0 later; retry_interval = 600, set at ${conf}:${line} \\(domain \\[127\\.0\\.0\\.1\\]\\)\n`,
      ),
    );
    expect(await daemon.console('why [127.0.0.1]')).toMatch(
      /^default\/default\/\[127\.0\.0\.1\]: 0 due \(0 in flight\), 1 delayed, \d connections, next due \S+Z\n/,
    );
    expect(await daemon.console('shape [127.0.0.1]')).toMatch(
      /^ceiling: 0\.50 messages a second, by message throttle\npace: [\s\S]*\nretry_interval +600 +domain \[127\.0\.0\.1\] +\S+:\d+\n/,
    );
    expect(await daemon.console(`timeline ${id}`)).toMatch(
      /^\S+Z received for bob@one\.test from <alice@sender\.test>, \d+ octets\n\S+Z deferred at \[127\.0\.0\.1\] through default\/default at 127\.0\.0\.1: 451 [^\n]*\nnow: until /,
    );
    expect(await daemon.consoleJson('summary')).toMatchObject({ waitsFor: [{ code: 'not_due', messages: 1 }] });
    expect(await daemon.console('rebind all')).toBe('Rebound 0 messages.');
    expect(await daemon.console('dns_cache stats')).toMatch(/^asked: +\d/);
    const trace = path.join(daemon.dir, 'trace.txt');
    expect(await daemon.console(`trace smtp add * [127.0.0.1] ${trace}`)).toBe('Registered smtp tracer #1');
    // Only new connections are heard.
    await daemon.waitFor('a closed connection', async () => (await daemon.console('show outbound')) === '(none)' || undefined);
    expect(await daemon.console(`message hold ${id}`)).toBe('Message held.');
    expect(await daemon.console(`why ${id}`)).toBe('set aside: by a policy or an operator');
    expect(await daemon.console(`message release ${id}`)).toBe('Message released.');
    await daemon.waitFor(
      'a second attempt',
      () => daemon.fileLines('mainlog.ec').filter((each) => each.split('@')[4] === 'T').length > 1 || undefined,
    );
    const traced = (): string => (fs.existsSync(trace) ? fs.readFileSync(trace, 'utf8') : '');
    await daemon.waitFor('a trace', () => traced().includes(' < 451 ') || undefined);
    expect(traced()).toMatch(/ > MAIL FROM:<alice@sender\.test>[\s\S]* > RCPT TO:<bob@one\.test>/);
    expect(await daemon.console('trace smtp remove 1')).toBe('Removed smtp tracer #1');
    expect(await daemon.console('fail all --dry-run --sender alice@sender.test')).toBe('would touch 1 messages in 1 queues');
    expect(await daemon.console('fail all quiet --sender alice@sender.test')).toBe('1 messages failed in 1 queues.');
    // What a purge ends is counted as the ends are written, after its answer.
    await daemon.waitFor(
      'an empty queue',
      async () => ((await daemon.consoleJson('binding summary')) as [{ total: number }])[0].total === 0,
    );
    expect(await daemon.console(`why ${id}`).catch(() => 'gone')).toBe('gone');
    expect(await daemon.consoleJson('binding summary')).toMatchObject([
      { binding: 'default', received: 1, deferred: 2, failed: 1, total: 0 },
    ]);
  });
});
