/** Every option about TLS towards others changes something: certificates shown, versions, ciphers, verification, fallback by host. */
import fs from 'node:fs';
import type { SMTPServerOptions } from 'smtp-server';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { makeRoom, type Room } from '../chaos/room.js';
import { Authority } from './authority.js';
import { startTlsPeer, type TlsPeer } from './tls-peer.js';

const authority = new Authority();
const stranger = new Authority();
const good = authority.issue('mx.test');
const client = authority.issue('client.test');
const other = authority.issue('other.test');
const peers: TlsPeer[] = [];
let room: Room | undefined;
afterEach(async () => {
  await room?.stop();
  room = undefined;
  await Promise.all(peers.splice(0).map((peer) => peer.close()));
});
afterAll(() => {
  authority.end();
  stranger.end();
});

const serve = async (more: SMTPServerOptions = {}, identity = good): Promise<TlsPeer> => {
  const peer = await startTlsPeer(identity, more);
  peers.push(peer);
  return peer;
};
async function deliver(port: number, config: string) {
  room = await makeRoom({ config, routes: { 'a.test': [{ port, name: 'mx.test' }] } });
  room.send(['bob@a.test']);
  return (await room.until(1))[0];
}

describe('tls', () => {
  it.each([
    ['no', false],
    ['ifavailable', true],
    ['required', true],
  ])('%s: encrypted is %s', async (level, secure) => {
    const peer = await serve();
    expect(await deliver(peer.port, `tls = ${level}`)).toMatchObject({ outcome: 'delivered' });
    expect(peer.arrived).toMatchObject([{ secure }]);
  });
});

describe('tls_certificate and tls_key', () => {
  /** A server that lets nobody in whose certificate its authority did not sign. */
  const strict: SMTPServerOptions = {
    requestCert: true,
    rejectUnauthorized: true,
    ca: fs.readFileSync(authority.root.cert),
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.2',
  };
  const both = (): string => {
    const file = `${authority.folder}/both.pem`;
    fs.writeFileSync(file, fs.readFileSync(client.cert, 'utf8') + fs.readFileSync(client.key, 'utf8'));
    return file;
  };

  it('show who we are', async () => {
    const peer = await serve(strict);
    expect(await deliver(peer.port, `tls = required\ntls_certificate = "${client.cert}"\ntls_key = "${client.key}"`)).toMatchObject({
      outcome: 'delivered',
    });
  });
  it('the key may stand in the file of the certificate', async () => {
    const peer = await serve(strict);
    expect(await deliver(peer.port, `tls = required\ntls_certificate = "${both()}"`)).toMatchObject({ outcome: 'delivered' });
  });
  it.each([
    ['unset', ''],
    ['none in the domain', `tls_certificate = "${client.cert}"\ntls_key = "${client.key}"\ndomain "a.test" { tls_certificate = none }`],
  ])('%s: nothing is shown', async (_, config) => {
    const peer = await serve(strict);
    expect(await deliver(peer.port, `tls = required\n${config}`)).toMatchObject({ outcome: 'deferred' });
    expect(peer.arrived).toEqual([]);
  });
});

describe('tls_protocols', () => {
  it.each([
    ['+ALL', 'TLSv1.3'],
    ['+ALL:-TLSv1.3', 'TLSv1.2'],
    ['+TLSv1.3', 'TLSv1.3'],
  ])('%s: %s is spoken', async (protocols, protocol) => {
    const peer = await serve();
    expect(await deliver(peer.port, `tls = required\ntls_protocols = "${protocols}"`)).toMatchObject({ tls: { protocol } });
  });
  it('what the server lacks is no session', async () => {
    const peer = await serve({ maxVersion: 'TLSv1.2' });
    expect(await deliver(peer.port, 'tls = required\ntls_protocols = "+TLSv1.3"')).toMatchObject({ outcome: 'deferred' });
  });
});

describe('tls_ciphers', () => {
  it.each(['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384'])('%s and nothing else', async (cipher) => {
    const peer = await serve();
    const config = `tls = required\ntls_protocols = "+ALL:-TLSv1.3"\ntls_ciphers = "${cipher}"`;
    expect(await deliver(peer.port, config)).toMatchObject({ outcome: 'delivered', tls: { cipher } });
  });
});

describe('tls_verify and tls_ca', () => {
  it.each([
    ['no', other, '', 'delivered'],
    ['ca', other, authority.root.cert, 'delivered'],
    ['ca', other, stranger.root.cert, 'deferred'],
    ['host', other, authority.root.cert, 'deferred'],
    ['host', good, authority.root.cert, 'delivered'],
    ['host', good, '', 'deferred'],
  ] as const)('%s (%#): %s', async (verify, identity, ca, outcome) => {
    const peer = await serve({}, identity);
    const config = `tls = required\ntls_verify = ${verify}\n${ca === '' ? '' : `tls_ca = "${ca}"`}`;
    expect(await deliver(peer.port, config)).toMatchObject({ outcome });
  });
});

describe('tls_ifavailable_fallback', () => {
  /** Its TLS 1.0 is older than we speak. */
  const old: SMTPServerOptions = { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' };

  it('is remembered for the address, not for others, and until the cache is flushed', async () => {
    const [bad, fine] = [await serve(old), await serve()];
    room = await makeRoom({
      config: 'tls = ifavailable\nmax_deliveries_per_connection = 1',
      routes: { 'a.test': [{ port: bad.port, name: 'mx.test' }], 'b.test': [{ port: fine.port, name: 'mx.test' }] },
    });
    for (let i = 1; i <= 3; i++) {
      room.send([`u${i}@a.test`]);
      await room.until(i);
    }
    room.send(['x@b.test']);
    await room.until(4);
    expect(bad.arrived.map(({ secure }) => secure)).toEqual([false, false, false]);
    expect(fine.arrived).toMatchObject([{ secure: true }]);
    expect(room.delivery.tlsMemory().plain).toEqual([`127.0.0.1|${bad.port}`]);
    room.delivery.forgetTls();
    expect(room.delivery.tlsMemory()).toEqual({ contexts: [], plain: [] });
  });

  it('false: the mail waits', async () => {
    const peer = await serve(old);
    expect(await deliver(peer.port, 'tls = ifavailable\ntls_ifavailable_fallback = false')).toMatchObject({ outcome: 'deferred' });
    expect(peer.arrived).toEqual([]);
  });
});
