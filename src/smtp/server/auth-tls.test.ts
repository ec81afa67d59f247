/** AUTH and TLS: what is offered when, what a login is bound to, and what becomes of one that was made in clear. */
import { execFileSync } from 'node:child_process';
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls, { type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Client, openStage, type Stage } from '../../../test/fuzz/smtp-rehearsal.js';
import { reply } from '../../mail/reply.js';
import { TlsContexts } from '../../net/tls-contexts.js';
import { storeOf } from '../sasl/fixture.js';
import { Plain } from '../sasl/plain.js';
import { Scram } from '../sasl/scram.js';
import type { Reception } from './reception.js';

const folder = mkdtempSync(join(tmpdir(), 'celeris-auth-'));
const certificate = join(folder, 'mx.crt');
const key = join(folder, 'mx.key');
beforeAll(() => {
  const how = ['-subj', '/CN=mx.test', '-days', '2', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-sha384'];
  execFileSync('openssl', ['req', '-x509', ...how, '-keyout', key, '-out', certificate], { stdio: 'pipe' });
});

const stages: Stage[] = [];
afterEach(async () => {
  await Promise.all(stages.splice(0).map((stage) => stage.close()));
});

const store = storeOf({ tim: 'pencil' });
const logins: Partial<Reception<object>> = {
  mechanisms: () => ['SCRAM-SHA-256-PLUS', 'PLAIN'],
  beginAuth(session, name) {
    if (name === 'PLAIN') return new Plain(store);
    const bindings = session.channelBindings?.() ?? new Map();
    return new Scram('SCRAM-SHA-256-PLUS', store, { nonce: 'ours', saltOf: () => Buffer.from('salt'), iterations: 4096, bindings });
  },
  endAuth: (_, __, ended) => (ended.kind === 'done' ? undefined : { do: 'reject', reply: reply(535, '5.7.8', 'no') }),
};

async function open(): Promise<[Stage, Client, string]> {
  const contexts = new TlsContexts();
  await contexts.refresh([{ certificate, key, dheCiphers: true }]);
  const options = { tls_certificate: certificate, tls_key: key };
  const stage = await openStage({ options, contexts, before: (reception) => void Object.assign(reception, logins) });
  stages.push(stage);
  const client = await stage.dial();
  return [stage, client, await client.ask('EHLO client.test\r\n')];
}

async function secure(plain: Client, version: tls.SecureVersion): Promise<[Client, TLSSocket]> {
  expect(await plain.ask('STARTTLS\r\n')).toMatch(/^220/);
  plain.socket.removeAllListeners('data');
  const socket = tls.connect({ socket: plain.socket, rejectUnauthorized: false, maxVersion: version });
  await new Promise((done, fail) => socket.once('secureConnect', done).once('error', fail));
  return [new Client(socket), socket];
}

const encode = (text: string): string => Buffer.from(text).toString('base64');
const hmac = (secret: Buffer, text: string): Buffer => createHmac('sha256', secret).update(text).digest();

/** The client's side of SCRAM-SHA-256-PLUS; answers the last reply. */
async function scram(client: Client, name: string, binding: Buffer): Promise<string> {
  const bare = 'n=tim,r=theirs';
  const first = Buffer.from(
    (await client.ask(`AUTH SCRAM-SHA-256-PLUS ${encode(`p=${name},,${bare}`)}\r\n`)).slice(4),
    'base64',
  ).toString();
  const without = `c=${Buffer.concat([Buffer.from(`p=${name},,`), binding]).toString('base64')},r=theirsours`;
  const salted = pbkdf2Sync('pencil', 'salt', 4096, 32, 'sha256');
  const ckey = hmac(salted, 'Client Key');
  const message = `${bare},${first},${without}`;
  const signature = hmac(createHash('sha256').update(ckey).digest(), message);
  const proof = Buffer.from(ckey.map((octet, i) => octet ^ (signature[i] ?? 0))).toString('base64');
  const last = await client.ask(`${encode(`${without},p=${proof}`)}\r\n`);
  if (!last.startsWith('334')) return last;
  expect(Buffer.from(last.slice(4), 'base64').toString()).toBe(`v=${hmac(hmac(salted, 'Server Key'), message).toString('base64')}`);
  return client.ask('\r\n');
}

describe('AUTH under TLS', () => {
  it('offers -PLUS, bound to the session (tls-exporter) or to our certificate (tls-server-end-point)', async () => {
    for (const [name, version] of [
      ['tls-exporter', 'TLSv1.3'],
      ['tls-server-end-point', 'TLSv1.3'],
      ['tls-server-end-point', 'TLSv1.2'],
    ] as const) {
      const [, plain, clear] = await open();
      expect(clear).not.toContain('PLUS');
      const [client, socket] = await secure(plain, version);
      expect(await client.ask('EHLO client.test\r\n')).toContain('AUTH SCRAM-SHA-256-PLUS PLAIN');
      const binding =
        name === 'tls-exporter'
          ? socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
          : createHash('sha384').update(socket.getPeerCertificate().raw).digest();
      expect(await scram(client, name, Buffer.from(binding).fill(0, 0, 1)), name).toMatch(/^535/);
      expect(await scram(client, name, binding), name).toMatch(/^235/);
    }
  });

  it('forgets a login that was made in clear', async () => {
    const [{ service }, plain] = await open();
    const login = `AUTH PLAIN ${encode('\0tim\0pencil')}\r\n`;
    expect(await plain.ask(login)).toMatch(/^235/);
    const [session] = [...service.list()];
    session?.facts.set('can_relay', 'true');
    session?.facts.set('auth_user', 'tim');
    const [client] = await secure(plain, 'TLSv1.3');
    expect(session?.user).toBeUndefined();
    expect([session?.facts.has('can_relay'), session?.facts.has('auth_user')]).toEqual([false, false]);
    await client.ask('EHLO client.test\r\n');
    expect(await client.ask(login)).toMatch(/^235/);
  });
});
