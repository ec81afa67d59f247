import { describe, expect, it } from 'vitest';
import { a, aaaa, cname, mx, type Play, playResolver, soa } from './fixture.js';
import { TYPE_NUMBERS } from './packet.js';

const never = new AbortController().signal;
const V4 = { v4: true, v6: false } as const;
const BOTH = { v4: true, v6: true } as const;

/** Settles a promise while virtual time goes on. */
async function within<T>(clock: { advance(ms: number): Promise<void> }, promise: Promise<T>, ms: number): Promise<T> {
  await clock.advance(ms);
  return promise;
}

describe('stub resolver', () => {
  it('finds MX, TXT, CNAME, PTR and others', async () => {
    const { resolver, wire } = playResolver(({ name, type }): Play => {
      if (type === 'MX') return { answers: [mx(name, 20, 'B.Example.'), mx(name, 10, 'a.example')] };
      if (type === 'TXT') return { answers: [{ type: 'TXT', name, ttl: 60, data: [Buffer.from('v=spf1 '), Buffer.from('-all')] }] };
      if (type === 'CNAME') return { answers: [cname(name, 'Target.Example')] };
      if (type === 'PTR') return { answers: [{ type: 'PTR', name, ttl: 60, data: 'Host.Example' }] };
      if (type === 'TLSA')
        return {
          answers: [{ type: 'TLSA', name, ttl: 60, data: { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.from('ab') } }],
        };
      return { rcode: 3 };
    });
    expect(await resolver.mx('Example.COM.', never)).toEqual({
      kind: 'found',
      name: 'example.com',
      records: [
        { preference: 20, exchange: 'b.example' },
        { preference: 10, exchange: 'a.example' },
      ],
      ttlSeconds: 300,
      secure: false,
      from: 'dns',
    });
    expect(await resolver.txt('example.com', never)).toMatchObject({ records: ['v=spf1 -all'] });
    expect(await resolver.cname('www.example.com', never)).toMatchObject({ records: ['target.example'] });
    expect(await resolver.ptr('192.0.2.7', never)).toMatchObject({ records: ['host.example'] });
    expect(await resolver.ptr('2001:db8::7', never)).toMatchObject({ records: ['host.example'] });
    expect(await resolver.any('_25._tcp.mx.example', 'tlsa', never)).toMatchObject({
      records: [{ type: 'TLSA', ttlSeconds: 60, data: { usage: 3 } }],
    });
    expect(wire.asked.map(({ name }) => name)).toEqual([
      'example.com',
      'example.com',
      'www.example.com',
      '7.2.0.192.in-addr.arpa',
      '7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa',
      '_25._tcp.mx.example',
    ]);
    expect(await resolver.any('x.example', 'banana', never)).toMatchObject({ kind: 'malformed' });
    expect(await resolver.ptr('no address', never)).toMatchObject({ kind: 'nxdomain' });
    expect(await resolver.mx('a..b', never)).toMatchObject({ kind: 'nxdomain' });
    expect(await resolver.mx('.', never)).toMatchObject({ kind: 'nxdomain' });
    expect(wire.asked).toHaveLength(6);
  });

  it('remembers for the time to live, and says how much of it is left', async () => {
    const { resolver, clock, wire } = playResolver(({ name }) => ({ answers: [mx(name, 10, 'mx.example', 100)] }));
    expect(await resolver.mx('a.example', never)).toMatchObject({ ttlSeconds: 100 });
    await clock.advance(99_500);
    expect(await resolver.mx('a.example', never)).toMatchObject({ ttlSeconds: 1 });
    expect(wire.asked).toHaveLength(1);
    await clock.advance(500);
    expect(await resolver.mx('a.example', never)).toMatchObject({ ttlSeconds: 100 });
    expect(wire.asked).toHaveLength(2);
    expect(resolver.stats()).toMatchObject({ asked: 3, hits: 1, udp: 2, outcomes: { found: 3 }, types: { MX: 3 }, entries: 1 });
  });

  it('bounds times to live as it is told, and a lie to a week', async () => {
    const times = async (ttl: number, settings: object): Promise<number> => {
      const { resolver } = playResolver(({ name }) => ({ answers: [mx(name, 10, 'mx.example', ttl)] }), { settings });
      return (await resolver.mx('a.example', never)).ttlSeconds;
    };
    expect(await times(5, { minTtlSeconds: 60 })).toBe(60);
    expect(await times(5000, { maxTtlSeconds: 600 })).toBe(600);
    expect(await times(0x7fffffff, {})).toBe(604_800);
  });

  it('does not keep what is good for no time', async () => {
    const { resolver, wire } = playResolver(({ name }) => ({ answers: [mx(name, 10, 'mx.example', 0)] }));
    await resolver.mx('a.example', never);
    await resolver.mx('a.example', never);
    expect(wire.asked).toHaveLength(2);
  });

  it('remembers absence as long as the SOA says, an hour at most', async () => {
    const { resolver, clock, wire } = playResolver(({ name }) =>
      name === 'long.example' ? { rcode: 3, authorities: [soa('example', 86_400, 86_400)] } : { authorities: [soa('example', 300, 30)] },
    );
    expect(await resolver.mx('a.example', never)).toEqual({ kind: 'nodata', ttlSeconds: 30, secure: false });
    expect(await resolver.mx('long.example', never)).toEqual({ kind: 'nxdomain', ttlSeconds: 3600, secure: false });
    await clock.advance(29_000);
    await resolver.mx('a.example', never);
    expect(wire.asked).toHaveLength(2);
    await clock.advance(1000);
    await resolver.mx('a.example', never);
    expect(wire.asked).toHaveLength(3);
  });

  it('knows that a name without one type lacks only that, and one that does not exist lacks all', async () => {
    const { resolver, wire } = playResolver(({ name }) => ({
      rcode: name === 'gone.example' ? 3 : 0,
      authorities: [soa('example', 60, 60)],
    }));
    await resolver.mx('gone.example', never);
    expect(await resolver.addresses('gone.example', BOTH, never)).toMatchObject({ kind: 'nxdomain' });
    expect(wire.asked).toHaveLength(1);
    await resolver.mx('here.example', never);
    expect(await resolver.addresses('here.example', BOTH, never)).toMatchObject({ kind: 'nodata' });
    expect(wire.asked).toHaveLength(4);
  });

  it('knows that an alias exists although what it stands for does not', async () => {
    const { resolver } = playResolver(({ name, type }) => {
      if (type === 'CNAME') return { answers: [cname(name, 'gone.example')] };
      return { rcode: 3, answers: [cname(name, 'gone.example')], authorities: [soa('example', 60, 60)] };
    });
    expect(await resolver.mx('alias.example', never)).toMatchObject({ kind: 'nxdomain' });
    expect(await resolver.cname('alias.example', never)).toMatchObject({ kind: 'found', records: ['gone.example'] });
  });

  it('remembers a failure shortly and says that it is an old one', async () => {
    const { resolver, clock, wire } = playResolver(() => ({ rcode: 2 }));
    expect(await resolver.mx('a.example', never)).toEqual({
      kind: 'servfail',
      why: '192.0.2.53:53: SERVFAIL',
      ttlSeconds: 5,
      fresh: true,
      outage: false,
    });
    expect(await resolver.mx('a.example', never)).toMatchObject({ kind: 'servfail', fresh: false });
    expect(wire.asked).toHaveLength(1);
    await clock.advance(5000);
    expect(await resolver.mx('a.example', never)).toMatchObject({ kind: 'servfail', fresh: true });
  });

  it('asks once what many want to know', async () => {
    const { resolver, clock, wire } = playResolver(({ name }) => ({ afterMs: 50, play: { answers: [mx(name, 10, 'mx.example')] } }));
    const many = Array.from({ length: 20 }, () => resolver.mx('a.example', never));
    const answers = await within(clock, Promise.all(many), 100);
    expect(new Set(answers.map((answer) => answer.kind))).toEqual(new Set(['found']));
    expect(wire.asked).toHaveLength(1);
    expect(resolver.stats()).toMatchObject({ asked: 20, joined: 19, pending: 0 });
  });

  it('lets one caller leave and the others stay; when all have left the question ends', async () => {
    const { resolver, clock, wire } = playResolver(({ name }) => ({ afterMs: 1000, play: { answers: [mx(name, 10, 'mx.example')] } }));
    const first = new AbortController();
    const second = new AbortController();
    const leaving = resolver.mx('a.example', first.signal);
    const staying = resolver.mx('a.example', second.signal);
    await clock.advance(10);
    first.abort(new Error('left'));
    await expect(leaving).rejects.toThrow('left');
    expect(resolver.stats().pending).toBe(1);
    expect(await within(clock, staying, 2000)).toMatchObject({ kind: 'found' });
    const lonely = resolver.mx('b.example', first.signal);
    await expect(lonely).rejects.toThrow('left');
    const third = resolver.mx('c.example', second.signal);
    await clock.advance(10);
    second.abort(new Error('all gone'));
    await expect(third).rejects.toThrow('all gone');
    expect(resolver.stats().pending).toBe(0);
    const again = resolver.mx('c.example', never);
    expect(await within(clock, again, 2000)).toMatchObject({ kind: 'found' });
    expect(wire.asked.map(({ name }) => name)).toEqual(['a.example', 'c.example', 'c.example']);
  });

  it('gives A and AAAA together; an address outweighs a failure, a failure an absence', async () => {
    const { resolver } = playResolver(({ name, type }): Play => {
      if (name === 'both.example') return { answers: [type === 'A' ? a(name, '192.0.2.1', 60) : aaaa(name, '2001:DB8:0::1', 30)] };
      if (name === 'half.example') return type === 'A' ? { answers: [a(name, '192.0.2.1')] } : { rcode: 2 };
      if (name === 'bad.example') return type === 'A' ? { authorities: [soa('example', 60, 60)] } : { rcode: 2 };
      return { authorities: [soa('example', 60, 60)] };
    });
    expect(await resolver.addresses('both.example', BOTH, never)).toMatchObject({
      records: [
        { ip: '192.0.2.1', family: 4 },
        { ip: '2001:db8::1', family: 6 },
      ],
      ttlSeconds: 30,
    });
    expect(await resolver.addresses('both.example', { v4: false, v6: true }, never)).toMatchObject({ records: [{ ip: '2001:db8::1' }] });
    expect(await resolver.addresses('half.example', BOTH, never)).toMatchObject({ kind: 'found' });
    expect(await resolver.addresses('bad.example', BOTH, never)).toMatchObject({ kind: 'servfail' });
    expect(await resolver.addresses('none.example', BOTH, never)).toMatchObject({ kind: 'nodata' });
    expect(await resolver.addresses('none.example', { v4: false, v6: false }, never)).toMatchObject({ kind: 'nodata' });
    expect(await resolver.addresses('::ffff:192.0.2.9', V4, never)).toMatchObject({ records: [{ ip: '192.0.2.9', family: 4 }] });
  });

  it('honours /etc/hosts, in the order that lookup says', async () => {
    const hosts = '10.0.0.5 relay.example\nfd00::6 six.example';
    const play = ({ name, type }: { name: string; type: string }): Play =>
      type === 'PTR'
        ? { answers: [{ type: 'PTR', name, ttl: 1, data: 'dns.example' }] }
        : name === 'lost.example'
          ? { rcode: 3 }
          : { answers: [a(name, '192.0.2.1')] };
    const ipOf = async (lookup: string, name: string): Promise<string | undefined> => {
      const { resolver } = playResolver(play, {
        conf: `nameserver 192.0.2.53\nlookup ${lookup}`,
        hosts: `${hosts}\n10.0.0.7 lost.example`,
      });
      const answer = await resolver.addresses(name, V4, never);
      return answer.kind === 'found' ? `${answer.records[0]?.ip} ${answer.from}` : answer.kind;
    };
    expect(await ipOf('file bind', 'Relay.example')).toBe('10.0.0.5 file');
    expect(await ipOf('bind file', 'relay.example')).toBe('192.0.2.1 dns');
    expect(await ipOf('bind file', 'lost.example')).toBe('10.0.0.7 file');
    expect(await ipOf('bind', 'lost.example')).toBe('nxdomain');
    expect(await ipOf('file', 'other.example')).toBe('nxdomain');
    // Another family in the file does not hide what DNS has.
    expect(await ipOf('file bind', 'six.example')).toBe('192.0.2.1 dns');
    const { resolver } = playResolver(play, { hosts });
    expect(await resolver.ptr('10.0.0.5', never)).toMatchObject({ records: ['relay.example'], from: 'file' });
    expect(await resolver.ptr('10.0.0.6', never)).toMatchObject({ records: ['dns.example'] });
  });

  it('searches for short names only where it is asked to', async () => {
    const { resolver, wire } = playResolver(
      ({ name }) => (name === 'relay.b.example' ? { answers: [a(name, '192.0.2.1')] } : { rcode: 3 }),
      {
        conf: 'nameserver 192.0.2.53\nsearch a.example b.example\noptions ndots:2',
      },
    );
    expect(await resolver.addresses('relay', V4, never)).toMatchObject({ kind: 'nxdomain' });
    expect(await resolver.addresses('relay', { ...V4, search: true }, never)).toMatchObject({ kind: 'found', name: 'relay.b.example' });
    expect(wire.asked.map(({ name }) => name)).toEqual(['relay', 'relay.a.example', 'relay.b.example']);
    expect(await resolver.addresses('relay.', { ...V4, search: true }, never)).toMatchObject({ kind: 'nxdomain' });
    expect(await resolver.addresses('x.y.z', { ...V4, search: true }, never)).toMatchObject({ kind: 'nxdomain' });
    expect(wire.asked.map(({ name }) => name).slice(3)).toEqual(['x.y.z', 'x.y.z.a.example', 'x.y.z.b.example']);
  });

  it('sorts addresses by the sortlist', async () => {
    const { resolver } = playResolver(({ name }) => ({ answers: [a(name, '192.0.2.1'), a(name, '10.1.1.1'), a(name, '198.51.100.1')] }), {
      conf: 'nameserver 192.0.2.53\nsortlist 10.0.0.0/8 198.51.100.0/24',
    });
    const answer = await resolver.addresses('a.example', V4, never);
    expect(answer.kind === 'found' && answer.records.map(({ ip }) => ip)).toEqual(['10.1.1.1', '198.51.100.1', '192.0.2.1']);
  });

  it('goes on where a server gives a CNAME and no more, and not for ever', async () => {
    const { resolver, wire } = playResolver(({ name, type }): Play => {
      if (name === 'a.example') return { flags: ['ra', 'ad'], answers: [cname(name, 'b.example', 20)] };
      if (name === 'b.example') return { answers: [a(name, '192.0.2.1', 50)] };
      if (name === 'gone.example') return { answers: [cname(name, 'nothing.example')] };
      if (name.startsWith('n'))
        return name === 'nothing.example' ? { rcode: 3 } : { answers: [cname(name, `n${Number(name.slice(1, -8)) + 1}.example`)] };
      return type === 'A' ? { answers: [cname(name, name === 'ring.example' ? 'gnir.example' : 'ring.example')] } : { rcode: 2 };
    });
    expect(await resolver.addresses('a.example', V4, never)).toMatchObject({
      kind: 'found',
      name: 'b.example',
      ttlSeconds: 20,
      secure: false,
    });
    expect(await resolver.addresses('gone.example', V4, never)).toMatchObject({ kind: 'nxdomain' });
    expect(await resolver.addresses('ring.example', V4, never)).toMatchObject({ kind: 'malformed' });
    expect(await resolver.addresses('n1.example', V4, never)).toMatchObject({ kind: 'malformed' });
    expect(wire.asked.length).toBeLessThan(20);
  });

  it('believes the AD bit of loopback, and of others when it is told to', async () => {
    const secure = async (conf: string): Promise<unknown> => {
      const { resolver } = playResolver(({ name }) => ({ flags: ['ra', 'ad'], answers: [mx(name, 10, 'mx.example')] }), { conf });
      const answer = await resolver.mx('a.example', never);
      return answer.kind === 'found' && answer.secure;
    };
    const { resolver } = playResolver(({ name }) => ({ flags: ['ra'], answers: [mx(name, 10, 'mx.example')] }), {
      conf: 'nameserver 127.0.0.1',
    });
    expect(await resolver.mx('a.example', never)).toMatchObject({ kind: 'found', secure: false });
    expect(await secure('nameserver 192.0.2.53')).toBe(false);
    expect(await secure('nameserver 127.0.0.1')).toBe(true);
    expect(await secure('nameserver ::1')).toBe(true);
    expect(await secure('nameserver 192.0.2.53\noptions trust-ad')).toBe(true);
  });

  it('forgets a name, or everything, and holds no more than it may', async () => {
    const { resolver, wire } = playResolver(
      ({ name, type }) => ({ answers: [type === 'MX' ? mx(name, 10, 'mx.example') : a(name, '192.0.2.1')] }),
      { cacheEntries: 3 },
    );
    for (const name of ['a.example', 'b.example', 'c.example', 'd.example']) await resolver.mx(name, never);
    expect(resolver.stats().entries).toBe(3);
    await resolver.addresses('d.example', V4, never);
    expect([resolver.flush('D.example.'), resolver.flush('d.example'), resolver.flush('a..b'), resolver.flush()]).toEqual([2, 0, 0, 1]);
    await resolver.mx('d.example', never);
    expect(wire.asked).toHaveLength(6);
  });

  it('sweeps out what is old without being asked', async () => {
    const { resolver, clock } = playResolver(({ name }) => ({ answers: [mx(name, 10, 'mx.example', 10)] }));
    await resolver.mx('a.example', never);
    await clock.advance(59_000);
    expect(resolver.stats().entries).toBe(1);
    await clock.advance(1000);
    expect(resolver.stats().entries).toBe(0);
  });

  it('closes: what is on its way is refused, and so is what comes later', async () => {
    const { resolver, clock } = playResolver(() => 'silent');
    const waiting = resolver.mx('a.example', never);
    await clock.advance(10);
    resolver.close();
    expect(await waiting).toMatchObject({ kind: 'refused' });
    expect(await resolver.mx('b.example', never)).toMatchObject({ kind: 'refused' });
    expect(resolver.stats().pending).toBe(0);
  });

  it('calls records without sense malformed', async () => {
    const { resolver } = playResolver(({ name }) => ({ answers: [mx(name, 10, 'not a name.example')] }));
    expect(await resolver.mx('a.example', never)).toMatchObject({ kind: 'malformed' });
  });

  it('may be asked for every type it knows', async () => {
    const { resolver, wire } = playResolver(() => ({ rcode: 3 }));
    for (const type of TYPE_NUMBERS.keys()) expect(await resolver.any(`${type}.example`, type, never)).toMatchObject({ kind: 'nxdomain' });
    expect(wire.asked).toHaveLength(TYPE_NUMBERS.size);
  });
});

describe('servers', () => {
  const TWO = 'nameserver 192.0.2.1\nnameserver 192.0.2.2\noptions timeout:3';
  const good = (name: string): Play => ({ answers: [mx(name, 10, 'mx.example', 0)] });

  it('asks the next one when the first is silent, and then begins with the one that answered', async () => {
    const { resolver, clock, wire } = playResolver(({ server, name }) => (server.ip === '192.0.2.1' ? 'silent' : good(name)), {
      conf: TWO,
    });
    const first = resolver.mx('a.example', never);
    await clock.advance(2999);
    expect(wire.asked).toHaveLength(1);
    expect(await within(clock, first, 10)).toMatchObject({ kind: 'found' });
    await resolver.mx('b.example', never);
    expect(wire.asked.map(({ server }) => server.ip)).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.2']);
    expect(resolver.stats().servers).toMatchObject([
      { server: '192.0.2.1:53', asked: 1, answered: 0, timeouts: 1, failures: 1 },
      { server: '192.0.2.2:53', asked: 2, answered: 2, timeouts: 0, failures: 0 },
    ]);
    // After its penalty the first gets another chance.
    await clock.advance(5000);
    wire.play(({ name }) => good(name));
    await resolver.mx('c.example', never);
    expect(wire.asked.at(-1)?.server.ip).toBe('192.0.2.1');
  });

  it('counts many questions that fail together as one failure', async () => {
    const { resolver, clock, wire } = playResolver(({ server, name }) => (server.ip === '192.0.2.1' ? 'silent' : good(name)), {
      conf: TWO,
    });
    const many = Array.from({ length: 50 }, (_, i) => resolver.mx(`n${i}.example`, never));
    await within(clock, Promise.all(many), 4000);
    expect(resolver.stats().servers).toMatchObject([{ timeouts: 50, failures: 1 }, { failures: 0 }]);
    await clock.advance(5000);
    const seen = wire.asked.length;
    await within(clock, resolver.mx('later.example', never), 4000);
    expect(wire.asked.slice(seen).map(({ server }) => server.ip)).toEqual(['192.0.2.1', '192.0.2.2']);
  });

  it('gives up after its rounds, in time', async () => {
    const { resolver, clock, wire } = playResolver(() => 'silent', { conf: TWO });
    const began = clock.mono();
    let took = 0;
    const answer = resolver.mx('a.example', never).then((told) => {
      took = clock.mono() - began;
      return told;
    });
    expect(await within(clock, answer, 60_000)).toMatchObject({ kind: 'timeout', fresh: true });
    expect([took, wire.asked.length]).toEqual([12_000, 4]);
  });

  it('asks the next one at once when nothing listens or a server will not', async () => {
    const failing: readonly Play[] = ['unreachable', 'closed', { rcode: 5 }, { rcode: 2 }, Buffer.from('rubbish')];
    for (const play of failing) {
      const { resolver, clock, wire } = playResolver(({ server, name }) => (server.ip === '192.0.2.1' ? play : good(name)), { conf: TWO });
      const answer = resolver.mx('a.example', never);
      expect(await within(clock, answer, 3000)).toMatchObject({ kind: 'found' });
      expect(wire.asked.at(-1)?.server.ip).toBe('192.0.2.2');
    }
  });

  it('asks nobody twice who says that he does not know', async () => {
    const { resolver, wire } = playResolver(({ server }) => ({ rcode: server.ip === '192.0.2.1' ? 2 : 5 }), { conf: TWO });
    expect(await resolver.mx('a.example', never)).toMatchObject({ kind: 'servfail', why: '192.0.2.1:53: SERVFAIL' });
    expect(wire.asked).toHaveLength(2);
  });

  it('names what a server said rather than that another was silent', async () => {
    const { resolver, clock } = playResolver(({ server }) => (server.ip === '192.0.2.1' ? 'silent' : { rcode: 5 }), { conf: TWO });
    expect(await within(clock, resolver.mx('a.example', never), 60_000)).toMatchObject({ kind: 'refused', why: '192.0.2.2:53: REFUSED' });
  });

  it('tells trouble with one name from an outage of all', async () => {
    const { resolver, clock, wire } = playResolver(({ name }) => (name === 'a.example' ? 'silent' : good(name)));
    await resolver.mx('b.example', never);
    expect(await within(clock, resolver.mx('a.example', never), 10_000)).toMatchObject({ kind: 'timeout', outage: false });
    wire.play(() => 'silent');
    await clock.advance(60_000);
    expect(await within(clock, resolver.mx('a.example', never), 10_000)).toMatchObject({ kind: 'timeout', outage: true });
    wire.play(() => 'unreachable');
    expect(await resolver.mx('b.example', never)).toMatchObject({ kind: 'refused', outage: true });
    wire.play(() => ({ rcode: 5 }));
    expect(await resolver.mx('c.example', never)).toMatchObject({ kind: 'refused', outage: false });
  });

  it('takes turns when it is told to', async () => {
    const { resolver, wire } = playResolver(({ name }) => good(name), { conf: `${TWO} rotate` });
    for (const name of ['a.example', 'b.example', 'c.example']) await resolver.mx(name, never);
    expect(wire.asked.map(({ server }) => server.ip)).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.1']);
  });

  it('leaves EDNS out where it is not known, and remembers that', async () => {
    const { resolver, wire } = playResolver(({ edns, name }) => (edns ? { rcode: 1 } : good(name)));
    expect(await resolver.mx('a.example', never)).toMatchObject({ kind: 'found' });
    await resolver.mx('b.example', never);
    expect(wire.asked.map(({ edns }) => edns)).toEqual([true, false, false]);
    wire.play(() => ({ rcode: 1 }));
    expect(await resolver.mx('c.example', never)).toMatchObject({ kind: 'servfail' });
  });

  it('asks again over TCP when an answer was cut, or when somebody guesses', async () => {
    for (const play of [{ flags: ['ra', 'tc'] }, 'flooded'] as const) {
      const { resolver, wire } = playResolver(({ tcp, name }) => (tcp ? good(name) : play));
      expect(await resolver.mx('a.example', never)).toMatchObject({ kind: 'found' });
      expect(wire.asked.map(({ tcp }) => tcp)).toEqual([false, true]);
    }
    const { resolver, wire } = playResolver(({ name }) => good(name), { conf: 'nameserver 192.0.2.53\noptions use-vc' });
    await resolver.mx('a.example', never);
    expect(wire.asked.map(({ tcp }) => tcp)).toEqual([true]);
  });

  it('lives with the part that came when TCP is switched off, for a short time', async () => {
    const { resolver } = playResolver(({ name }) => ({ flags: ['ra', 'tc'], answers: [mx(name, 10, 'mx.example', 3000)] }), {
      settings: { tcpFallback: false },
    });
    expect(await resolver.mx('a.example', never)).toMatchObject({ kind: 'found', ttlSeconds: 5 });
  });

  it('fails when TCP is needed and does not work', async () => {
    const tcpPlays: readonly (readonly [Play, string])[] = [
      ['unreachable', 'refused'],
      ['closed', 'malformed'],
      ['oversized', 'malformed'],
      [{ flags: ['ra', 'tc'] }, 'malformed'],
      ['silent', 'timeout'],
    ];
    for (const [play, kind] of tcpPlays) {
      const { resolver, clock, wire } = playResolver(({ tcp }) => (tcp ? play : { flags: ['ra', 'tc'] }));
      expect(await within(clock, resolver.mx('a.example', never), 60_000)).toMatchObject({ kind });
      expect(wire.asked.filter(({ tcp }) => tcp).length).toBeLessThanOrEqual(2);
    }
  });

  it('passes over an answer that is not its own until time is up', async () => {
    const { resolver, clock } = playResolver(({ query }) => {
      const wrong = Buffer.from(query);
      wrong.writeUInt16BE(query.readUInt16BE(0) ^ 1, 0);
      wrong[2] = 0x81;
      return wrong;
    });
    expect(await within(clock, resolver.mx('a.example', never), 60_000)).toMatchObject({ kind: 'timeout' });
    expect(resolver.stats().stray).toBe(2);
  });
});
