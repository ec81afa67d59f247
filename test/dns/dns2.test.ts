/** The resolver against another implementation of DNS: both ends of ours share a codec, so a third must agree with it. */
import dns2 from 'dns2';
import { afterEach, describe, expect, it } from 'vitest';
import { parseHosts } from '../../src/dns/hosts.js';
import { parseResolvConf } from '../../src/dns/resolv-conf.js';
import { SocketWire } from '../../src/dns/socket-wire.js';
import { StubResolver } from '../../src/dns/stub.js';
import { systemClock } from '../../src/kernel/clock.js';

const never = new AbortController().signal;
const { Packet } = dns2;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function openBoth(): Promise<StubResolver> {
  const server = dns2.createServer({
    udp: true,
    tcp: true,
    handle: (request, send) => {
      const response = Packet.createResponseFromRequest(request);
      const [question] = request.questions;
      if (!question) return send(response);
      const { name, type } = question as { name: string; type?: number };
      const add = (record: object): void => void response.answers.push({ name, class: Packet.CLASS.IN, ttl: 120, ...record } as never);
      if (name === 'gone.example') response.header.rcode = 3;
      else if (type === Packet.TYPE.MX)
        for (const [priority, exchange] of [
          [10, 'mx1.example'],
          [20, 'mx2.example'],
        ] as const)
          add({ type, exchange, priority });
      else if (type === Packet.TYPE.A) add({ type, address: '198.51.100.7' });
      else if (type === Packet.TYPE.AAAA) add({ type, address: '2001:db8::7' });
      else if (type === Packet.TYPE.TXT) add({ type, data: 'v=spf1 mx -all' });
      else if (type === Packet.TYPE.CNAME) add({ type, domain: 'target.example' });
      return send(response);
    },
  });
  const addresses = (await server.listen({ udp: { port: 0, address: '127.0.0.1' }, tcp: { port: 0, address: '127.0.0.1' } })) as {
    udp?: { port: number };
  };
  closing.push(() => server.close());
  const conf = parseResolvConf(`nameserver 127.0.0.1:${addresses.udp?.port}\noptions timeout:2 attempts:1`);
  const hosts = parseHosts('');
  const resolver = new StubResolver({
    clock: systemClock,
    wire: new SocketWire(),
    random: (below) => Math.floor(Math.random() * below),
    conf: () => conf,
    hosts: () => hosts,
    settings: () => ({ minTtlSeconds: 0, maxTtlSeconds: 3600, tcpFallback: true, purgeSeconds: 60 }),
  });
  closing.push(() => resolver.close());
  return resolver;
}

describe('with dns2', () => {
  it('agrees on every type that mail needs', async () => {
    const resolver = await openBoth();
    expect(await resolver.mx('a.example', never)).toMatchObject({
      kind: 'found',
      ttlSeconds: 120,
      records: [
        { preference: 10, exchange: 'mx1.example' },
        { preference: 20, exchange: 'mx2.example' },
      ],
    });
    expect(await resolver.addresses('a.example', { v4: true, v6: true }, never)).toMatchObject({
      records: [{ ip: '198.51.100.7' }, { ip: '2001:db8::7' }],
    });
    expect(await resolver.txt('a.example', never)).toMatchObject({ records: ['v=spf1 mx -all'] });
    expect(await resolver.cname('a.example', never)).toMatchObject({ records: ['target.example'] });
    expect(await resolver.mx('gone.example', never)).toMatchObject({ kind: 'nxdomain' });
    expect(await resolver.ptr('192.0.2.1', never)).toMatchObject({ kind: 'nodata' });
  });
});
