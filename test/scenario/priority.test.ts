/** MT-PRIORITY before a far end with a backlog: who matters more goes first, unless he is a stranger. */
import { expect, it } from 'vitest';
import { startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';

const BACKLOG = 10;

it.each([
  ['one we know', '127.0.0.0/8', true],
  ['a stranger', '192.0.2.0/24', false],
])('mail of %s', async (_who, relayHosts, goesFirst) => {
  // One connection, and each message takes its time, so that those behind it pile up.
  await using sink = await startSink({ rules: [{ phase: 'data', delaySeconds: 0.1 }] });
  const more = 'max_outbound_connections = 1\nrelay_domains = ( "far.test" )\n';
  await using daemon = await startDaemon({
    conf: (place) => plainConf(place, { sinkPort: sink.port, more }).replace('127.0.0.0/8', relayHosts),
  });
  const client = await RawClient.connect(daemon.port);
  await client.expect(220);
  await client.command('EHLO client.test', 250, /MT-PRIORITY/);
  const bring = async (to: string, parameters: string, said = /^250 2\.0\.0 /): Promise<void> => {
    await client.command(`MAIL FROM:<a@b.test>${parameters}`, 250, said);
    await client.command(`RCPT TO:<${to}@far.test>`, 250);
    await client.command('DATA', 354);
    await client.command('Subject: x\r\n\r\nx\r\n.', 250);
  };
  // RFC 6710 4.1: a stranger hears what became of his wish.
  const granted = goesFirst ? /^250 2\.0\.0 / : /^250 2\.3\.6 0 \S/;
  for (let i = 0; i < BACKLOG / 2; i++) await bring(`plain${i}`, ' MT-PRIORITY=0');
  await bring('least', ' MT-PRIORITY=-9');
  await bring('less', ' MT-PRIORITY=-1');
  for (let i = BACKLOG / 2; i < BACKLOG; i++) await bring(`plain${i}`, '');
  await bring('urgent', ' MT-PRIORITY=6', granted);
  await bring('urgent2', ' MT-PRIORITY=6', granted);
  await bring('most', ' MT-PRIORITY=9', granted);
  await sink.waitFor(BACKLOG + 5, 15_000);
  const order = sink.received.map(({ to }) => (to[0] ?? '').replace('@far.test', ''));
  expect(order.slice(-2)).toEqual(['less', 'least']);
  const first = order.indexOf('most');
  // Those that were with delivery already stay before them.
  if (goesFirst) expect([order.slice(first, first + 3), first < BACKLOG / 2]).toEqual([['most', 'urgent', 'urgent2'], true]);
  else expect(order.slice(-5, -2)).toEqual(['urgent', 'urgent2', 'most']);
  const trace = /\tPRIORITY (-?\d)(?=;)/.exec(sink.received[first]?.raw.toString('latin1') ?? '');
  expect(trace?.[1]).toBe(goesFirst ? '9' : '0');
  expect(sink.received.find(({ to }) => to[0] === `plain${BACKLOG - 1}@far.test`)?.raw.includes('PRIORITY')).toBe(false);
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
