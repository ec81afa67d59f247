/** Options of one domain hold for its mail only: suspended, blackholed, over few connections; a reload ends a suspension. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';

it('suspends one domain, refuses another, limits a third, and lets the first go after a reload', async () => {
  await using narrow = await startSink();
  await using sink = await startSink();
  const SUSPENSION = 'suspend_delivery = true';
  await using daemon = await startDaemon({
    conf: (place) =>
      plainConf(place, {
        more: [
          `remote_smtp_port = ${sink.port}`,
          `domain "held.test" { routes = ( "127.0.0.1" ) ${SUSPENSION} }`,
          'domain "gone.test" { routes = ( "127.0.0.1" ) blackhole = "true" }',
          `domain "narrow.test" { routes = ( "127.0.0.1" ) remote_smtp_port = ${narrow.port} max_outbound_connections = 2 }`,
          'domain "free.test" { routes = ( "127.0.0.1" ) }',
          '',
        ].join('\n'),
      }),
  });
  const client = await RawClient.connect(daemon.port, { timeoutMs: 15_000 });
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  await client.command('MAIL FROM:<a@sender.test>', 250);
  expect((await client.command('RCPT TO:<x@gone.test>')).raw).toBe('551 5.7.1 recipient blackholed');
  await client.command('RSET', 250);
  const bring = async (to: string): Promise<void> =>
    expect((await client.deliver('a@sender.test', [to], 'Subject: x\r\n\r\nx\r\n')).code).toBe(250);
  await bring('bob@held.test');
  for (let n = 0; n < 60; n++) await bring(`user${n}@narrow.test`);
  await bring('bob@free.test');
  await Promise.all([narrow.waitFor(60, 30_000), sink.waitFor(1, 30_000)]);
  expect(narrow.mostConnections).toBeLessThanOrEqual(2);
  expect(sink.received.map(({ to }) => to)).toEqual([['bob@free.test']]);
  expect(await daemon.consoleJson('domain held.test')).toMatchObject({ domain: 'held.test' });
  const conf = path.join(daemon.dir, 'ecelerity.conf');
  fs.writeFileSync(conf, fs.readFileSync(conf, 'utf8').replace(SUSPENSION, ''));
  expect(await daemon.console('config reload')).toContain('OK');
  await sink.waitFor(2, 30_000);
  expect(sink.received[1]?.to).toEqual(['bob@held.test']);
  // The session that was open all the while goes on.
  await bring('bob@free.test');
  await sink.waitFor(3, 30_000);
}, 90_000);

it('reaches the gateway of one domain wherever it stands, also by a private address', async () => {
  await using sink = await startSink();
  await using daemon = await startDaemon({
    conf: (place) =>
      `${plainConf(place)}\nremote_smtp_port = ${sink.port}\ndomain "inside.test" { gateway = "[127.0.0.1]" }\ndomain "named.test" { gateway = "localhost" }\n`,
  });
  const client = await RawClient.connect(daemon.port);
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  for (const domain of ['inside.test', 'named.test'])
    expect((await client.deliver('a@sender.test', [`bob@${domain}`], 'Subject: x\r\n\r\nx\r\n')).code).toBe(250);
  await sink.waitFor(2, 15_000);
  expect(sink.received.flatMap(({ to }) => to).sort()).toEqual(['bob@inside.test', 'bob@named.test']);
}, 30_000);
