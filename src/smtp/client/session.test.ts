/** The client against an independent server (npm smtp-server): plain, LMTP, TLS in all its moods, stuffing, large messages. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeCopies, textOf } from '../../../test/fixtures/copies.js';
import { systemClock } from '../../kernel/clock.js';
import { Watch } from '../../kernel/watch.js';
import { bodyOf, type Copy } from '../../module/copy.js';
import type { Body } from '../../module/message.js';
import { Batch } from './batch.js';
import { ClientSession, type Failure, type SessionOwner } from './session.js';
import type { ClientTerms } from './terms.js';
import { ClientTlsContexts } from './tls-contexts.js';
import { ClientKit } from './wire.js';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-client-'));
const pair = (name: string, days = '2') => {
  const [cert, key] = [path.join(folder, `${name}.crt`), path.join(folder, `${name}.key`)];
  const what = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`, '-days', days, '-nodes'];
  execFileSync(
    'openssl',
    ['req', '-x509', ...what, '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-keyout', key, '-out', cert],
    {
      stdio: 'pipe',
    },
  );
  return { cert, key, pem: { cert: fs.readFileSync(cert), key: fs.readFileSync(key) } };
};
let good: ReturnType<typeof pair>;
beforeAll(() => {
  good = pair('mx.test');
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

const watch = new Watch(systemClock, 50);
const kit = new ClientKit(systemClock, watch);
const contexts = new ClientTlsContexts();
const NO_FILES = { certificate: undefined, key: undefined, authorities: undefined, ciphers: undefined, protocols: undefined };

interface Arrived {
  readonly from: string;
  readonly to: readonly string[];
  readonly text: string;
  readonly secure: boolean;
}

let server: SMTPServer | undefined;
afterEach(async () => {
  await new Promise<void>((done) => (server ? server.close(() => done()) : done()));
  server = undefined;
  expect(watch.size).toBe(0);
});

async function serve(options: SMTPServerOptions = {}): Promise<{ port: number; arrived: Arrived[] }> {
  const arrived: Arrived[] = [];
  server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    logger: false,
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        arrived.push({
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map(({ address }) => address),
          text: Buffer.concat(chunks).toString('latin1'),
          secure: session.secure,
        });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => {});
  const { port } = await new Promise<{ port: number }>((ready) => {
    const listening = server?.listen(0, '127.0.0.1', () => ready(listening?.address() as { port: number }));
  });
  return { port, arrived };
}

const termsOf = (port: number, more: Partial<ClientTerms> = {}): ClientTerms => ({
  hop: { name: 'mx.test', ip: '127.0.0.1', port },
  source: undefined,
  lmtp: false,
  helo: 'celeris.test',
  tls: 'no',
  tlsFallback: true,
  tlsVerify: 'no',
  tlsContext: undefined,
  xclient: 'no',
  origin: undefined,
  sendEightBit: true,
  downgrade: 'no',
  strictEightBit: false,
  timeouts: { connectMs: 3000, ehloMs: 3000, mailFromMs: 3000, rcptToMs: 3000, bodyMs: 3000, rsetMs: 3000, idleMs: 3000 },
  ...more,
});

/** Sends batches one after another on one session, then leaves. */
async function send(terms: ClientTerms, batches: readonly (readonly Copy[])[]) {
  const waiting = batches.map((mails) => new Batch(mails));
  const done: Batch[] = [];
  let failure: Failure | undefined;
  const session = await new Promise<ClientSession>((gone) => {
    const owner: SessionOwner = {
      next: (self, riding) => {
        const batch = waiting.shift();
        if (!batch && !riding) self.leave();
        return batch;
      },
      concluded: (_, batch) => void done.push(batch),
      closed: (_, why) => {
        failure = why;
      },
      gone,
    };
    new ClientSession('1', kit, terms, owner);
  });
  return { results: done.flatMap(({ results }) => results), failure, session };
}

describe('ClientSession with smtp-server', () => {
  it('delivers what was received, dots and missing line ends included', async () => {
    const { port, arrived } = await serve();
    const bodies = ['plain\r\n', '.first\r\n..second\r\n.\r\nthird.\r\n', '', 'no end', '.'];
    const mails = bodies.map((body) => makeCopies(['bob@a.test'], { body }));
    const { results, failure } = await send(termsOf(port), mails);
    expect(failure).toBeUndefined();
    expect(results.map(({ outcome }) => outcome)).toEqual(Array(bodies.length).fill('delivered'));
    const sent = await Promise.all(mails.map(([mail]) => textOf(mail as Copy)));
    expect(arrived.map(({ text }) => text)).toEqual(sent.map((text) => (text.endsWith('\r\n') ? text : `${text}\r\n`)));
  });

  it('sends one transaction for many recipients', async () => {
    const { port, arrived } = await serve();
    const names = Array.from({ length: 100 }, (_, i) => `u${i}@a.test`);
    const { results } = await send(termsOf(port), [makeCopies(names)]);
    expect(results).toHaveLength(100);
    expect(arrived).toHaveLength(1);
    expect(arrived[0]?.to).toEqual(names);
  });

  it('speaks LMTP', async () => {
    const { port, arrived } = await serve({ lmtp: true });
    const { results } = await send(termsOf(port, { lmtp: true }), [makeCopies(['a@a.test', 'b@a.test']), makeCopies(['c@a.test'])]);
    expect(results.map(({ outcome }) => outcome)).toEqual(['delivered', 'delivered', 'delivered']);
    expect(arrived).toHaveLength(2);
  });

  it('streams a message that is not in memory', async () => {
    const { port, arrived } = await serve();
    const line = `.${'y'.repeat(69)}\r\n`;
    const pieces = Array.from({ length: 300 }, () => Buffer.from(line.repeat(200)));
    const size = pieces.reduce((sum, { length }) => sum + length, 0);
    const content: Body = {
      size,
      dots: true,
      eightBit: false,
      resident: undefined,
      file: '/nowhere',
      async *read() {
        yield* pieces;
      },
    };
    const [mail] = makeCopies(['bob@a.test'], { content });
    const { results } = await send(termsOf(port, { timeouts: { ...termsOf(port).timeouts, bodyMs: 10_000 } }), [[mail as Copy]]);
    expect(results[0]).toMatchObject({ outcome: 'delivered', bytes: mail?.size });
    const digest = (text: string): string => createHash('sha256').update(text, 'latin1').digest('hex');
    expect(digest(arrived[0]?.text ?? '')).toBe(digest(await textOf(mail as Copy)));
  });

  it('puts mail off whose body cannot be read, and closes', async () => {
    const { port, arrived } = await serve();
    const content: Body = {
      ...bodyOf([Buffer.from('x')]),
      size: 1,
      dots: false,
      eightBit: false,
      resident: undefined,
      file: '/nowhere',
      async *read() {
        yield Buffer.from('half\r\n');
        throw new Error('disk gone');
      },
    };
    const { results, failure } = await send(termsOf(port), [makeCopies(['bob@a.test'], { content })]);
    expect(results[0]).toMatchObject({ outcome: 'deferred', reply: '451 4.4.2 [internal] send BODY failed' });
    expect(failure?.detail).toBe('disk gone');
    expect(arrived).toEqual([]);
  });
});

describe('STARTTLS', () => {
  const withTls = () => serve({ ...good.pem, disabledCommands: [] });

  it('encrypts where it is offered and wanted', async () => {
    const { port, arrived } = await withTls();
    const { session, results } = await send(termsOf(port, { tls: 'ifavailable' }), [
      makeCopies(['bob@a.test']),
      makeCopies(['eve@a.test']),
    ]);
    expect(results.map(({ outcome }) => outcome)).toEqual(['delivered', 'delivered']);
    expect(arrived.map(({ secure }) => secure)).toEqual([true, true]);
    expect(session.tls).toMatchObject({ protocol: 'TLSv1.3', bits: 256, verified: false, subject: 'CN=mx.test' });
  });

  it('goes on in clear where it is not offered, unless it is required', async () => {
    const { port, arrived } = await serve();
    expect((await send(termsOf(port, { tls: 'ifavailable' }), [makeCopies(['bob@a.test'])])).results[0]?.outcome).toBe('delivered');
    const { failure } = await send(termsOf(port, { tls: 'required' }), [makeCopies(['bob@a.test'])]);
    expect(failure).toMatchObject({ kind: 'refused', reply: '451 4.7.6 [internal] STARTTLS required but not advertised' });
    expect(arrived).toHaveLength(1);
  });

  it.each([
    ['ca', 'mx.test', true, undefined],
    ['host', 'mx.test', true, undefined],
    ['ca', 'other.test', true, undefined],
    ['host', 'other.test', true, 'tls'],
    ['ca', 'mx.test', false, 'tls'],
    ['no', 'mx.test', false, undefined],
  ] as const)('tls_verify = %s, asked for %s, authority known: %s → %s', async (tlsVerify, name, known, kind) => {
    const { port, arrived } = await withTls();
    const tlsContext = await contexts.of({ ...NO_FILES, authorities: known ? good.cert : undefined });
    const hop = { name, ip: '127.0.0.1', port };
    const { failure, session } = await send(termsOf(port, { hop, tls: 'required', tlsVerify, tlsContext }), [makeCopies(['bob@a.test'])]);
    expect(failure?.kind).toBe(kind);
    expect(arrived).toHaveLength(kind === undefined ? 1 : 0);
    if (kind === undefined) expect(session.tls?.verified).toBe(known);
    else expect(failure?.reply).toBe('451 4.7.5 [internal] TLS negotiation failed');
  });

  it('shows our certificate', async () => {
    const own = pair('client.test');
    const { port } = await serve({ ...good.pem, disabledCommands: [], requestCert: true, rejectUnauthorized: true, ca: own.pem.cert });
    const tlsContext = await contexts.of({ ...NO_FILES, certificate: own.cert, key: own.key });
    const { results } = await send(termsOf(port, { tls: 'required', tlsContext }), [makeCopies(['bob@a.test'])]);
    expect(results[0]?.outcome).toBe('delivered');
    const { failure } = await send(termsOf(port, { tls: 'required' }), [makeCopies(['bob@a.test'])]);
    // TLS 1.3 tells a client only after the handshake that its certificate is missed.
    expect(failure?.reply ?? results[0]?.reply).toMatch(/^451 4\.(4\.2|7\.5) /);
  });

  it('finds no common version', async () => {
    const { port } = await serve({ ...good.pem, disabledCommands: [], minVersion: 'TLSv1.3' });
    const tlsContext = await contexts.of({ ...NO_FILES, protocols: '+ALL:-TLSv1.3' });
    const { failure } = await send(termsOf(port, { tls: 'ifavailable', tlsContext }), [makeCopies(['bob@a.test'])]);
    expect(failure).toMatchObject({ kind: 'tls', reply: '451 4.7.5 [internal] TLS negotiation failed' });
  });

  it('tells of a certificate that cannot be read, and tries again when asked again', async () => {
    const missing = { ...NO_FILES, certificate: path.join(folder, 'late.crt') };
    await expect(contexts.of(missing)).rejects.toThrow('ENOENT');
    fs.copyFileSync(good.cert, missing.certificate);
    await expect(contexts.of({ ...missing, key: good.key })).resolves.toBeDefined();
  });
});
