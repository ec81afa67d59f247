/** Real clients and raw ones bring every shape of mail; what arrives is what was sent, octet by octet. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Received, type Sink, startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { freePort, type Place, plainConf } from '../harness/place.js';
import { swaks } from '../harness/program.js';
import { needs } from '../needs.js';

let sink: Sink;
let daemon: Daemon;
let loginPort = 0;

function writeConf(place: Place): string {
  const [key, certificate, passwords] = ['mx.key', 'mx.crt', 'passwords'].map((name) => path.join(place.dir, name)) as [
    string,
    string,
    string,
  ];
  const how = ['-subj', '/CN=mta.celeris.test', '-days', '2', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  execFileSync('openssl', ['req', '-x509', ...how, '-keyout', key, '-out', certificate], { stdio: 'pipe' });
  fs.writeFileSync(passwords, 'alice:a long secret\n', { mode: 0o600 });
  const listener = [
    'ESMTP_Listener {',
    `  tls_certificate = "${certificate}"  tls_key = "${key}"`,
    `  Listen "127.0.0.1:${loginPort}" { enable_authentication = true  authplainparameters = [ uri = "file://${passwords}" ] }`,
  ];
  return plainConf(place, { sinkPort: sink.port }).replace('ESMTP_Listener {', listener.join('\n'));
}

beforeAll(async () => {
  sink = await startSink();
  loginPort = await freePort();
  daemon = await startDaemon({ conf: writeConf });
}, 60_000);

afterAll(async () => {
  await daemon.end();
  await sink.close();
});

/** The message a recipient got; waits for it. */
const arrival = (to: string): Promise<Received> =>
  daemon.waitFor(`mail for ${to}`, () => sink.received.find((message) => message.to.includes(to)), 30_000);

/** What stands behind the header block. */
const bodyOf = ({ raw }: Received): Buffer => raw.subarray(raw.indexOf('\r\n\r\n') + 4);

const utf8 = (text: string): string => Buffer.from(text).toString('latin1');

async function greet(): Promise<RawClient> {
  const client = await RawClient.connect(daemon.port, { timeoutMs: 30_000 });
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  return client;
}

needs('swaks', 'openssl')('swaks', () => {
  it.each([
    ['plain', 'ESMTP', []],
    ['under TLS', 'ESMTPS', ['--tls']],
    ['logged in', 'ESMTPA', ['--auth', 'PLAIN', '--auth-user', 'alice', '--auth-password', 'a long secret']],
    ['logged in under TLS', 'ESMTPSA', ['--tls', '--auth', 'PLAIN', '--auth-user', 'alice', '--auth-password', 'a long secret']],
  ] as const)('brings mail %s, and Received says with %s', async (_, protocol, words) => {
    const to = `${protocol.toLowerCase()}@one.test`;
    const port = protocol.endsWith('A') ? loginPort : daemon.port;
    const run = await swaks(port, ['--to', to, '--body', 'line\n.dot\n..dots\n.', ...words]);
    expect(run.status, run.stdout).toBe(0);
    const message = await arrival(to);
    expect(message.raw.toString('latin1')).toContain(` with ${protocol}\r\n`);
    expect(bodyOf(message).toString('latin1')).toMatch(/^line\r\n\.dot\r\n\.\.dots\r\n\.\r\n/);
  });

  it('brings 9 MiB, each octet of it', async () => {
    const line = `${'0123456789abcdef'.repeat(4)}\n`;
    const body = line.repeat(Math.ceil((9 * 1024 * 1024) / line.length));
    const file = path.join(daemon.dir, 'large.eml');
    fs.writeFileSync(file, `Subject: large\n\n${body}`);
    const run = await swaks(daemon.port, ['--to', 'large@one.test', '--data', `@${file}`, '--hide-all']);
    expect(run.status, run.stdout).toBe(0);
    const arrived = bodyOf(await arrival('large@one.test'));
    const sent = Buffer.from(body.replaceAll('\n', '\r\n'));
    // swaks ends the data with an empty line of its own.
    expect(arrived.subarray(0, sent.length).equals(sent)).toBe(true);
    expect(arrived.length - sent.length).toBeLessThanOrEqual(2);
  }, 60_000);
});

describe('a raw client', () => {
  it('DATA: dots at line starts, 8-bit octets and long lines arrive as they were', async () => {
    const body = `.\r\n..\r\n.x\r\n${utf8('größer\r\n')}\xfe\xff\r\n${'y'.repeat(998)}\r\n\r\n.end\r\n\r\n`;
    const client = await greet();
    await client.command('MAIL FROM:<a@sender.test> BODY=8BITMIME', 250);
    await client.command('RCPT TO:<dots@one.test>', 250);
    await client.command('DATA', 354);
    client.send(`Subject: dots\r\n\r\n${body.replace(/^\./gm, '..')}.\r\n`);
    await client.expect(250);
    const message = await arrival('dots@one.test');
    expect(bodyOf(message).toString('latin1')).toBe(body);
  });

  it('SMTPUTF8: addresses and header stay UTF-8', async () => {
    const client = await greet();
    expect((await client.command('EHLO client.test', 250)).texts).toContain('SMTPUTF8');
    await client.command(utf8('MAIL FROM:<jürgen@sender.test> SMTPUTF8 BODY=8BITMIME'), 250);
    await client.command(utf8('RCPT TO:<zoë@one.test>'), 250);
    await client.command('DATA', 354);
    client.send(utf8('Subject: ünïcode\r\n\r\ntext\r\n.\r\n'));
    await client.expect(250);
    const message = await arrival('zoë@one.test');
    expect(message.from).toBe('jürgen@sender.test');
    expect(message.parameters.get('SMTPUTF8')).toBe(true);
    expect(message.raw.toString()).toContain('Subject: ünïcode\r\n');
  });

  it('DSN: RET, ENVID, NOTIFY and ORCPT go on to a server that offers them', async () => {
    const client = await greet();
    await client.command('MAIL FROM:<a@sender.test> RET=HDRS ENVID=QQ314159', 250);
    await client.command('RCPT TO:<dsn@one.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;first+2B@one.test', 250);
    await client.command('DATA', 354);
    client.send('Subject: dsn\r\n\r\ntext\r\n.\r\n');
    await client.expect(250);
    const { parameters } = await arrival('dsn@one.test');
    expect(Object.fromEntries(parameters)).toMatchObject({
      RET: 'HDRS',
      ENVID: 'QQ314159',
      NOTIFY: 'SUCCESS,FAILURE',
      // The sink shows it decoded.
      ORCPT: 'rfc822;first+@one.test',
    });
  });

  it('BDAT: chunks cut anywhere, sent without waiting, arrive as one body', async () => {
    const text = `Subject: chunks\r\n\r\n${'.line\r\n.\r\n'.repeat(3000)}end\r\n`;
    const client = await greet();
    expect((await client.command('EHLO client.test', 250)).texts).toContain('CHUNKING');
    client.send('MAIL FROM:<a@sender.test>\r\nRCPT TO:<chunks@one.test>\r\n');
    let at = 0;
    let chunks = 0;
    for (const size of [1, 7, 10, 4000, 13, 9999]) {
      client.send(`BDAT ${size}\r\n${text.slice(at, at + size)}`);
      at += size;
      chunks += 1;
    }
    client.send(`BDAT ${text.length - at} LAST\r\n${text.slice(at)}`);
    for (let n = 0; n < chunks + 3; n++) await client.expect(250);
    expect(bodyOf(await arrival('chunks@one.test')).toString('latin1')).toBe(text.slice(text.indexOf('\r\n\r\n') + 4));
  });
});
