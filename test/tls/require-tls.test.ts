/** REQUIRETLS (RFC 8689) through the daemon: offered and taken under TLS only, kept on disk, held at delivery; and TLS-Required: No. */
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Headers } from '../../src/mail/headers.js';
import { Copy } from '../../src/module/copy.js';
import type { Reception } from '../../src/module/message.js';
import type { TlsDemand } from '../../src/module/tls-demand.js';
import { makeRoom, type Room } from '../chaos/room.js';
import { makeCopies } from '../fixtures/copies.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { freePort, plainConf } from '../harness/place.js';
import { needs } from '../needs.js';
import { Authority } from './authority.js';
import { serveZones } from './signed-names.js';
import { startTlsPeer, type TlsPeer } from './tls-peer.js';

const authority = new Authority();
const good = authority.issue('mx.test');
const ours = authority.issue('mta.celeris.test');
const closing: (() => Promise<void>)[] = [];
let room: Room | undefined;
afterEach(async () => {
  await room?.stop();
  room = undefined;
  for (const close of closing.splice(0)) await close();
});
afterAll(() => authority.end());

const CA = `tls_ca = "${authority.root.cert}"`;

/** A server that speaks STARTTLS and says REQUIRETLS if told so; npm smtp-server knows neither keyword nor parameter. */
async function startPromising(promises: boolean, identity = good): Promise<{ port: number; mails: string[] }> {
  const mails: string[] = [];
  const talk = (socket: net.Socket, secure: boolean): void => {
    let waiting = '';
    let inData = false;
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      waiting += chunk.toString('latin1');
      for (;;) {
        const end = waiting.indexOf(inData ? '\r\n.\r\n' : '\r\n');
        if (end < 0) return;
        const line = waiting.slice(0, end);
        waiting = waiting.slice(end + (inData ? 5 : 2));
        if (inData) {
          inData = false;
          socket.write('250 2.0.0 taken\r\n');
        } else if (line.startsWith('EHLO')) {
          socket.write(
            secure ? `250-mx.test\r\n${promises ? '250-REQUIRETLS\r\n' : ''}250 8BITMIME\r\n` : '250-mx.test\r\n250 STARTTLS\r\n',
          );
        } else if (line === 'STARTTLS') {
          socket.write('220 go\r\n');
          socket.removeAllListeners('data');
          const options = { isServer: true, cert: fs.readFileSync(identity.chain), key: fs.readFileSync(identity.key) };
          talk(new tls.TLSSocket(socket, options), true);
          return;
        } else if (line === 'DATA') {
          inData = true;
          socket.write('354 go\r\n');
        } else {
          if (line.startsWith('MAIL')) mails.push(line);
          socket.write(line === 'QUIT' ? '221 bye\r\n' : '250 ok\r\n');
        }
      }
    });
  };
  const server = net.createServer((socket) => {
    socket.write('220 mx.test\r\n');
    talk(socket, false);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closing.push(() => new Promise((done) => void server.close(() => done())));
  return { port: (server.address() as net.AddressInfo).port, mails };
}

/** Queues one mail for a.test. */
function insert(where: Room, more: Partial<Reception>, headers?: string, domain = 'a.test'): void {
  for (const { id, reception, recipients, headers: plain, content, facts } of makeCopies([`bob@${domain}`])) {
    const block = headers === undefined ? plain : new Headers(Buffer.from(headers));
    const copy = new Copy(id, { ...reception, ...more }, recipients, block, content, facts);
    copy.place = where.place(domain);
    copy.ticket = 0;
    where.supply.insert(copy);
  }
}

async function deliver(port: number, config: string, vouched = true) {
  room = await makeRoom({ config, routes: { 'a.test': [{ port, name: 'mx.test', ...(vouched && { vouched: true }) }] } });
  insert(room, { requireTls: true });
  const [attempt] = await room.until(1);
  return attempt;
}

describe('mail that requires TLS', () => {
  it('goes to a verified server that promises the same, with the parameter', async () => {
    const { port, mails } = await startPromising(true);
    expect(await deliver(port, `tls = ifavailable\n${CA}`)).toMatchObject({ outcome: 'delivered' });
    expect(mails).toEqual([expect.stringMatching(/^MAIL FROM:<.*> REQUIRETLS$/)]);
  });

  it.each([
    ['promises nothing', false, CA],
    ['cannot be verified', true, ''],
  ])('fails at a server that %s', async (_, promises, ca) => {
    const { port, mails } = await startPromising(promises);
    const attempt = await deliver(port, `tls = ifavailable\n${ca}`);
    expect(attempt).toMatchObject({ outcome: 'failed', reply: '550 5.7.30 [internal] REQUIRETLS support required' });
    expect(mails).toEqual([]);
  });

  it('fails at a server of which nobody knows that it is the domain’s', async () => {
    const { port, mails } = await startPromising(true);
    const attempt = await deliver(port, `tls = ifavailable\n${CA}`, false);
    expect(attempt).toMatchObject({
      outcome: 'failed',
      reply: '550 5.7.30 [internal] REQUIRETLS needs an MX proven by DNSSEC or MTA-STS',
    });
    expect(mails).toEqual([]);
  });

  it('does not share a connection with a place whose MX is not proven', async () => {
    const { port, mails } = await startPromising(true);
    const hop = { port, name: 'mx.test' };
    room = await makeRoom({
      config: `tls = ifavailable\n${CA}\nidle_timeout = 300`,
      routes: { 'a.test': [{ ...hop, vouched: true }], 'b.test': [hop] },
    });
    room.send(['eve@b.test']);
    await room.until(1);
    insert(room, { requireTls: true });
    expect((await room.until(2))[1]).toMatchObject({ outcome: 'delivered' });
    insert(room, { requireTls: true }, undefined, 'b.test');
    expect((await room.until(3))[2]).toMatchObject({ outcome: 'failed' });
    expect(mails.filter((mail) => mail.includes('REQUIRETLS')).length).toBe(1);
  });

  it('fails at a server without TLS', async () => {
    const peer = await startTlsPeer(undefined);
    closing.push(() => peer.close());
    expect(await deliver(peer.port, 'tls = ifavailable')).toMatchObject({ outcome: 'failed', reply: expect.stringContaining('5.7.30') });
    expect(peer.arrived).toEqual([]);
  });
});

describe('TLS-Required: No', () => {
  const demand: TlsDemand = {
    by: 'dane',
    enforced: true,
    tlsa: [{ usage: 3, selector: 1, matching: 1, data: Buffer.alloc(32) }],
    names: ['mx.test'],
    digest: 'd',
    barred: undefined,
    policy: { type: 'tlsa', domain: 'mx.test', strings: [], mxPatterns: [] },
  };
  const send = async (peer: TlsPeer, more: Partial<TlsDemand>, headers: string) => {
    closing.push(() => peer.close());
    room = await makeRoom({
      config: 'tls = ifavailable\nidle_timeout = 300',
      routes: { 'a.test': [{ port: peer.port, name: 'mx.test', demand: { ...demand, ...more } }] },
    });
    insert(room, {}, headers);
    const [attempt] = await room.until(1);
    return attempt;
  };
  const NO = 'Subject: report\r\nTLS-Required: No\r\n\r\n';

  it('goes though the domain demands what its host does not keep', async () => {
    const peer = await startTlsPeer(good);
    expect(await send(peer, {}, NO)).toMatchObject({ outcome: 'delivered' });
    expect(peer.arrived.length).toBe(1);
    // Other mail does not go along on that connection.
    room?.send(['eve@a.test']);
    const attempts = await room?.until(2);
    expect(attempts?.[1]).toMatchObject({ outcome: 'deferred' });
    expect(peer.arrived.length).toBe(1);
  });

  it('goes to a host that is barred, and in clear', async () => {
    const peer = await startTlsPeer(undefined);
    expect(await send(peer, { barred: 'dnssec-invalid' }, NO)).toMatchObject({ outcome: 'delivered' });
  });

  it('means nothing without the word', async () => {
    const peer = await startTlsPeer(good);
    expect(await send(peer, {}, 'Subject: x\r\nTLS-Required: Yes\r\n\r\n')).toMatchObject({ outcome: 'deferred' });
    expect(peer.arrived).toEqual([]);
  });
});

describe('reception', () => {
  it('offers and takes REQUIRETLS under TLS only, and keeps it over a restart', async () => {
    const { port, mails } = await startPromising(true);
    const dead = await freePort();
    const conf = (sinkPort: number) => (place: Parameters<typeof plainConf>[0]) =>
      plainConf(place, { sinkPort, more: `tls = ifavailable\n${CA}\nretry_interval = 1\n` }).replace(
        'ESMTP_Listener {',
        `ESMTP_Listener {\n  tls_certificate = "${ours.chain}"\n  tls_key = "${ours.key}"\n`,
      );
    let daemon: Daemon = await startDaemon({ conf: conf(dead) });
    closing.push(() => daemon.end());
    const { socket, clear } = await greet(daemon);
    expect(await clear.ask('EHLO client.test')).not.toContain('REQUIRETLS');
    expect(await clear.ask('MAIL FROM:<a@sender.test> REQUIRETLS')).toMatch(/^555 /);
    await clear.ask('STARTTLS');
    const secure = await talkTo(tls.connect({ socket, rejectUnauthorized: false }), false);
    expect(await secure.ask('EHLO client.test')).toContain('REQUIRETLS');
    expect(await secure.ask('MAIL FROM:<a@sender.test> REQUIRETLS=x')).toMatch(/^501 /);
    expect(await secure.ask('MAIL FROM:<a@sender.test> REQUIRETLS')).toMatch(/^250 /);
    expect(await secure.ask('RCPT TO:<b@a.test>')).toMatch(/^250 /);
    expect(await secure.ask('DATA')).toMatch(/^354 /);
    expect(await secure.ask('Subject: x\r\n\r\ntext\r\n.')).toMatch(/^250 /);
    await secure.ask('QUIT');
    await daemon.stop();
    // The gateway is an address: no certificate bears it, so the mail must not go.
    daemon = await startDaemon({ conf: conf(port), place: daemon.place });
    const line = await daemon.waitFor('failure', () => daemon.fileLines('mainlog.ec').find((each) => each.split('@')[4] === 'P'));
    expect(line).toContain('5.7.30');
    expect(mails.filter((mail) => mail.includes('a@sender.test'))).toEqual([]);
  });
});

async function greet({ port }: Daemon) {
  const socket = net.connect(port, '127.0.0.1');
  return { socket, clear: await talkTo(socket) };
}

needs(
  'nsd',
  'unbound',
  'ldnsutils',
  'openssl',
)('the MX of a domain', () => {
  it('has to be proven by DNSSEC', { timeout: 60_000 }, async () => {
    const { port, mails } = await startPromising(true, authority.issue('mx.signed.test'));
    const names = await serveZones([
      { name: 'signed.test', signed: true, records: ['@ IN MX 10 mx', 'mx IN A 127.0.0.1'] },
      { name: 'unsigned.test', signed: false, records: ['@ IN MX 10 mx.signed.test.'] },
    ]);
    closing.push(() => names.end());
    const daemon = await startDaemon({
      conf: (place) => {
        fs.writeFileSync(path.join(place.dir, 'resolv.conf'), `nameserver [127.0.0.1]:${names.port}\noptions timeout:2 attempts:1\n`);
        const more = `resolv_conf = "${place.dir}/resolv.conf"\nremote_smtp_port = ${port}\ndeliver_to_private = true\ntls = ifavailable\n${CA}\n`;
        return plainConf(place, { more }).replace(
          'ESMTP_Listener {',
          `ESMTP_Listener {\n  tls_certificate = "${ours.chain}"\n  tls_key = "${ours.key}"\n`,
        );
      },
    });
    closing.push(() => daemon.end());
    const { socket, clear } = await greet(daemon);
    await clear.ask('EHLO client.test');
    await clear.ask('STARTTLS');
    const secure = await talkTo(tls.connect({ socket, rejectUnauthorized: false }), false);
    await secure.ask('EHLO client.test');
    for (const domain of ['signed.test', 'unsigned.test']) {
      expect(await secure.ask('MAIL FROM:<a@sender.test> REQUIRETLS')).toMatch(/^250 /);
      expect(await secure.ask(`RCPT TO:<b@${domain}>`)).toMatch(/^250 /);
      expect(await secure.ask('DATA')).toMatch(/^354 /);
      expect(await secure.ask('Subject: x\r\n\r\ntext\r\n.')).toMatch(/^250 /);
    }
    const line = (type: string, domain: string): Promise<string> =>
      daemon.waitFor(`${type} of ${domain}`, () =>
        daemon.fileLines('mainlog.ec').find((each) => each.split('@')[4] === type && each.includes(`@${domain}@`)),
      );
    await line('D', 'signed.test');
    expect(await line('P', 'unsigned.test')).toContain('REQUIRETLS needs an MX proven by DNSSEC or MTA-STS');
    expect(mails).toEqual([expect.stringMatching(/REQUIRETLS$/)]);
  });
});

async function talkTo(socket: net.Socket, greets = true) {
  let text = '';
  let wake: () => void = () => {};
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    wake();
  });
  const reply = async (): Promise<string> => {
    while (!/^\d{3} .*\r\n$/m.test(text)) await new Promise<void>((done) => (wake = done));
    const said = text;
    text = '';
    return said;
  };
  if (greets) await reply();
  return {
    ask: (line: string): Promise<string> => {
      socket.write(`${line}\r\n`);
      return reply();
    },
  };
}
