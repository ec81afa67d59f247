/** What a domain demands of TLS, held by connections: DANE, MTA-STS enforced and tested, bars, and that nothing is shared. */
import net from 'node:net';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { RankedHop } from '../../src/module/resolver.js';
import type { Tlsa, TlsDemand, TlsOutcome } from '../../src/module/tls-demand.js';
import { makeRoom, type Room } from '../chaos/room.js';
import { Authority, keyDigest } from './authority.js';
import { startTlsPeer, type TlsPeer } from './tls-peer.js';

const authority = new Authority();
const good = authority.issue('mx.test');
const expired = authority.issue('mx.test', { from: '20200101000000Z', to: '20200201000000Z' });
const other = authority.issue('other.test');
const peers: TlsPeer[] = [];
let room: Room | undefined;
afterEach(async () => {
  await room?.stop();
  expect(room?.watch.size ?? 0).toBe(0);
  room = undefined;
  await Promise.all(peers.splice(0).map((peer) => peer.close()));
});
afterAll(() => authority.end());

const facts = { type: 'tlsa', domain: 'mx.test', strings: [], mxPatterns: [] } as const;
const base: TlsDemand = { by: 'sts', enforced: true, tlsa: [], names: ['mx.test'], digest: 'd', barred: undefined, policy: facts };
const dane = (...tlsa: Tlsa[]): TlsDemand => ({ ...base, by: 'dane', tlsa });
const record = (data: Buffer): Tlsa => ({ usage: 3, selector: 1, matching: 1, data });
const serve = async (...how: Parameters<typeof startTlsPeer>): Promise<TlsPeer> => {
  const peer = await startTlsPeer(...how);
  peers.push(peer);
  return peer;
};
const CA = `tls_ca = "${authority.root.cert}"`;

async function deliver(hops: readonly Partial<RankedHop>[], config = '') {
  const told: TlsOutcome[] = [];
  room = await makeRoom({
    config,
    routes: { 'a.test': hops.map((hop) => ({ name: 'mx.test', ...hop })) },
    tlsWent: (one) => void told.push(one),
  });
  room.send(['bob@a.test']);
  const [attempt] = await room.until(1);
  return { attempt, told };
}

describe('DANE', () => {
  it('encrypts and sends where the record matches, whatever the options say; the base domain is the SNI', async () => {
    const peer = await serve(expired);
    const demand = dane(record(keyDigest(expired)));
    const { attempt, told } = await deliver(
      [{ port: peer.port, demand: { ...demand, names: ['base.test'] } }],
      'tls = no\ntls_verify = host',
    );
    expect(attempt).toMatchObject({ outcome: 'delivered', tls: { policy: 'dane', proven: 'true' } });
    expect(peer.arrived).toMatchObject([{ secure: true, serverName: 'base.test' }]);
    expect(told).toMatchObject([{ domain: 'a.test', fault: undefined, host: 'mx.test', ip: '127.0.0.1' }]);
  });

  it('sends nothing where no record matches, and never falls back to clear', async () => {
    const peer = await serve(good);
    const config = 'tls = ifavailable\ntls_ifavailable_fallback = true';
    const { attempt, told } = await deliver([{ port: peer.port, demand: dane(record(Buffer.alloc(32))) }], config);
    expect(attempt).toMatchObject({ outcome: 'deferred', reply: '451 4.7.5 [internal] TLS negotiation failed', stage: 17 });
    expect(peer.arrived).toEqual([]);
    expect(told).toMatchObject([{ fault: 'validation-failure' }]);
  });

  it('sends nothing to a host that offers no STARTTLS', async () => {
    const peer = await serve(undefined);
    const { attempt, told } = await deliver([{ port: peer.port, demand: dane(record(keyDigest(good))) }], 'tls = ifavailable');
    expect(attempt).toMatchObject({ outcome: 'deferred', reply: '451 4.7.6 [internal] STARTTLS required but not advertised' });
    expect(told).toMatchObject([{ fault: 'starttls-not-supported' }]);
  });

  it('asks for encryption alone where no record is usable', async () => {
    const peer = await serve(other);
    const { attempt } = await deliver([{ port: peer.port, demand: dane() }]);
    expect(attempt?.outcome).toBe('delivered');
    expect(peer.arrived).toMatchObject([{ secure: true }]);
  });

  it('goes on to the next host', async () => {
    const [bad, fine] = [await serve(other), await serve(good)];
    const demand = dane(record(keyDigest(good)));
    const { attempt } = await deliver([
      { port: bad.port, demand, preference: 1 },
      { port: fine.port, demand, preference: 2 },
    ]);
    expect(attempt?.outcome).toBe('delivered');
    expect([bad.arrived.length, fine.arrived.length]).toEqual([0, 1]);
  });
});

describe('MTA-STS', () => {
  it.each([
    ['a good certificate', good, CA, 'delivered', undefined],
    ['an expired one', expired, CA, 'deferred', 'certificate-expired'],
    ['one of another host', other, CA, 'deferred', 'certificate-host-mismatch'],
    ['one of an unknown authority', good, '', 'deferred', 'certificate-not-trusted'],
  ] as const)('enforced: %s', async (_, identity, config, outcome, fault) => {
    const peer = await serve(identity);
    const { attempt, told } = await deliver([{ port: peer.port, demand: base }], config);
    expect(attempt?.outcome).toBe(outcome);
    expect(peer.arrived.length).toBe(outcome === 'delivered' ? 1 : 0);
    expect(told).toMatchObject([{ fault }]);
  });

  it('testing: the mail goes, encrypted, and the fault is told', async () => {
    const peer = await serve(expired);
    const { attempt, told } = await deliver([{ port: peer.port, demand: { ...base, enforced: false } }], CA);
    expect(attempt?.outcome).toBe('delivered');
    expect(peer.arrived).toMatchObject([{ secure: true }]);
    expect(told).toMatchObject([{ fault: 'certificate-expired' }]);
  });

  it('testing: the mail goes in clear where there is no STARTTLS, and that is told', async () => {
    const peer = await serve(undefined);
    const { attempt, told } = await deliver([{ port: peer.port, demand: { ...base, enforced: false } }]);
    expect(attempt?.outcome).toBe('delivered');
    expect(told).toMatchObject([{ fault: 'starttls-not-supported' }]);
  });
});

describe('a handshake that stalls', () => {
  it('ends at ehlo_timeout, is told, and nothing goes in clear', async () => {
    const lines: string[] = [];
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.write('220 mx.test\r\n');
      socket.on('data', (chunk: Buffer) => {
        lines.push(chunk.toString('latin1').slice(0, 4));
        if (chunk.toString().startsWith('EHLO')) socket.write('250-mx.test\r\n250 STARTTLS\r\n');
        if (chunk.toString() === 'STARTTLS\r\n') socket.write('220 go\r\n');
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as net.AddressInfo;
    const { attempt, told } = await deliver([{ port, demand: dane(record(keyDigest(good))) }], 'tls = ifavailable\nehlo_timeout = 1');
    server.close();
    expect(attempt).toMatchObject({ outcome: 'deferred', reply: '451 4.7.5 [internal] TLS negotiation failed', stage: 17 });
    expect(told).toMatchObject([{ fault: 'validation-failure', detail: 'ETIMEDOUT' }]);
    expect(lines).not.toContain('MAIL');
  });
});

describe('a barred host', () => {
  it('is not connected to; the next one is', async () => {
    const [barred, fine] = [await serve(good), await serve(good)];
    const { attempt, told } = await deliver([
      { port: barred.port, demand: { ...base, barred: 'dnssec-invalid' }, preference: 1 },
      { port: fine.port, preference: 2 },
    ]);
    expect(attempt?.outcome).toBe('delivered');
    expect(fine.arrived.length).toBe(1);
    expect(told[0]).toMatchObject({ fault: 'dnssec-invalid' });
  });

  it('alone puts the mail off', async () => {
    const { attempt } = await deliver([{ port: 1, demand: { ...base, barred: 'validation-failure' } }]);
    expect(attempt).toMatchObject({
      outcome: 'deferred',
      reply: '451 4.7.5 [internal] the TLS policy of the domain bars its hosts',
      stage: 0,
    });
  });
});

describe('connections under different demands', () => {
  it('what was opened before the domain changed its demand takes no more mail', async () => {
    const peer = await serve(good);
    const hop = { port: peer.port, name: 'mx.test' };
    const routes: Record<string, Partial<RankedHop>[]> = { 'a.test': [hop] };
    room = await makeRoom({ config: 'tls = no\nuse_dane = true\nidle_timeout = 60', routes });
    room.send(['x@a.test']);
    await room.until(1);
    routes['a.test'] = [{ ...hop, demand: dane(record(keyDigest(good))) }];
    room.send(['y@a.test']);
    await room.until(2);
    expect(peer.arrived.map(({ secure }) => secure)).toEqual([false, true]);
  });

  it.each([
    ['the same', { digest: 'd' }, 1],
    ['another', { digest: 'e' }, 2],
  ] as const)('%s demand', async (_, more, connections) => {
    let accepted = 0;
    const peer = await serve(good, { onConnect: (_session, done) => done(void accepted++ as never) });
    const demand = dane(record(keyDigest(good)));
    const hop = { port: peer.port, name: 'mx.test' };
    room = await makeRoom({ routes: { 'a.test': [{ ...hop, demand }], 'b.test': [{ ...hop, demand: { ...demand, ...more } }] } });
    room.send(['x@a.test']);
    await room.until(1);
    room.send(['x@b.test']);
    await room.until(2);
    expect(accepted).toBe(connections);
  });
});
