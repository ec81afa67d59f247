/** Names, TLS, LMTP and limits as a remote server sees them. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { type Answer, decode, encode, type Packet } from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { parseSaying } from '../../src/tools/sink/rule.js';
import { startSink } from '../../src/tools/sink/sink.js';
import { NameServerAt, type Question } from '../dns/name-server.js';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { type Place, plainConf } from '../harness/place.js';

async function submit(daemon: Daemon, to: readonly string[], count = 1): Promise<void> {
  const client = await RawClient.connect(daemon.port);
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  for (let i = 0; i < count; i++) expect((await client.deliver('alice@sender.test', to, `Subject: ${i}\r\n\r\ntext\r\n`)).code).toBe(250);
  await client.command('QUIT', 221);
}

const lines = (daemon: Daemon, type: string): string[] => daemon.fileLines('mainlog.ec').filter((line) => line.split('@')[4] === type);

describe('DNS decides', () => {
  const records: Readonly<Record<string, readonly Answer[]>> = {
    'MX two.test': [
      { type: 'MX', name: 'two.test', ttl: 60, data: { preference: 10, exchange: 'down.two.test' } },
      { type: 'MX', name: 'two.test', ttl: 60, data: { preference: 20, exchange: 'up.two.test' } },
    ],
    'A down.two.test': [{ type: 'A', name: 'down.two.test', ttl: 60, data: '127.0.0.9' }],
    'A up.two.test': [{ type: 'A', name: 'up.two.test', ttl: 60, data: '127.0.0.1' }],
    'MX null.test': [{ type: 'MX', name: 'null.test', ttl: 60, data: { preference: 0, exchange: '.' } }],
    'A plain.test': [{ type: 'A', name: 'plain.test', ttl: 60, data: '127.0.0.1' }],
  };
  const answer = (question: Question): void => {
    const asked = decode(question.query) as Packet & { id: number };
    const found = records[`${question.type} ${question.name}`] ?? [];
    const known = Object.keys(records).some((key) => key.endsWith(` ${question.name}`));
    question.send(
      encode({ type: 'response', id: asked.id, flags: 0x0180 | (known ? 0 : 3), questions: asked.questions ?? [], answers: [...found] }),
    );
  };
  const conf = (place: Place, port: number, more: string): string => {
    fs.writeFileSync(path.join(place.dir, 'resolv.conf'), `nameserver [127.0.0.1]:${port}\noptions timeout:1 attempts:1\n`);
    return `${plainConf(place)}\nresolv_conf = "${place.dir}/resolv.conf"\n${more}`;
  };

  it('uses the second exchanger when the first is down, and the address where there is no MX', async () => {
    await using sink = await startSink();
    const names = await NameServerAt.open(answer);
    await using daemon = await startDaemon({
      conf: (place) => conf(place, names.port, `deliver_to_private = true\nremote_smtp_port = ${sink.port}\n`),
    });
    await submit(daemon, ['bob@two.test', 'eve@plain.test']);
    await sink.waitFor(2);
    expect(sink.received.flatMap(({ to }) => to).sort()).toEqual(['bob@two.test', 'eve@plain.test']);
    expect(JSON.stringify(await daemon.consoleJson('dig two.test'))).toContain('up.two.test');
    await names.close();
  });

  it('bad-inputs 40: fails at once for a null MX and for private addresses of strangers, and waits for a domain that is not there', async () => {
    const names = await NameServerAt.open(answer);
    await using daemon = await startDaemon({ conf: (place) => conf(place, names.port, 'generate_bounces = false\n') });
    await submit(daemon, ['a@null.test', 'b@plain.test', 'c@nowhere.test']);
    await daemon.waitFor('two P and a T', () => lines(daemon, 'P').length === 2 && lines(daemon, 'T').length === 1);
    expect(lines(daemon, 'P').join('\n')).toContain('@550 5.4.4 [internal] NULL MX');
    expect(lines(daemon, 'P').join('\n')).toContain('@551 5.4.6 [internal] Private/Loopback Address');
    expect(lines(daemon, 'T')[0]).toContain('4.4.4 [internal] no MX or A for domain');
    await names.close();
  });
});

describe('LMTP', () => {
  it('gives each recipient an end of its own', async () => {
    await using sink = await startSink({ lmtp: true, rules: [parseSaying('rcpt*1=550 5.1.1 no such mailbox')] });
    await using daemon = await startDaemon({
      conf: (place) =>
        plainConf(place, { sinkPort: sink.port, more: `delivery_method = "LMTP"\nlmtp_port = ${sink.port}\ngenerate_bounces = false\n` }),
    });
    await submit(daemon, ['bob@one.test', 'eve@one.test']);
    await daemon.waitFor('a D and a P', () => lines(daemon, 'D').length === 1 && lines(daemon, 'P').length === 1);
    expect(lines(daemon, 'P')[0]).toContain('@550 5.1.1 no such mailbox');
  });
});

describe('TLS', () => {
  it('is taken up both ways, and its lack ends a required delivery for now', async () => {
    await using secure = await startSink({ tls: true });
    await using daemon = await startDaemon({
      conf: (place) => {
        const [key, cert] = [path.join(place.dir, 'key.pem'), path.join(place.dir, 'cert.pem')];
        execFileSync(
          'openssl',
          ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=mta.celeris.test'],
          { stdio: 'ignore' },
        );
        return plainConf(place, { sinkPort: secure.port, more: 'tls = "required"\n' }).replace(
          `Listen "127.0.0.1:${place.port}" { }`,
          `Listen "127.0.0.1:${place.port}" { tls_certificate = "${cert}" tls_key = "${key}" }`,
        );
      },
    });
    const client = await RawClient.connect(daemon.port);
    await client.expect(220);
    expect((await client.command('EHLO client.test', 250)).texts).toContain('STARTTLS');
    await client.command('STARTTLS', 220);
    await client.startTls({ rejectUnauthorized: false });
    expect((await client.command('EHLO client.test', 250)).texts).not.toContain('STARTTLS');
    expect((await client.deliver('a@b.test', ['c@d.test'], 'Subject: x\r\n\r\nx\r\n')).code).toBe(250);
    await secure.waitFor(1);
    expect(secure.received[0]?.secure).toBe(true);
    expect(secure.received[0]?.raw.toString()).toContain('with ESMTPS');

    await using plain = await startSink();
    await using strict = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: plain.port, more: 'tls = "required"\n' }) });
    await submit(strict, ['c@d.test']);
    await strict.waitFor('a T', () => lines(strict, 'T').length === 1);
    expect(lines(strict, 'T')[0]).toContain('@451 4.7.6 [internal] STARTTLS required but not advertised');
    expect(plain.messages).toBe(0);
  });
});

describe('limits', () => {
  it('never sends more than N messages in any S seconds, nor over more connections than allowed', async () => {
    const times: number[] = [];
    await using sink = await startSink({ keep: false, onMessage: () => void times.push(performance.now()) });
    await using daemon = await startDaemon({
      conf: (place) =>
        plainConf(place, { sinkPort: sink.port, more: 'outbound_throttle_messages = "5/1"\nmax_outbound_connections = 1\n' }),
    });
    await submit(daemon, ['bob@one.test'], 15);
    await sink.waitFor(15, 10_000);
    times.sort((a, b) => a - b);
    // The sink's stamp comes a little after ours: half a tick of tolerance.
    for (let i = 5; i < times.length; i++) expect((times[i] ?? 0) - (times[i - 5] ?? 0)).toBeGreaterThan(950);
    expect(sink.mostConnections).toBe(1);
  });
});
