/** STARTTLS and TLS from the first byte, with a certificate made on the spot. */
import { execFile, execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Client, inboundValues, openStage, type Setting, type Stage } from '../../../test/fuzz/smtp-rehearsal.js';
import { needs } from '../../../test/needs.js';
import { TlsContexts } from '../../net/tls-contexts.js';
import { allSettingsOf } from './tls-settings.js';

const folder = mkdtempSync(join(tmpdir(), 'celeris-starttls-'));
const makePair = (name: string) => {
  const certificate = join(folder, `${name}.crt`);
  const key = join(folder, `${name}.key`);
  const how = ['-subj', `/CN=${name}`, '-days', '2', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  execFileSync('openssl', ['req', '-x509', ...how, '-keyout', key, '-out', certificate], { stdio: 'pipe' });
  return { certificate, key };
};

let server: { certificate: string; key: string };
let customer: { certificate: string; key: string };
beforeAll(() => {
  server = makePair('mx.test');
  customer = makePair('customer.test');
});

let stage: Stage | undefined;
afterEach(async () => {
  await stage?.close();
  stage = undefined;
});

async function open(setting: Setting = {}): Promise<Stage> {
  const options = { tls_certificate: server.certificate, tls_key: server.key, ...setting.options };
  const contexts = new TlsContexts();
  await contexts.refresh([
    { certificate: server.certificate, key: server.key, dheCiphers: true },
    { certificate: server.certificate, key: server.key, clientCa: customer.certificate, dheCiphers: true },
  ]);
  stage = await openStage({ ...setting, options, contexts });
  return stage;
}

describe('tls_sni', () => {
  const asked = async (port: number, servername: string | undefined): Promise<string> =>
    new Promise((done, fail) => {
      const how = { port, host: '127.0.0.1', rejectUnauthorized: false, ...(servername && { servername }) };
      const secure = tls.connect(how, () => {
        done(String(secure.getPeerCertificate().subject.CN));
        secure.destroy();
      });
      secure.on('error', fail);
    });

  it('shows each name its certificate, every other the default; a renewed one without an end of sessions', async () => {
    const joined = (name: string) => {
      const { certificate, key } = makePair(name);
      writeFileSync(certificate, Buffer.concat([readFileSync(certificate), readFileSync(key)]));
      return certificate;
    };
    const exact = joined('exact.example.com');
    const options = {
      use_ssl: true,
      tls_certificate: server.certificate,
      tls_key: server.key,
      tls_sni: { 'Exact.example.com': exact, '*.example.com': joined('star.example.com') },
    };
    const contexts = new TlsContexts();
    const refresh = () => contexts.refresh(allSettingsOf(inboundValues(options)));
    await refresh();
    const at = await openStage({ options, contexts });
    stage = at;
    const names = ['exact.example.com', 'other.example.com', 'a.b.example.com', 'example.com', undefined];
    const shown = [];
    for (const name of names) shown.push(await asked(at.port, name));
    expect(shown).toEqual(['exact.example.com', 'star.example.com', 'mx.test', 'mx.test', 'mx.test']);
    const client = await encrypt(net.connect(at.port, '127.0.0.1'), { servername: 'exact.example.com' });
    await client.hear();
    copyFileSync(joined('renewed.example.com'), exact);
    await refresh();
    expect(await asked(at.port, 'exact.example.com')).toBe('renewed.example.com');
    expect(await client.ask('EHLO x\r\n')).toMatch(/^250/);
  });

  needs('openssl')('openssl', () => {
    it('sees it after STARTTLS too', async () => {
      const { certificate, key } = makePair('named.test');
      writeFileSync(certificate, Buffer.concat([readFileSync(certificate), readFileSync(key)]));
      const options = { tls_certificate: server.certificate, tls_key: server.key, tls_sni: { 'named.test': certificate } };
      const contexts = new TlsContexts();
      await contexts.refresh(allSettingsOf(inboundValues(options)));
      stage = await openStage({ options, contexts });
      for (const [name, subject] of [
        ['named.test', 'CN = named.test'],
        ['unknown.test', 'CN = mx.test'],
      ] as const) {
        const how = ['s_client', '-starttls', 'smtp', '-connect', `127.0.0.1:${stage.port}`, '-servername', name, '-brief'];
        const running = promisify(execFile)('openssl', how, { timeout: 10_000 });
        running.child.stdin?.end('QUIT\r\n');
        const run = await running;
        expect(`${run.stdout}${run.stderr}`).toContain(subject);
      }
    });
  });
});

const encrypt = (socket: net.Socket, more: tls.ConnectionOptions = {}): Promise<Client> =>
  new Promise((done, fail) => {
    const secure = tls.connect({ socket, rejectUnauthorized: false, ...more }, () => done(new Client(secure)));
    secure.on('error', fail);
  });

/** STARTTLS on a fresh connection, up to the handshake. */
async function secureClient(at: Stage, more?: tls.ConnectionOptions): Promise<Client> {
  const plain = await at.dial();
  await plain.ask('EHLO client.test\r\n');
  expect(await plain.ask('STARTTLS\r\n')).toBe('220 2.0.0 continue');
  plain.socket.removeAllListeners('data');
  return encrypt(plain.socket, more);
}

describe('STARTTLS', () => {
  it('is offered with a certificate, and everything before it is forgotten', async () => {
    const { reception, dial } = await open();
    const plain = await dial();
    expect(await plain.ask('EHLO client.test\r\n')).toContain('STARTTLS');
    await plain.ask('MAIL FROM:<a@b.test>\r\n');
    expect(await plain.ask('STARTTLS\r\n')).toBe('220 2.0.0 continue');
    expect(reception.told).toEqual(['reset']);
    plain.socket.removeAllListeners('data');
    const client = await encrypt(plain.socket);
    expect(await client.ask('MAIL FROM:<a@b.test>\r\n')).toBe('550 5.5.1 RFC2821 HELO/EHLO needed');
    expect(await client.ask('EHLO client.test\r\n')).not.toContain('STARTTLS');
    let seen: unknown;
    reception.answers.mailFrom = (session) => {
      seen = { ...session.tls, facts: new Map(session.facts) };
    };
    expect(await client.ask('MAIL FROM:<a@b.test>\r\n')).toMatch(/^250/);
    expect(seen).toMatchObject({ protocol: 'TLSv1.3', bits: 256, verified: false });
    expect((seen as { facts: Map<string, string> }).facts.get('tls')).toBe('on');
    await client.ask('RCPT TO:<c@d.test>\r\n');
    await client.ask('DATA\r\n');
    expect(await client.ask(`a: b\r\n\r\n${'line\r\n'.repeat(20_000)}.\r\n`)).toBe('250 2.0.0 OK kept');
    expect(reception.kept[0]?.body).toHaveLength(120_000);
    expect(await client.ask('QUIT\r\n')).toMatch(/^221/);
    expect(await client.rest()).toBe('');
  });

  it('is not there without a certificate', async () => {
    stage = await openStage();
    const client = await stage.dial();
    expect(await client.ask('EHLO x\r\n')).not.toContain('STARTTLS');
    expect(await client.ask('STARTTLS\r\n')).toBe('502 5.5.1 command not implemented');
  });

  it('bad-inputs 17: commands in the same packet are discarded and told', async () => {
    const { reception, dial } = await open();
    const plain = await dial();
    await plain.ask('EHLO client.test\r\n');
    expect(await plain.ask('STARTTLS\r\nMAIL FROM:<evil@b.test>\r\n')).toBe('220 2.0.0 continue');
    plain.socket.removeAllListeners('data');
    const client = await encrypt(plain.socket);
    expect(await client.ask('EHLO client.test\r\n')).toMatch(/^250/);
    expect(await client.ask('RCPT TO:<c@d.test>\r\n')).toBe('503 RCPT TO without MAIL FROM');
    expect(reception.told).toContain('event starttls_injection: commands in clear behind STARTTLS');
    expect(reception.commands.some((line) => line.startsWith('MAIL'))).toBe(false);
  });

  it('bad-inputs 17: half a command behind it is no injection into the next', async () => {
    const { dial } = await open();
    const plain = await dial();
    await plain.ask('EHLO client.test\r\n');
    expect(await plain.ask('STARTTLS\r\nRS')).toBe('220 2.0.0 continue');
    plain.socket.removeAllListeners('data');
    const client = await encrypt(plain.socket);
    expect(await client.ask('EHLO client.test\r\n')).toMatch(/^250/);
  });

  it('bad-inputs 17: or end the session where starttls_injection_policy says so', async () => {
    const { dial } = await open({ options: { starttls_injection_policy: 'reject' } });
    const plain = await dial();
    await plain.ask('EHLO client.test\r\n');
    expect(await plain.ask('STARTTLS\r\nNOOP\r\n')).toMatch(/^503 5\.5\.0/);
    expect(await plain.rest()).toBe('');
  });

  it('bad-inputs 18: takes no parameter, and is not taken twice', async () => {
    const at = await open();
    const plain = await at.dial();
    await plain.ask('EHLO client.test\r\n');
    expect(await plain.ask('STARTTLS now\r\n')).toBe('501 5.5.4 Syntax error (no parameters allowed)');
    const client = await secureClient(at);
    await client.ask('EHLO client.test\r\n');
    expect(await client.ask('STARTTLS\r\n')).toBe('503 5.5.1 bad sequence of commands');
  });

  it('tells a handshake that failed', async () => {
    const { reception, service, dial } = await open();
    const plain = await dial();
    await plain.ask('EHLO client.test\r\n');
    await plain.ask('STARTTLS\r\n');
    plain.say('this is no handshake\r\n');
    await plain.rest();
    await expect.poll(() => reception.told.some((line) => line.startsWith('event tls_failed:'))).toBe(true);
    await expect.poll(() => service.sessions).toBe(0);
  });

  it('asks for certificates of clients where tls_client_ca is set, and insists where told to', async () => {
    const options = { tls_client_ca: customer.certificate, tls_verify_mode: 'require' as const, tls_verified_peer_can_relay: true };
    const at = await open({ options });
    const { readFileSync } = await import('node:fs');
    const known = { cert: readFileSync(customer.certificate), key: readFileSync(customer.key) };
    const client = await secureClient(at, known);
    await client.ask('EHLO x\r\n');
    let subject: string | undefined;
    at.reception.answers.mailFrom = (session) => {
      subject = session.tls?.subject;
      expect(session.facts.get('can_relay')).toBe('true');
    };
    expect(await client.ask('MAIL FROM:<a@b.test>\r\n')).toMatch(/^250/);
    expect(subject).toBe('/CN=customer.test');
    const stranger = await secureClient(at);
    expect(await stranger.hear()).toBe('421 4.7.0 a client certificate is needed');
  });

  it('tls_verified_peer_is_authorized: a verified certificate stands for a login', async () => {
    const options = { tls_client_ca: customer.certificate, enable_authentication: true, tls_verified_peer_is_authorized: true };
    const at = await open({ options });
    const { readFileSync } = await import('node:fs');
    const known = await secureClient(at, { cert: readFileSync(customer.certificate), key: readFileSync(customer.key) });
    const stranger = await secureClient(at);
    for (const client of [known, stranger]) await client.ask('EHLO x\r\n');
    expect(await known.ask('MAIL FROM:<a@b.test>\r\n')).toMatch(/^250/);
    expect(await stranger.ask('MAIL FROM:<a@b.test>\r\n')).toMatch(/^530/);
  });
});

describe('use_ssl', () => {
  it.each([true, false])('begins behind the header of a proxy, in one packet with it: %s', async (joined) => {
    const { port, service } = await open({ options: { use_ssl: true, proxy_protocol: 'true' } });
    const header = Buffer.from('PROXY TCP4 192.0.2.9 198.51.100.1 1234 25\r\n');
    const socket = net.connect(port, '127.0.0.1');
    const write = socket.write.bind(socket);
    let held: Buffer | undefined = header;
    // The first octets of the handshake leave together with the header.
    const through = new Duplex({
      read: () => undefined,
      write(chunk: Buffer, _encoding, done) {
        write(held && joined ? Buffer.concat([held, chunk]) : chunk);
        held = undefined;
        done();
      },
    });
    if (!joined) write(header);
    socket.on('data', (chunk) => through.push(chunk));
    const secured = tls.connect({ socket: through, rejectUnauthorized: false });
    const client = new Client(secured);
    expect(await client.hear()).toMatch(/^220 /);
    expect([...service.list()].map(({ peer, tls: facts }) => [peer.ip, facts?.protocol])).toEqual([['192.0.2.9', 'TLSv1.3']]);
    secured.destroy();
    socket.destroy();
  });

  it('is TLS from the first byte', async () => {
    const { port } = await open({ options: { use_ssl: true } });
    const client = await encrypt(net.connect(port, '127.0.0.1'));
    expect(await client.hear()).toMatch(/^220 /);
    expect(await client.ask('EHLO x\r\n')).not.toContain('STARTTLS');
    expect(await client.ask('STARTTLS\r\n')).toMatch(/^503/);
    expect(await client.ask('QUIT\r\n')).toMatch(/^221/);
  });

  it('takes a handshake that came before the session began, as where another process is asked about the client first', async () => {
    const { service } = await open({ options: { use_ssl: true } });
    const late = net.createServer({ allowHalfOpen: true }, (socket) =>
      setTimeout(() => service.accept(socket, { stanza: 'esmtp_listener', listen: 'late', lmtp: false }), 50),
    );
    await new Promise<void>((done) => late.listen(0, '127.0.0.1', done));
    const address = late.address();
    const client = await encrypt(net.connect(address !== null && typeof address === 'object' ? address.port : 0, '127.0.0.1'));
    expect(await client.hear()).toMatch(/^220 /);
    client.close();
    late.close();
  });
});

describe('tls_allow_renegotiation', () => {
  it.each([
    [true, 3, true],
    [true, 4, false],
    [false, 1, false],
  ])('%s: a client that negotiates anew %i times goes on: %s', async (allowed, times, goesOn) => {
    const at = await open({ options: { tls_allow_renegotiation: allowed } });
    const client = await secureClient(at, { maxVersion: 'TLSv1.2' });
    await client.ask('EHLO client.test\r\n');
    for (let i = 0; i < times; i++) {
      await new Promise<void>((done) => {
        client.socket.once('close', () => done());
        (client.socket as tls.TLSSocket).renegotiate({}, () => done());
      });
    }
    expect(await client.ask('NOOP\r\n')).toMatch(goesOn ? /^250 / : /^$/);
  });
});
