/** MT-PRIORITY before a far end with a backlog: who matters more goes first, unless he is a stranger. */
import { expect, it } from 'vitest';
import { startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';

const BACKLOG = 12;

it.each([
  ['one we know', '127.0.0.0/8', true],
  ['a stranger', '192.0.2.0/24', false],
])('mail of %s', async (_who, relayHosts, goesFirst) => {
  // One connection, and each message takes its time, so that those behind it pile up.
  await using sink = await startSink({ rules: [{ phase: 'data', delaySeconds: 0.15 }] });
  const more = 'max_outbound_connections = 1\nrelay_domains = ( "far.test" )\n';
  await using daemon = await startDaemon({
    conf: (place) => plainConf(place, { sinkPort: sink.port, more }).replace('127.0.0.0/8', relayHosts),
  });
  const client = await RawClient.connect(daemon.port);
  await client.expect(220);
  await client.command('EHLO client.test', 250, /MT-PRIORITY/);
  const bring = async (to: string, parameters: string): Promise<void> => {
    await client.command(`MAIL FROM:<a@b.test>${parameters}`, 250);
    await client.command(`RCPT TO:<${to}@far.test>`, 250);
    await client.command('DATA', 354);
    await client.command('Subject: x\r\n\r\nx\r\n.', 250);
  };
  for (let i = 0; i < BACKLOG; i++) await bring(`plain${i}`, ' MT-PRIORITY=0');
  await bring('urgent', ' MT-PRIORITY=6');
  await sink.waitFor(BACKLOG + 1, 15_000);
  const place = sink.received.findIndex(({ to }) => to.includes('urgent@far.test'));
  // Those that were with delivery already stay before it.
  if (goesFirst) expect(place).toBeLessThan(BACKLOG / 2);
  else expect(place).toBe(BACKLOG);
});

it('values beyond those of RFC 6710 are 501', async () => {
  await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: 9 }) });
  const client = await RawClient.connect(daemon.port);
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  for (const value of ['10', '-10', '', 'high', '1.5']) await client.command(`MAIL FROM:<a@b.test> MT-PRIORITY=${value}`, 501);
  for (const value of ['9', '-9', '0']) {
    await client.command(`MAIL FROM:<a@b.test> MT-PRIORITY=${value}`, 250);
    await client.command('RSET', 250);
  }
});
