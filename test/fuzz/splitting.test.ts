/** How a session's octets fall into packets: nothing to the session within a pipelinable group, everything at a command that has to wait. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reply } from '../../src/mail/reply.js';
import { TlsContexts } from '../../src/net/tls-contexts.js';
import { storeOf } from '../../src/smtp/sasl/fixture.js';
import { Login } from '../../src/smtp/sasl/login.js';
import { Plain } from '../../src/smtp/sasl/plain.js';
import { type Sink, startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { type Place, plainConf } from '../harness/place.js';
import { commands, cuts, EVIL, hold, type Line, LOGIN, sessions, tails, WAITERS } from './session-script.js';
import { Client, openStage, type Stage } from './smtp-rehearsal.js';

const folder = mkdtempSync(path.join(tmpdir(), 'celeris-splitting-'));
const [certificate, key] = ['mx.crt', 'mx.key'].map((name) => path.join(folder, name)) as [string, string];
beforeAll(() => {
  const how = ['-subj', '/CN=mx.test', '-days', '2', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  execFileSync('openssl', ['req', '-x509', ...how, '-keyout', key, '-out', certificate], { stdio: 'pipe' });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A turn of the loop for the client to write, one for the server to read. */
const twoTurns = async (): Promise<void> => {
  await new Promise((done) => setImmediate(done));
  await new Promise((done) => setImmediate(done));
};

describe('the session engine', () => {
  const EXTENSIONS = ['SIZE', 'DSN', 'CHUNKING', 'STARTTLS', 'AUTH', 'XFORWARD', 'XREMOTEIP', 'XSETCONTEXT', 'XDUMPCONTEXT', 'XCLIENT'];
  let stage: Stage;
  beforeAll(async () => {
    const contexts = new TlsContexts();
    await contexts.refresh([{ certificate, key, dheCiphers: true }]);
    const store = storeOf({ [LOGIN.user]: LOGIN.password });
    stage = await openStage({
      contexts,
      options: {
        tls_certificate: certificate,
        tls_key: key,
        smtp_extensions: EXTENSIONS,
        soft_errors: 0,
        hard_errors: 0,
        junk_commands: 1000,
        connections_per_client: 0,
        max_message_size: 2000,
      },
      before: (reception) =>
        void Object.assign(reception, {
          mechanisms: () => ['PLAIN', 'LOGIN'],
          beginAuth: (_: unknown, name: string) => (name === 'PLAIN' ? new Plain(store) : new Login(store)),
          endAuth: (_: unknown, __: unknown, ended: { readonly kind: string }) =>
            ended.kind === 'done' ? undefined : { do: 'reject', reply: reply(535, '5.7.8', 'no') },
        }),
    });
  });
  afterAll(() => stage.close());

  async function dial(): Promise<Line & { readonly rehearsed: () => Client }> {
    let client = await stage.dial();
    return {
      rehearsed: () => client,
      say: (text) => client.say(text),
      hear: () => client.hear(),
      rest: twoTurns,
      close: () => client.close(),
      async secure() {
        const plain = client.socket;
        plain.removeAllListeners('data');
        const socket = tls.connect({ socket: plain, rejectUnauthorized: false });
        await new Promise((done, fail) => socket.once('secureConnect', done).once('error', fail));
        client = new Client(socket);
      },
    };
  }

  /** All that one session left behind, when it has closed. */
  async function takeTraces() {
    const { kept, told, commands, errors } = stage.reception;
    await expect.poll(() => told.includes('closed'), { interval: 1 }).toBe(true);
    return {
      kept: kept.splice(0),
      told: told.splice(0),
      commands: commands.splice(0),
      errors: errors.splice(0),
    };
  }

  it('holds the same session however its groups are cut: the same replies, messages, commands and complaints', async () => {
    const seen = { messages: 0, encrypted: 0, logins: 0 };
    await fc.assert(
      fc.asyncProperty(sessions(6), cuts, async (groups, sizes) => {
        const whole = await hold(await dial(), groups);
        const one = await takeTraces();
        const pieces = await hold(await dial(), groups, sizes);
        const two = await takeTraces();
        expect(pieces).toEqual(whole);
        expect(two).toEqual(one);
        expect(one.errors).toEqual([]);
        seen.messages += one.kept.length;
        seen.encrypted += whole.filter((text) => text.startsWith('220')).length;
        seen.logins += whole.filter((text) => text.startsWith('235')).length;
      }),
      { numRuns: 150 },
    );
    // Generated sessions are worth nothing when they never come that far.
    expect(Math.min(seen.messages, seen.encrypted, seen.logins)).toBeGreaterThan(5);
  }, 120_000);

  it.each(WAITERS)(
    'does nothing of what comes in the packet of $command',
    async ({ before, command }) => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.constantFrom('NOOP\r\n', 'RSET\r\n', 'VRFY x\r\n'), { maxLength: 4 }), tails, async (free, tail) => {
          const line = await dial();
          line.say('EHLO client.test\r\n');
          await line.hear();
          const first = [...free, ...before];
          line.say(`${first.join('')}${command}${tail}`);
          for (const _ of first) expect(await line.hear()).toMatch(/^2/);
          if (command.startsWith('STARTTLS')) {
            expect(await line.hear()).toMatch(/^220 /);
            await line.secure();
            line.say('EHLO client.test\r\n');
            expect(await line.hear()).toMatch(/^250-mx\.test /);
            expect(line.rehearsed().unread).toBe('');
          } else {
            expect(await line.hear()).toMatch(/^503 5\.5\.0 /);
            expect(await line.rehearsed().rest()).toBe('');
          }
          line.close();
          const { kept, told, commands: done, errors } = await takeTraces();
          expect(kept).toEqual([]);
          expect(errors).toEqual([]);
          expect([...done, ...told].filter((text) => text.includes(EVIL))).toEqual([]);
        }),
        { numRuns: 40 },
      );
    },
    60_000,
  );

  it('takes any octets of a chunk for octets, in any packets, whatever becomes of the chunk', async () => {
    const octets = fc.oneof(
      tails,
      fc.array(commands, { maxLength: 5 }).map((texts) => texts.join('')),
    );
    await fc.assert(
      fc.asyncProperty(fc.boolean(), octets, fc.boolean(), cuts, async (isExpected, text, isLast, sizes) => {
        const greeting = { text: 'EHLO client.test\r\n', replies: 1 };
        const envelope = { text: 'MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\n', replies: 2 };
        const chunk = { text: `BDAT ${text.length}${isLast ? ' LAST' : ''}\r\n${text}NOOP mark\r\n`, replies: 2 };
        const heard = await hold(await dial(), isExpected ? [greeting, envelope, chunk] : [greeting, chunk], sizes);
        const { commands: done } = await takeTraces();
        expect(heard.slice(-2)[0]).toMatch(isExpected ? /^(?:250|55[02]) / : /^(?:503|552) /);
        // A refused last chunk may end the session; then nothing more is done, and that is fine too.
        expect(heard.at(-1)).toMatch(/^(?:250 2\.0\.0 OK)?$/);
        expect(done.filter((line) => line.includes(EVIL))).toEqual([]);
      }),
      { numRuns: 150 },
    );
  }, 60_000);
});

describe('the daemon', () => {
  let sink: Sink;
  let daemon: Daemon;
  beforeAll(async () => {
    sink = await startSink();
    const passwords = path.join(folder, 'passwords');
    writeFileSync(passwords, `${LOGIN.user}:${LOGIN.password}\n`, { mode: 0o600 });
    const listener = [
      'ESMTP_Listener {',
      `  tls_certificate = "${certificate}"  tls_key = "${key}"`,
      `  authplainparameters = [ uri = "file://${passwords}" ]  authloginparameters = [ uri = "file://${passwords}" ]`,
      '  soft_errors = 0  hard_errors = 0  junk_commands = 1000  max_message_size = 2000',
    ].join('\n');
    daemon = await startDaemon({
      conf: (place: Place) => plainConf(place, { sinkPort: sink.port }).replace('ESMTP_Listener {', listener),
    });
  }, 60_000);
  afterAll(async () => {
    await daemon.end();
    await sink.close();
  });

  async function dial(): Promise<Line> {
    const client = await RawClient.connect(daemon.port, { timeoutMs: 15_000 });
    await client.expect(220);
    return {
      say: (text) => client.send(text),
      // Ids of messages and times differ.
      hear: async () => {
        try {
          return (await client.reply()).raw.replace(/ OK [0-9A-F/-]+$/, ' OK ID');
        } catch (error) {
          if (client.closed) return '';
          throw error;
        }
      },
      // Long enough for the daemon to read what was sent before more comes.
      rest: () => new Promise((done) => setTimeout(done, 1)),
      close: () => client.close(),
      secure: async () => void (await client.startTls()),
    };
  }

  const messages = (from: number): string[] =>
    sink.received
      .slice(from)
      .map(({ from: sender, to, raw }) => `${sender} ${to} ${raw.toString('latin1').split('\r\n\r\n').slice(1).join('\n\n')}`)
      .sort();

  it('holds the same session over a socket, and delivers the same', async () => {
    const run = async (groups: Parameters<typeof hold>[1], sizes?: readonly number[]) => {
      const before = sink.received.length;
      const heard = await hold(await dial(), groups, sizes);
      const taken = heard.filter((text) => text.endsWith(' OK ID')).length;
      await sink.waitFor(before + taken);
      return { heard, messages: messages(before) };
    };
    await fc.assert(
      fc.asyncProperty(sessions(3), fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 4 }), async (groups, sizes) => {
        const whole = await run(groups);
        expect(await run(groups, sizes)).toEqual(whole);
      }),
      { numRuns: 25 },
    );
  }, 120_000);
});
