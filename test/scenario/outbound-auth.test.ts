/** A daemon logs in to its next hop: two customers of one host, wrong passwords, no TLS; and Postfix with Dovecot behind it. */
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Sink, startSink } from '../../src/tools/sink/sink.js';
import { startPostfix } from '../bench/postfix.js';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { startDovecot } from '../harness/dovecot.js';
import { type Place, plainConf } from '../harness/place.js';
import { needs } from '../needs.js';

const PASSWORDS: Readonly<Record<string, string>> = { ann: 'open sesame 1', ben: 'open sesame 2' };

interface Arrived {
  readonly session: string;
  readonly user: string;
  readonly to: string;
  readonly secure: boolean;
}

/** smtp-server that takes mail of ann and ben only. */
async function startRelay(options: SMTPServerOptions = {}) {
  const arrived: Arrived[] = [];
  let logins = 0;
  const server = new SMTPServer({
    disableReverseLookup: true,
    logger: false,
    authMethods: ['PLAIN', 'LOGIN', 'CRAM-MD5', 'XOAUTH2'],
    onAuth(auth, _session, done) {
      logins++;
      const { method, username = '', password, accessToken, validatePassword } = auth;
      const secret = PASSWORDS[username] ?? '';
      const right = method === 'XOAUTH2' ? accessToken === secret : method === 'CRAM-MD5' ? validatePassword(secret) : password === secret;
      if (right) done(null, { user: username });
      else done(new Error('no'));
    },
    onData(stream, session, done) {
      stream.resume();
      stream.on('end', () => {
        const to = session.envelope.rcptTo[0]?.address ?? '';
        arrived.push({ session: session.id, user: String(session.user), to, secure: session.secure });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => {});
  const port = await new Promise<number>((ready) => {
    const listening = server.listen(0, '127.0.0.1', () => ready((listening.address() as { port: number }).port));
  });
  return {
    port,
    arrived,
    get logins() {
      return logins;
    },
    [Symbol.asyncDispose]: () => new Promise<void>((done) => server.close(() => done())),
  };
}

const conf = (place: Place, port: number, more: string): string =>
  `${plainConf(place, { sinkPort: port })}\ntls = ifavailable\noutbound_smtp_auth {}\n${more}`;
const customers = (type: string): string =>
  ['ann', 'ben']
    .map((user) => `domain "${user}.test" {\n  outbound_smtp_auth_user = ${user}\n  outbound_smtp_auth_pass = "${PASSWORDS[user]}"\n}\n`)
    .join(`outbound_smtp_auth_type = ${type}\n`);

async function submit(daemon: Daemon, ...to: readonly string[]): Promise<void> {
  const client = await RawClient.connect(daemon.port);
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  for (const each of to) expect((await client.deliver('', [each], 'Subject: x\r\n\r\ntext\r\n')).code).toBe(250);
  await client.command('QUIT', 221);
}
const linesOf = (daemon: Daemon, type: string): string[] => daemon.fileLines('mainlog.ec').filter((line) => line.split('@')[4] === type);

/** No file of the place but the configuration tells a password. */
function expectNoPassword(daemon: Daemon): void {
  const secrets = Object.values(PASSWORDS).flatMap((secret) => [secret, Buffer.from(secret).toString('base64').slice(0, 12)]);
  const texts = fs
    .readdirSync(daemon.dir, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(daemon.dir, name))
    .filter((file) => !file.endsWith('.conf') && fs.statSync(file).isFile())
    .map((file) => fs.readFileSync(file, 'latin1'));
  for (const text of [...texts, ...daemon.lines]) for (const secret of secrets) expect(text).not.toContain(secret);
}

describe('outbound_smtp_auth', () => {
  it.each(['PLAIN', 'LOGIN', 'XOAUTH2', 'CRAM-MD5'])('%s: two customers of one host have two connections', async (type) => {
    await using relay = await startRelay();
    await using daemon = await startDaemon({ conf: (place) => conf(place, relay.port, customers(type)) });
    await submit(daemon, 'x@ann.test', 'x@ben.test', 'y@ann.test', 'y@ben.test');
    await daemon.waitFor('four deliveries', () => linesOf(daemon, 'D').length === 4);
    expect(relay.arrived.every(({ secure, user, to }) => secure && to.endsWith(`@${user}.test`))).toBe(true);
    const sessionsOf = (user: string): Set<string> =>
      new Set(relay.arrived.filter((each) => each.user === user).map(({ session }) => session));
    expect([...sessionsOf('ann')].filter((session) => sessionsOf('ben').has(session))).toEqual([]);
    expectNoPassword(daemon);
    expect(await daemon.console('config show')).not.toContain(PASSWORDS.ann);
  });

  it('a wrong password defers the mail', async () => {
    await using relay = await startRelay();
    const wrong = 'outbound_smtp_auth_type = PLAIN\noutbound_smtp_auth_user = ann\noutbound_smtp_auth_pass = "not this one"\n';
    await using daemon = await startDaemon({ conf: (place) => conf(place, relay.port, wrong) });
    await submit(daemon, 'x@ann.test');
    const line = await daemon.waitFor('T', () => linesOf(daemon, 'T')[0]);
    expect(line).toContain('454 4.7.8 [internal] AUTH refused: 535');
    expect(await daemon.consoleJson('summary')).toMatchObject({ failed: 0, queued: 1 });
    expect(relay.arrived).toEqual([]);
  });

  it('without TLS nothing is sent', async () => {
    await using relay = await startRelay({ disabledCommands: ['STARTTLS'], allowInsecureAuth: true });
    await using daemon = await startDaemon({ conf: (place) => conf(place, relay.port, customers('PLAIN')) });
    await submit(daemon, 'x@ann.test');
    const line = await daemon.waitFor('T', () => linesOf(daemon, 'T')[0]);
    expect(line).toContain('454 4.7.0 [internal] AUTH needs TLS');
    expect([relay.logins, relay.arrived.length]).toEqual([0, 0]);
  });
});

/** Blanks are none of a token's characters. */
const tokenOf = (secret: string): string => secret.replaceAll(' ', '-');

/** Says whose a token is (RFC 7662). */
async function startIntrospection() {
  const server = http.createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk));
    request.on('end', () => {
      const token = new URLSearchParams(text).get('token');
      const [username] = Object.entries(PASSWORDS).find(([, secret]) => tokenOf(secret) === token) ?? [];
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(username === undefined ? { active: false } : { active: true, username }));
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { port: (server.address() as AddressInfo).port, [Symbol.dispose]: () => void server.close() };
}

// Postfix's daemons need root.
const isRoot = process.getuid?.() === 0;

needs('postfix', 'dovecot-core')('Postfix with Dovecot', () => {
  /** Ends what was started, the last first. */
  const ends: (() => unknown)[] = [];
  let sink: Sink;
  let postfix: Awaited<ReturnType<typeof startPostfix>>;
  beforeAll(async () => {
    if (!isRoot) return;
    sink = await startSink();
    ends.unshift(() => sink.close());
    const introspection = await startIntrospection();
    ends.unshift(() => introspection[Symbol.dispose]());
    const dovecot = await startDovecot(PASSWORDS, introspection.port);
    ends.unshift(() => dovecot[Symbol.asyncDispose]());
    postfix = await startPostfix(sink.port, [
      'smtpd_sasl_auth_enable = yes',
      'smtpd_sasl_type = dovecot',
      `smtpd_sasl_path = ${dovecot.socket}`,
      'smtpd_relay_restrictions = permit_sasl_authenticated, reject',
      'smtpd_recipient_restrictions =',
    ]);
    ends.unshift(() => postfix.stop());
  }, 60_000);
  afterAll(async () => {
    for (const end of ends) await end();
  });

  it.skipIf(!isRoot).each(['PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-256', 'XOAUTH2'])(
    'takes %s of ours, and its user stands in the log',
    { timeout: 60_000 },
    async (type) => {
      const before = sink.messages;
      // This Postfix has no certificate.
      const own = Object.values(PASSWORDS).reduce((text, secret) => text.replaceAll(secret, tokenOf(secret)), customers(type));
      const clear = `${type === 'XOAUTH2' ? own : customers(type)}domain "eve.test" {\n  outbound_smtp_auth_user = ann\n  outbound_smtp_auth_pass = "wrong"\n}\noutbound_smtp_auth_require_tls = false\n`;
      await using daemon = await startDaemon({ conf: (place) => conf(place, postfix.port, clear) });
      await submit(daemon, 'x@ann.test', 'x@ben.test');
      await sink.waitFor(before + 2, 20_000);
      const log = fs.readFileSync(postfix.logFile, 'utf8');
      for (const user of ['ann', 'ben']) expect(log).toContain(`sasl_method=${type}, sasl_username=${user}`);
      await submit(daemon, 'x@eve.test');
      const line = await daemon.waitFor('T', () => linesOf(daemon, 'T')[0], 20_000);
      expect(line).toContain('454 4.7.8 [internal] AUTH refused: 535 5.7.8');
      expectNoPassword(daemon);
    },
  );
});
