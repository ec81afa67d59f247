/** Addresses of mail hosts as modules see them: an address in place of a name, two families, a name server that is silent about one. */
import fs from 'node:fs';
import path from 'node:path';
import { type Answer, decode, encode, type Packet } from 'dns-packet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSink } from '../../src/tools/sink/sink.js';
import { NameServerAt, type Question } from '../dns/name-server.js';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { type Place, plainConf } from '../harness/place.js';

const mx = (name: string, exchange: string): Answer => ({ type: 'MX', name, ttl: 60, data: { preference: 10, exchange } });
const records: Readonly<Record<string, readonly Answer[]>> = {
  'MX literal.test': [mx('literal.test', '127.0.0.2')],
  'MX six.test': [mx('six.test', 'mx.six.test')],
  'AAAA mx.six.test': [{ type: 'AAAA', name: 'mx.six.test', ttl: 60, data: '::1' }],
  'MX mute.test': [mx('mute.test', 'mx.mute.test')],
  'A mx.mute.test': [{ type: 'A', name: 'mx.mute.test', ttl: 60, data: '127.0.0.2' }],
};
const answer = (question: Question): void => {
  if (`${question.type} ${question.name}` === 'AAAA mx.mute.test') return;
  const asked = decode(question.query) as Packet & { id: number };
  const known = Object.keys(records).some((key) => key.endsWith(` ${question.name}`));
  const answers = [...(records[`${question.type} ${question.name}`] ?? [])];
  question.send(encode({ type: 'response', id: asked.id, flags: 0x0180 | (known ? 0 : 3), questions: asked.questions ?? [], answers }));
};

const linesOf = (daemon: Daemon, type: string): string[] => daemon.fileLines('mainlog.ec').filter((line) => line.split('@')[4] === type);

async function submit(daemon: Daemon, to: string): Promise<void> {
  const client = await RawClient.connect(daemon.port);
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  expect((await client.deliver('', [to], 'Subject: x\r\n\r\ntext\r\n')).code).toBe(250);
  await client.command('QUIT', 221);
}

describe('addresses of a mail host', () => {
  let names: NameServerAt;
  beforeEach(async () => {
    names = await NameServerAt.open(answer);
  });
  afterEach(() => names.close());

  const conf = (place: Place, port: number, more: string): string => {
    fs.writeFileSync(path.join(place.dir, 'resolv.conf'), `nameserver [127.0.0.1]:${names.port}\noptions timeout:5 attempts:2\n`);
    return `${plainConf(place)}\nresolv_conf = "${place.dir}/resolv.conf"\ndeliver_to_private = true\nremote_smtp_port = ${port}\n${more}`;
  };

  it('may be written in place of its name with mxip, and else not', async () => {
    await using sink = await startSink({ host: '127.0.0.2' });
    await using plain = await startDaemon({ conf: (place) => conf(place, sink.port, '') });
    await submit(plain, 'bob@literal.test');
    const line = await plain.waitFor('T', () => linesOf(plain, 'T')[0]);
    expect(line).toContain('4.4.4 [internal]');
    await using daemon = await startDaemon({ conf: (place) => conf(place, sink.port, 'mxip { }\n') });
    await submit(daemon, 'bob@literal.test');
    const done = await daemon.waitFor('D', () => linesOf(daemon, 'D')[0]);
    expect(done).toMatch(/@127\.0\.0\.2$/);
  });

  it('stays prohibited with mxip where the operator says so', async () => {
    await using daemon = await startDaemon({
      conf: (place) => conf(place, 1, 'mxip { }\nprohibited_hosts = ( 127.0.0.0/8 )\ngenerate_bounces = false\n'),
    });
    await submit(daemon, 'bob@literal.test');
    await daemon.waitFor('P', () => linesOf(daemon, 'P')[0]);
  });

  it('are IPv6 where there is nothing else', async () => {
    await using sink = await startSink({ host: '::1' });
    await using daemon = await startDaemon({ conf: (place) => conf(place, sink.port, 'use_ipv6 = true\nipv6_lookup { }\n') });
    await submit(daemon, 'bob@six.test');
    const done = await daemon.waitFor('D', () => linesOf(daemon, 'D')[0]);
    expect(done).toMatch(/@::1$/);
  });

  it('are used over IPv4 while the name server is silent about IPv6', async () => {
    await using sink = await startSink({ host: '127.0.0.2' });
    await using daemon = await startDaemon({
      conf: (place) => conf(place, sink.port, 'use_ipv6 = true\nipv6_lookup { aaaa_timeout = 0.5 }\n'),
    });
    await submit(daemon, 'bob@mute.test');
    // The resolver itself would wait ten seconds for the answer that never comes.
    await daemon.waitFor('D', () => linesOf(daemon, 'D')[0], 8_000);
  });

  it('are asked for over sockets of the size that dnsbuf wants', async () => {
    await using daemon = await startDaemon({ conf: (place) => conf(place, 1, 'dnsbuf { rcvbuf_size = 65536 }\n') });
    expect(await daemon.consoleJson('dnsbuf verify')).toMatchObject([{ number: 0, rcvbuf: 131_072 }]);
  });
});
