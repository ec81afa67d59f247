/** Clients log in at a real daemon: what they may do then, what the logs say, and that no password is anywhere. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import nodemailer from 'nodemailer';
import { expect, it } from 'vitest';
import { startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { type Place, plainConf } from '../harness/place.js';
import { swaks } from '../harness/program.js';
import { needs } from '../needs.js';

const PASSWORD = 'open sesame: 42#';
const BASE64 = Buffer.from(PASSWORD).toString('base64').slice(0, 12);

/** Only those who log in may relay; every mechanism that reads a file is there. */
function loginConf(place: Place, sinkPort: number, more = ''): string {
  const file = path.join(place.dir, 'passwords');
  fs.writeFileSync(file, `# users\nalice:${PASSWORD}\nbob:other\n`, { mode: 0o600 });
  const uri = `[ uri = "file://${file}"  log_authentication = "true" ]`;
  const names = ['authplainparameters', 'authloginparameters', 'authcrammd5parameters', 'authdigestmd5parameters', 'authscramparameters'];
  const options = names.map((name) => `  ${name} = ${uri}`).join('\n');
  return plainConf(place, { sinkPort })
    .replace('relay_hosts = ( 127.0.0.0/8 )\n', '')
    .replace('ESMTP_Listener {', `ESMTP_Listener {\n${options}\n${more}\n`);
}

const logins = (daemon: Daemon): string[] =>
  daemon
    .fileLines('acctlog.ec')
    .map((line) => line.split('@').slice(1))
    .filter(([kind]) => kind === 'N')
    .map((fields) => fields.slice(-2).join(' '));

needs('swaks')('swaks', () => {
  it.each(['PLAIN', 'LOGIN', 'CRAM-MD5'])('logs in by %s and may relay', async (mechanism) => {
    await using sink = await startSink();
    await using daemon = await startDaemon({ conf: (place) => loginConf(place, sink.port) });
    const words = ['--to', 'x@elsewhere.test', '--auth', mechanism, '--auth-user', 'alice'];
    expect((await swaks(daemon.port, ['--to', 'x@elsewhere.test'])).stdout).toContain('550 5.7.1 relaying denied');
    const wrong = await swaks(daemon.port, [...words, '--auth-password', 'wrong']);
    expect(wrong.stdout).toContain('535 5.7.8');
    expect(wrong.status).not.toBe(0);
    const forged = ['--add-header', 'Authentication-Results: mta.celeris.test; auth=pass smtp.auth=ceo'];
    const right = await swaks(daemon.port, [...words, '--auth-password', PASSWORD, ...forged]);
    expect(right.stdout).toContain('AUTH SCRAM-SHA-256 DIGEST-MD5 CRAM-MD5 PLAIN LOGIN\n');
    expect(right.stdout).toContain('AUTH=SCRAM-SHA-256 DIGEST-MD5 CRAM-MD5 PLAIN LOGIN\n');
    expect(right.stdout).toContain('235 2.7.0');
    expect(right.status).toBe(0);
    await sink.waitFor(1);
    const raw = sink.received[0]?.raw.toString('latin1') ?? '';
    expect(raw).toMatch(
      /^Return-Path: <ann@example\.com>\r\nAuthentication-Results: mta\.celeris\.test; auth=pass smtp\.auth=alice\r\nReceived: /,
    );
    expect(raw).toContain(' with ESMTPA\r\n');
    expect(raw).not.toContain('ceo');
    await daemon.waitFor('two lines of accounting', () => logins(daemon).length === 2);
    expect(logins(daemon)).toEqual(['alice 0', 'alice 1']);
    await daemon.waitFor('a line in the reject log', () => daemon.fileLines('rejectlog.ec').some((line) => line.includes('E=535')));
    const everything = ['mainlog', 'rejectlog', 'paniclog', 'acctlog'].flatMap((log) => daemon.fileLines(`${log}.ec`)).join('\n');
    expect(everything).not.toContain('sesame');
    expect(everything).not.toContain(BASE64);
  });
});

needs('swaks', 'openssl')('swaks under TLS', () => {
  it('is offered -PLUS too, and the message says ESMTPSA', async () => {
    await using sink = await startSink();
    await using daemon = await startDaemon({
      conf: (place) => {
        const [certificate, key] = ['crt', 'key'].map((end) => path.join(place.dir, `mx.${end}`)) as [string, string];
        const how = ['-subj', '/CN=mta.celeris.test', '-days', '2', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
        execFileSync('openssl', ['req', '-x509', ...how, '-keyout', key, '-out', certificate], { stdio: 'pipe' });
        return loginConf(place, sink.port, `  tls_certificate = "${certificate}"\n  tls_key = "${key}"`);
      },
    });
    const words = ['--tls', '--auth', 'PLAIN', '--auth-user', 'alice', '--auth-password', PASSWORD, '--to', 'x@elsewhere.test'];
    const run = await swaks(daemon.port, words);
    expect(run.status, run.stdout).toBe(0);
    expect(run.stdout).toContain('AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 DIGEST-MD5 CRAM-MD5 PLAIN LOGIN\n');
    await sink.waitFor(1);
    expect(sink.received[0]?.raw.toString('latin1')).toContain(' with ESMTPSA\r\n');
  });
});

it('nodemailer logs in by what it chooses, and by XOAUTH2 hears that it is not offered', async () => {
  await using sink = await startSink();
  await using daemon = await startDaemon({ conf: (place) => loginConf(place, sink.port) });
  const send = (auth: object) =>
    nodemailer
      .createTransport({ host: '127.0.0.1', port: daemon.port, ignoreTLS: true, auth })
      .sendMail({ from: 'ann@example.com', to: 'x@elsewhere.test', subject: 'hi', text: 'text' });
  await expect(send({ user: 'alice', pass: PASSWORD })).resolves.toMatchObject({ accepted: ['x@elsewhere.test'] });
  await expect(send({ user: 'alice', pass: 'nope' })).rejects.toMatchObject({ responseCode: 535 });
  await expect(send({ type: 'OAuth2', user: 'alice', accessToken: 'abc' })).rejects.toMatchObject({ responseCode: 504 });
  await sink.waitFor(1);
});

it('reads a changed password file again, and answers 454 while there is none', async () => {
  await using daemon = await startDaemon({ conf: (place) => loginConf(place, 9) });
  const file = path.join(daemon.place.dir, 'passwords');
  fs.rmSync(file);
  const client = await RawClient.connect(daemon.port);
  await client.reply();
  client.line('EHLO client.test');
  await client.reply();
  client.line(`AUTH PLAIN ${Buffer.from(`\0carol\0new`).toString('base64')}`);
  expect((await client.reply()).raw).toBe('454 4.7.0 Temporary authentication failure');
  fs.writeFileSync(file, 'carol:new\n', { mode: 0o600 });
  await new Promise((done) => setTimeout(done, 5100));
  client.line(`AUTH PLAIN ${Buffer.from(`\0carol\0new`).toString('base64')}`);
  expect((await client.reply()).code).toBe(235);
});

it('demands a login where enable_authentication says so', async () => {
  await using daemon = await startDaemon({ conf: (place) => loginConf(place, 9, 'enable_authentication = true') });
  const client = await RawClient.connect(daemon.port);
  await client.reply();
  client.line('EHLO client.test');
  await client.reply();
  client.line('MAIL FROM:<a@b.test>');
  expect((await client.reply()).raw).toBe('530 5.7.0 Authentication required');
  client.line(`AUTH PLAIN ${Buffer.from(`\0alice\0${PASSWORD}`).toString('base64')}`);
  expect((await client.reply()).code).toBe(235);
  client.line('MAIL FROM:<a@b.test> AUTH=<>');
  expect((await client.reply()).code).toBe(250);
});
