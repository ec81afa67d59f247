/** Bad input 40: name servers that fail, lie, dawdle or cheat, over real sockets; and what becomes of the route. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { RouteFinder, type RouteWish } from '../../src/dns/find-route.js';
import { a, aaaa, cname, mx, type Played, packetFor, soa } from '../../src/dns/fixture.js';
import { openResolver } from '../../src/dns/open.js';
import type { Outcome } from '../../src/dns/outcome.js';
import type { StubResolver } from '../../src/dns/stub.js';
import { systemClock } from '../../src/kernel/clock.js';
import { NameServerAt, type Question } from './name-server.js';

const never = new AbortController().signal;
const wish: RouteWish = {
  port: 25,
  v6: false,
  allowPrivate: false,
  resolveAll: true,
  skipMx: false,
  bestOnly: false,
  preferV6: false,
  isProhibited: () => false,
  isSkipped: () => false,
  isSelf: () => false,
};

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface House {
  readonly resolver: StubResolver;
  readonly finder: RouteFinder;
  readonly servers: readonly NameServerAt[];
  readonly notices: string[];
}

/** A resolver on a resolv.conf of its own that names the given servers. */
async function house(servers: readonly NameServerAt[], options = 'timeout:1 attempts:1', tcpFallback = true): Promise<House> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-dns-'));
  const conf = path.join(folder, 'resolv.conf');
  const hosts = path.join(folder, 'hosts');
  fs.writeFileSync(conf, `${servers.map(({ port }) => `nameserver 127.0.0.1:${port}\n`).join('')}options ${options}\n`);
  fs.writeFileSync(hosts, '');
  const notices: string[] = [];
  const { resolver } = openResolver({
    clock: systemClock,
    resolvConf: () => conf,
    hostsFile: hosts,
    settings: () => ({ minTtlSeconds: 0, maxTtlSeconds: 4_294_967_295, tcpFallback, purgeSeconds: 60 }),
    notice: (text) => notices.push(text),
  });
  closing.push(
    () => fs.rmSync(folder, { recursive: true }),
    () => resolver.close(),
  );
  return { resolver, finder: new RouteFinder({ resolver, clock: systemClock, random: (below) => below - 1 }), servers, notices };
}

const open = async (answer: (question: Question) => void, how?: { tcp: boolean }): Promise<NameServerAt> => {
  const server = await NameServerAt.open(answer, how);
  closing.push(() => server.close());
  return server;
};

/** A house with one server that answers with packets. */
const played = async (play: (question: Question) => Played | undefined, options?: string): Promise<House> =>
  house(
    [
      await open((question) => {
        const answer = play(question);
        if (answer) question.send(packetFor(question.query, answer));
      }),
    ],
    options,
  );

const none: Played = { authorities: [soa('example', 60, 60)] };
const show = (outcome: Outcome): unknown =>
  outcome.kind === 'hops' ? outcome.hops.map(({ preference, name, ip }) => `${preference} ${name} ${ip}`) : outcome.reply;

describe('bad input 40', () => {
  it('SERVFAIL: the look-up failed and counts', async () => {
    const { finder } = await played(() => ({ rcode: 2 }));
    expect(await finder.findDomain('a.example', wish, never)).toMatchObject({ kind: 'lookup-failed', permanent: false, counts: true });
  });

  it('timeout: ends in its time, and counts while the server answers others', async () => {
    const { finder, servers } = await played(({ name }) => (name === 'a.example' ? undefined : none), 'timeout:1 attempts:2');
    await finder.findDomain('b.example', wish, never);
    const began = performance.now();
    expect(await finder.findDomain('a.example', wish, never)).toMatchObject({ kind: 'lookup-failed', counts: true });
    const took = performance.now() - began;
    expect(took).toBeGreaterThan(1990);
    expect(took).toBeLessThan(3500);
    expect(servers[0]?.asked.filter(({ name }) => name === 'a.example')).toHaveLength(2);
  });

  it('NXDOMAIN: no MX or A, asked once', async () => {
    const { finder, servers } = await played(() => ({ rcode: 3, authorities: [soa('example', 60, 60)] }));
    expect(show(await finder.findDomain('a.example', wish, never))).toBe('454 4.4.4 [internal] no MX or A for domain');
    expect(servers[0]?.asked).toHaveLength(1);
  });

  it('null MX: fails at once', async () => {
    const { finder, servers } = await played(({ name }) => ({ answers: [mx(name, 0, '.')] }));
    expect(await finder.findDomain('a.example', wish, never)).toMatchObject({
      reply: '550 5.4.4 [internal] NULL MX domain does not accept mail',
      permanent: true,
    });
    expect(servers[0]?.asked).toHaveLength(1);
  });

  it('MX to a CNAME: tolerated', async () => {
    const { finder } = await played(({ name, type }) => {
      if (type === 'MX') return { answers: [mx(name, 10, 'alias.example')] };
      return { answers: [cname('alias.example', 'real.example'), a('real.example', '8.8.8.8')] };
    });
    expect(show(await finder.findDomain('a.example', wish, never))).toEqual(['10 alias.example 8.8.8.8']);
  });

  it('MX to private and loopback addresses: blocked, unless others are there', async () => {
    const { finder } = await played(({ name, type }) => {
      if (type === 'MX')
        return { answers: [mx(name, 10, `inside.${name}`), ...(name === 'mixed.example' ? [mx(name, 20, 'outside.example')] : [])] };
      return {
        answers: name === 'outside.example' ? [a(name, '8.8.8.8')] : [a(name, '127.0.0.1'), a(name, '10.0.0.1'), a(name, '192.168.3.4')],
      };
    });
    expect(await finder.findDomain('a.example', wish, never)).toMatchObject({
      reply: '551 5.4.6 [internal] Private/Loopback Address',
      permanent: true,
    });
    expect(show(await finder.findDomain('mixed.example', wish, never))).toEqual(['20 outside.example 8.8.8.8']);
    expect(await finder.findDomain('a.example', { ...wish, allowPrivate: true }, never)).toMatchObject({
      kind: 'hops',
      hops: [{}, {}, {}],
    });
  });

  it('1000 MX over TCP: the best 200 count', async () => {
    const { finder, servers } = await played(({ name, type, tcp }) => {
      if (type === 'MX' && !tcp) return { flags: ['ra', 'tc'] };
      if (type === 'MX') return { answers: Array.from({ length: 1000 }, (_, i) => mx(name, 1000 - i, `mx${i}.example`)) };
      return { answers: [a(name, `11.0.${Number(name.slice(2, -8)) >> 8}.${Number(name.slice(2, -8)) & 255}`)] };
    });
    const outcome = await finder.findDomain('a.example', wish, never);
    expect(outcome.kind === 'hops' && [outcome.hops.length, outcome.hops[0]?.name, outcome.hops[199]?.name]).toEqual([
      200,
      'mx999.example',
      'mx800.example',
    ]);
    expect(servers[0]?.asked).toHaveLength(202);
  });

  it('A only: the domain is its own host', async () => {
    const { finder } = await played(({ name, type }) => (type === 'A' ? { answers: [a(name, '8.8.8.8')] } : none));
    expect(show(await finder.findDomain('a.example', wish, never))).toEqual(['0 a.example 8.8.8.8']);
  });

  it('AAAA only: no way without IPv6, a way with it', async () => {
    const { finder, servers } = await played(({ name, type }) => (type === 'AAAA' ? { answers: [aaaa(name, '2600::1')] } : none));
    expect(await finder.findDomain('a.example', wish, never)).toMatchObject({ kind: 'no-host', permanent: false });
    expect(servers[0]?.asked.map(({ type }) => type)).toEqual(['MX', 'A']);
    expect(show(await finder.findDomain('a.example', { ...wish, v6: true }, never))).toEqual(['0 a.example 2600::1']);
  });

  it('truncated: asked again over TCP, or used as far as it goes when that is switched off', async () => {
    const play = ({ query, name, tcp, send }: Question): void =>
      send(
        packetFor(
          query,
          tcp
            ? { answers: [mx(name, 10, 'a.example'), mx(name, 20, 'b.example')] }
            : { flags: ['ra', 'tc'], answers: [mx(name, 10, 'a.example')] },
        ),
      );
    const server = await open(play);
    const { resolver } = await house([server]);
    expect(await resolver.mx('x.example', never)).toMatchObject({ kind: 'found', records: [{}, {}] });
    expect(resolver.stats()).toMatchObject({ udp: 1, tcp: 1, truncated: 1 });
    const { resolver: other } = await house([server], 'timeout:1 attempts:1', false);
    expect(await other.mx('x.example', never)).toMatchObject({ kind: 'found', records: [{}], ttlSeconds: 5 });
  });

  it('truncated, and nothing listens on TCP: a coded failure', async () => {
    const server = await open(({ query, send }) => send(packetFor(query, { flags: ['ra', 'tc'] })), { tcp: false });
    const { resolver } = await house([server]);
    expect(await resolver.mx('x.example', never)).toMatchObject({ kind: 'refused' });
  });

  it('spoofed ids and questions: passed over, the true answer counts', async () => {
    const server = await open(({ query, name, send }) => {
      const lie = packetFor(query, { answers: [mx(name, 1, 'evil.example')] });
      for (let i = 1; i <= 10; i++) {
        const guess = Buffer.from(lie);
        guess.writeUInt16BE((query.readUInt16BE(0) + i) & 0xffff, 0);
        send(guess);
      }
      const otherQuestion = Buffer.from(lie);
      otherQuestion[13] = (otherQuestion[13] ?? 0) ^ 1;
      send(otherQuestion);
      send(Buffer.from('short'));
      setTimeout(() => send(packetFor(query, { answers: [mx(name, 10, 'true.example')] })), 20);
    });
    const { resolver } = await house([server]);
    expect(await resolver.mx('x.example', never)).toMatchObject({ kind: 'found', records: [{ exchange: 'true.example' }] });
    expect(resolver.stats().stray).toBe(12);
  });

  it('a storm of guesses: asked again over TCP, where nobody can guess', async () => {
    const server = await open(({ query, name, tcp, send }) => {
      if (tcp) return send(packetFor(query, { answers: [mx(name, 10, 'true.example')] }));
      const guess = packetFor(query, { answers: [mx(name, 1, 'evil.example')] });
      for (let i = 1; i <= 64; i++) {
        guess.writeUInt16BE((query.readUInt16BE(0) + i) & 0xffff, 0);
        send(Buffer.from(guess));
      }
    });
    const { resolver } = await house([server]);
    expect(await resolver.mx('x.example', never)).toMatchObject({ kind: 'found', records: [{ exchange: 'true.example' }] });
    expect(resolver.stats().tcp).toBe(1);
  });

  it('MX that points at ourselves: no way there, nor behind', async () => {
    const { finder } = await played(({ name, type }) => {
      if (type === 'MX') return { answers: [mx(name, 10, 'first.example'), mx(name, 20, 'us.example'), mx(name, 30, 'third.example')] };
      return { answers: [a(name, name === 'us.example' ? '8.8.8.8' : name === 'first.example' ? '9.9.9.9' : '7.7.7.7')] };
    });
    const ours = { ...wish, isSelf: (ip: string, port: number) => ip === '8.8.8.8' && port === 25 };
    expect(show(await finder.findDomain('a.example', ours, never))).toEqual(['10 first.example 9.9.9.9']);
    const first = { ...wish, isSelf: (ip: string) => ip === '9.9.9.9' };
    expect(await finder.findDomain('a.example', first, never)).toMatchObject({ kind: 'self', permanent: true });
  });

  it('nothing listens at all: known at once', async () => {
    const server = await NameServerAt.open(() => undefined);
    await server.close();
    const { resolver } = await house([server], 'timeout:5 attempts:2');
    const began = performance.now();
    expect(await resolver.mx('x.example', never)).toMatchObject({ kind: 'refused' });
    expect(performance.now() - began).toBeLessThan(1000);
  });
});

describe('slow and lying servers', () => {
  it('a silent one costs its timeout once, then the other is asked first', async () => {
    const silent = await open(() => undefined);
    const good = await open(({ query, name, send }) => send(packetFor(query, { answers: [mx(name, 10, 'mx.example')] })));
    const { resolver } = await house([silent, good]);
    expect(await resolver.mx('a.example', never)).toMatchObject({ kind: 'found' });
    const began = performance.now();
    for (const name of ['b.example', 'c.example', 'd.example']) expect(await resolver.mx(name, never)).toMatchObject({ kind: 'found' });
    expect(performance.now() - began).toBeLessThan(500);
    expect([silent.asked.length, good.asked.length]).toEqual([1, 4]);
  });

  it('an answer that comes after its time belongs to nobody', async () => {
    const server = await open(
      ({ query, name, send }) => void setTimeout(() => send(packetFor(query, { answers: [mx(name, 10, 'late.example')] })), 1200),
    );
    const { resolver } = await house([server]);
    expect(await resolver.mx('a.example', never)).toMatchObject({ kind: 'timeout' });
    await new Promise((done) => setTimeout(done, 400));
    expect(resolver.stats()).toMatchObject({ pending: 0, stray: 0 });
  });

  it.each([
    ['rubbish behind the head', (query: Buffer): Buffer => Buffer.concat([head(query, 1), Buffer.alloc(30, 0xff)])],
    ['counts without records', (query: Buffer): Buffer => head(query, 40)],
    [
      'a name that points at itself',
      (query: Buffer): Buffer =>
        Buffer.concat([head(query, 1), Buffer.from([0xc0, query.length - 11, 0, 15, 0, 1, 0, 0, 0, 9, 0, 4, 0, 1, 1, 0])]),
    ],
    [
      'CNAMEs in a circle',
      (query: Buffer, name: string): Buffer => packetFor(query, { answers: [cname(name, 'b.example'), cname('b.example', name)] }),
    ],
    ['an MX that is no name', (query: Buffer, name: string): Buffer => packetFor(query, { answers: [mx(name, 1, 'no name')] })],
    ['1001 records', (query: Buffer): Buffer => head(query, 1001)],
  ])('%s: malformed', async (_, make) => {
    const server = await open(({ query, name, send }) => send(make(query, name)));
    const { resolver } = await house([server]);
    expect(await resolver.mx('a.example', never)).toMatchObject({ kind: 'malformed', fresh: true });
  });

  it.each([
    ['hangs up', ({ hangUp }: Question) => hangUp()],
    [
      'sends half an answer and hangs up',
      ({ sendRaw, hangUp }: Question) => {
        sendRaw(Buffer.from([1, 0, 5, 5]));
        setTimeout(hangUp, 20);
      },
    ],
    ['claims an answer of no length', ({ sendRaw }: Question) => sendRaw(Buffer.from([0, 0]))],
    [
      'sends more than it claims',
      ({ query, send, sendRaw }: Question) => {
        send(packetFor(query, {}));
        sendRaw(Buffer.from('more'));
      },
    ],
    [
      'answers another question',
      ({ query, send }: Question) => {
        const other = packetFor(query, {});
        other.writeUInt16BE(query.readUInt16BE(0) ^ 1, 0);
        send(other);
      },
    ],
    ['is truncated there too', ({ query, send }: Question) => send(packetFor(query, { flags: ['tc', 'ra'] }))],
  ])('over TCP it %s: malformed', async (_, answer) => {
    const server = await open((question) =>
      question.tcp ? answer(question) : question.send(packetFor(question.query, { flags: ['tc', 'ra'] })),
    );
    const { resolver } = await house([server]);
    expect(await resolver.mx('a.example', never)).toMatchObject({ kind: 'malformed' });
  });

  it('over TCP octet by octet: read, while time lasts', async () => {
    const server = await open(({ query, name, tcp, send, sendRaw }) => {
      if (!tcp) return send(packetFor(query, { flags: ['tc', 'ra'] }));
      const bytes = packetFor(query, { answers: [mx(name, 10, 'mx.example')] });
      const framed = Buffer.concat([Buffer.from([0, bytes.length]), bytes]);
      const drip = (at: number): void => {
        if (at >= framed.length) return;
        sendRaw(framed.subarray(at, at + 1));
        setTimeout(drip, 2, at + 1);
      };
      drip(0);
    });
    const { resolver } = await house([server], 'timeout:3 attempts:1');
    expect(await resolver.mx('a.example', never)).toMatchObject({ kind: 'found' });
  });

  it('every question comes from another port, with another id', async () => {
    const { resolver, servers } = await played(({ name }) => ({ answers: [mx(name, 10, 'mx.example')] }));
    await Promise.all(Array.from({ length: 200 }, (_, i) => resolver.mx(`n${i}.example`, never)));
    const asked = servers[0]?.asked ?? [];
    expect(asked).toHaveLength(200);
    expect(new Set(asked.map(({ from }) => from)).size).toBeGreaterThan(190);
    expect(new Set(asked.map(({ query }) => query.readUInt16BE(0))).size).toBeGreaterThan(190);
  });

  it('leaves no socket behind, whatever happened', async () => {
    const server = await NameServerAt.open(({ query, name, tcp, send }) => {
      const n = Number(name.slice(1, -8)) % 4;
      if (n === 0) send(packetFor(query, { answers: [mx(name, 10, 'mx.example')] }));
      else if (n === 1) send(packetFor(query, { flags: ['tc', 'ra'] }));
      else if (n === 2 && !tcp) send(Buffer.from('rubbish'));
    });
    const { resolver } = await house([server]);
    const owner = new AbortController();
    const asked = Array.from({ length: 100 }, (_, i) => resolver.mx(`n${i}.example`, owner.signal));
    setTimeout(() => owner.abort(new Error('enough')), 300);
    const settled = await Promise.allSettled(asked);
    expect(settled.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(20);
    await server.close();
    await new Promise((done) => setTimeout(done, 50));
    expect(process.getActiveResourcesInfo().filter((name) => /UDP|TCP/.test(name))).toEqual([]);
  });
});

/** The question echoed, `answers` claimed. */
function head(query: Buffer, answers: number): Buffer {
  const bytes = packetFor(query, {});
  bytes.writeUInt16BE(answers, 6);
  return bytes;
}
