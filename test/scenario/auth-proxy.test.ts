/** Clients of a real daemon log in with passwords that another server knows: smtp-server, Postfix with Dovecot behind it, and servers that fail. */
import fs from 'node:fs';
import path from 'node:path';
import { SMTPServer } from 'smtp-server';
import { describe, expect, it } from 'vitest';
import { startSink } from '../../src/tools/sink/sink.js';
import { startPostfix } from '../bench/postfix.js';
import { startPeer } from '../chaos/peer.js';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { startDovecot } from '../harness/dovecot.js';
import { freePort, type Place, plainConf } from '../harness/place.js';
import { needs } from '../needs.js';

const PASSWORDS: Readonly<Record<string, string>> = { ann: 'open sesame 1', ben: 'open sesame 2' };

/** A server that knows the passwords, and counts who is there and who logs in. */
async function startBackend(more: { readonly port?: number; readonly pauseMs?: number } = {}) {
  let [open, most, accepted, logins, secure] = [0, 0, 0, 0, 0];
  const server = new SMTPServer({
    disableReverseLookup: true,
    logger: false,
    authMethods: ['PLAIN', 'LOGIN'],
    allowInsecureAuth: true,
    onConnect(_session, done) {
      accepted++;
      most = Math.max(most, ++open);
      done();
    },
    onClose() {
      open--;
    },
    onAuth({ username = '', password }, session, done) {
      logins++;
      if (session.secure) secure++;
      const isRight = PASSWORDS[username] === password;
      setTimeout(() => (isRight ? done(null, { user: username }) : done(new Error('no'))), more.pauseMs ?? 0);
    },
  });
  server.on('error', () => {});
  const port = await new Promise<number>((ready) => {
    const listening = server.listen(more.port ?? 0, '127.0.0.1', () => ready((listening.address() as { port: number }).port));
  });
  return {
    port,
    seen: () => ({ open, most, accepted, logins, secure }),
    [Symbol.asyncDispose]: () => new Promise<void>((done) => server.close(() => done())),
  };
}

const conf = (place: Place, stanza: string): string => {
  const uri = '[ uri = "smtp_auth_proxy://"  log_authentication = "true" ]';
  const listener = `ESMTP_Listener {\n  authplainparameters = ${uri}\n  authloginparameters = ${uri}\n`;
  const plain = plainConf(place, { sinkPort: 9 }).replace('relay_hosts = ( 127.0.0.0/8 )\n', '').replace('ESMTP_Listener {', listener);
  return `${plain}\nsmtp_auth_proxy { ${stanza} }\n`;
};

/** Dovecot lets those wait longer and longer who fail. */
const PATIENCE_MS = 20_000;

const plain = (user: string, secret: string): string => Buffer.from(`\0${user}\0${secret}`).toString('base64');

async function connect(daemon: Daemon): Promise<RawClient> {
  const client = await RawClient.connect(daemon.port, { timeoutMs: PATIENCE_MS });
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  return client;
}

/** The reply to one attempt over a connection of its own. */
async function logIn(daemon: Daemon, user: string, secret: string, mechanism = 'PLAIN'): Promise<string> {
  const client = await connect(daemon);
  if (mechanism === 'PLAIN') client.line(`AUTH PLAIN ${plain(user, secret)}`);
  else {
    await client.command('AUTH LOGIN', 334);
    await client.command(Buffer.from(user).toString('base64'), 334);
    client.line(Buffer.from(secret).toString('base64'));
  }
  const { raw } = await client.reply();
  client.line('QUIT');
  return raw.slice(0, 9);
}

const IN = '235 2.7.0';
const OUT = '535 5.7.8';
const LATER = '454 4.7.0';

/** No file of the place tells a password, nor do the lines of the daemon. */
function expectNoPassword(daemon: Daemon): void {
  const secrets = Object.values(PASSWORDS).flatMap((secret) => [secret, Buffer.from(secret).toString('base64').slice(0, 12)]);
  const texts = fs
    .readdirSync(daemon.dir, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(daemon.dir, name))
    .filter((file) => fs.statSync(file).isFile())
    .map((file) => fs.readFileSync(file, 'latin1'));
  for (const text of [...texts, ...daemon.lines]) for (const secret of secrets) expect(text).not.toContain(secret);
}

describe('smtp_auth_proxy', () => {
  it('235, 535 and 454: right, wrong, and nobody to ask', async () => {
    const port = await freePort();
    await using daemon = await startDaemon({ conf: (place) => conf(place, `host = "127.0.0.1" port = ${port}`) });
    {
      await using backend = await startBackend({ port });
      for (const mechanism of ['PLAIN', 'LOGIN']) {
        expect(await logIn(daemon, 'ann', PASSWORDS.ann ?? '', mechanism)).toBe(IN);
        expect(await logIn(daemon, 'ann', PASSWORDS.ben ?? '', mechanism)).toBe(OUT);
      }
      expect(backend.seen()).toMatchObject({ logins: 4, secure: 4, accepted: 4 });
    }
    expect(await logIn(daemon, 'ann', PASSWORDS.ann ?? '')).toBe(LATER);
    await using backend = await startBackend({ port });
    expect(await logIn(daemon, 'ben', PASSWORDS.ben ?? '')).toBe(IN);
    expect(backend.seen().logins).toBe(1);
    const told = (): string => daemon.lines.join('\n').replaceAll('\\"', '"');
    for (const result of ['by PLAIN: ok', 'by LOGIN: no', 'by PLAIN: error'])
      await daemon.waitFor('the line of log_authentication', () => told().includes(`login of "ann" from 127.0.0.1 ${result}`));
    expect(told()).toContain(`127.0.0.1:${port} does not check passwords`);
    expectNoPassword(daemon);
  });

  it('who is let in may relay', async () => {
    await using backend = await startBackend();
    await using daemon = await startDaemon({ conf: (place) => conf(place, `host = "127.0.0.1:${backend.port}"`) });
    const client = await connect(daemon);
    await client.command('MAIL FROM:<a@b.test>', 250);
    await client.command('RCPT TO:<x@elsewhere.test>', 550);
    await client.command('RSET', 250);
    await client.command(`AUTH PLAIN ${plain('ann', PASSWORDS.ann ?? '')}`, 235);
    expect((await client.deliver('a@b.test', ['x@elsewhere.test'], 'Subject: x\r\n\r\nx\r\n')).code).toBe(250);
  });

  it('of two hosts the other is asked when one is gone, and both in turn when not', async () => {
    await using one = await startBackend();
    const two = await startBackend();
    await using daemon = await startDaemon({
      conf: (place) => `${conf(place, `host = ( "127.0.0.1:${one.port}" "127.0.0.1:${two.port}" )`)}workers = 1\n`,
    });
    for (let i = 0; i < 4; i++) expect(await logIn(daemon, 'ann', PASSWORDS.ann ?? '')).toBe(IN);
    expect([one.seen().logins, two.seen().logins]).toEqual([2, 2]);
    await two[Symbol.asyncDispose]();
    for (let i = 0; i < 4; i++) expect(await logIn(daemon, 'ann', PASSWORDS.ann ?? '')).toBe(IN);
    expect(one.seen().logins).toBe(6);
  });

  it('a hundred at once never need more than max_connections', { timeout: 60_000 }, async () => {
    await using backend = await startBackend({ pauseMs: 20 });
    await using daemon = await startDaemon({
      conf: (place) => `${conf(place, `host = "127.0.0.1:${backend.port}" max_connections = 8`)}connections_per_client = 200\n`,
    });
    const said = await Promise.all(
      Array.from({ length: 100 }, (_, i) => logIn(daemon, 'ann', i % 10 === 0 ? 'wrong' : (PASSWORDS.ann ?? ''))),
    );
    expect(said.filter((each) => each === IN)).toHaveLength(90);
    expect(said.filter((each) => each === OUT)).toHaveLength(10);
    expect(backend.seen().logins).toBe(100);
    expect(backend.seen().most).toBeLessThanOrEqual(8);
    expect(backend.seen().most).toBeGreaterThanOrEqual(4);
    await daemon.waitFor('the last goodbye', () => backend.seen().open === 0);
  });

  it('the timeout is the end of waiting', async () => {
    const silent = await startPeer((caller) => caller.silence());
    try {
      await using daemon = await startDaemon({ conf: (place) => conf(place, `host = "127.0.0.1:${silent.port}" timeout = 1`) });
      const started = performance.now();
      expect(await logIn(daemon, 'ann', PASSWORDS.ann ?? '')).toBe(LATER);
      const ms = performance.now() - started;
      expect(ms).toBeGreaterThan(950);
      expect(ms).toBeLessThan(3000);
    } finally {
      await silent.close();
    }
  });

  it.each(['leaves', 'says goodbye', 'breaks off'] as const)('nobody goes on asking for a client that %s', async (how) => {
    const silent = await startPeer((caller) => caller.silence());
    try {
      await using daemon = await startDaemon({ conf: (place) => conf(place, `host = "127.0.0.1:${silent.port}" timeout = 60`) });
      const client = await connect(daemon);
      client.line(`AUTH PLAIN ${plain('ann', PASSWORDS.ann ?? '')}`);
      await daemon.waitFor('the question', () => silent.open === 1);
      if (how === 'leaves') client.close();
      else if (how === 'breaks off') client.reset();
      else client.finish();
      await daemon.waitFor('the end of the question', () => silent.open === 0, 3000);
      await daemon.waitFor(
        'the end of the session',
        async () => ((await daemon.consoleJson('summary')) as { inboundConcurrency: number }).inboundConcurrency === 0,
      );
      expect(daemon.lines.join('\n')).not.toContain('could not be checked');
    } finally {
      await silent.close();
    }
  });

  it('a stop waits for no login that is being checked', async () => {
    const silent = await startPeer((caller) => caller.silence());
    try {
      await using daemon = await startDaemon({ conf: (place) => conf(place, `host = "127.0.0.1:${silent.port}" timeout = 60`) });
      const client = await connect(daemon);
      client.line(`AUTH PLAIN ${plain('ann', PASSWORDS.ann ?? '')}`);
      await daemon.waitFor('the question', () => silent.open === 1);
      const stopped = daemon.stop('SIGTERM', 5000);
      expect((await client.reply()).code).toBe(421);
      await client.end();
      expect(await stopped).toBe('0');
    } finally {
      await silent.close();
    }
  });

  it('require_tls shows nothing in clear', async () => {
    const heard: string[] = [];
    const clear = await startPeer(async (caller) => {
      caller.say('220 hi\r\n');
      for (let line = await caller.line(); line !== undefined; line = await caller.line()) {
        heard.push(line);
        caller.say(line.startsWith('EHLO') ? '250-hi\r\n250 AUTH PLAIN LOGIN\r\n' : '235 ok\r\n');
      }
    });
    try {
      await using daemon = await startDaemon({ conf: (place) => conf(place, `host = "127.0.0.1:${clear.port}" require_tls = true`) });
      expect(await logIn(daemon, 'ann', PASSWORDS.ann ?? '')).toBe(LATER);
      expect(heard.join('\n')).not.toContain('AUTH');
    } finally {
      await clear.close();
    }
  });

  it('cache_ttl saves the second question, for this password only', async () => {
    await using backend = await startBackend();
    // Each worker remembers for itself.
    await using daemon = await startDaemon({
      conf: (place) => `${conf(place, `host = "127.0.0.1:${backend.port}" cache_ttl = 60`)}workers = 1\n`,
    });
    for (let i = 0; i < 3; i++) expect(await logIn(daemon, 'ann', PASSWORDS.ann ?? '')).toBe(IN);
    expect(backend.seen().accepted).toBe(1);
    expect(await logIn(daemon, 'ann', 'wrong')).toBe(OUT);
    expect(backend.seen().accepted).toBe(2);
    expect(await daemon.console('cache flush smtp_auth_proxy/results')).toContain('flushed 2 entries');
    expect(await logIn(daemon, 'ann', PASSWORDS.ann ?? '')).toBe(IN);
    expect(backend.seen().accepted).toBe(3);
  });

  it('does not start where it could never check', async () => {
    const wrong = (place: Place): string => conf(place, 'host = "127.0.0.1"').replace('authloginparameters', 'authcrammd5parameters');
    await expect(startDaemon({ conf: wrong })).rejects.toThrow('CRAM-MD5 never shows the password');
    await expect(startDaemon({ conf: (place) => conf(place, 'query = "SELECT 1"') })).rejects.toThrow('ds_core');
  });
});

needs('postfix', 'dovecot-core')('Postfix with Dovecot behind it', () => {
  // Postfix's daemons need root.
  it.skipIf(process.getuid?.() !== 0)('knows the passwords of our clients', { timeout: 60_000 }, async () => {
    await using sink = await startSink();
    await using dovecot = await startDovecot(PASSWORDS);
    const postfix = await startPostfix(sink.port, [
      'smtpd_sasl_auth_enable = yes',
      'smtpd_sasl_type = dovecot',
      `smtpd_sasl_path = ${dovecot.socket}`,
    ]);
    try {
      await using daemon = await startDaemon({ conf: (place) => conf(place, `host = "127.0.0.1:${postfix.port}"`) });
      for (const mechanism of ['PLAIN', 'LOGIN']) {
        expect(await logIn(daemon, 'ann', PASSWORDS.ann ?? '', mechanism)).toBe(IN);
        expect(await logIn(daemon, 'ann', 'wrong', mechanism)).toBe(OUT);
      }
      expect(await logIn(daemon, 'eve', 'wrong')).toBe(OUT);
      await postfix.stop();
      expect(await logIn(daemon, 'ben', PASSWORDS.ben ?? '')).toBe(LATER);
      expectNoPassword(daemon);
    } finally {
      await postfix.stop();
    }
  });
});
