/** Visits to servers that follow a script: what is said, when a connection is used again, and everything a server can do wrong. */
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { DEEDS, type Manners, type Peer, polite, type Script, startPeer } from '../../../test/chaos/peer.js';
import { systemClock } from '../../kernel/clock.js';
import { Watch } from '../../kernel/watch.js';
import type { Names } from '../../module/names.js';
import { type ProbeDoor, ProbeFailure, type ProbeTerms, type ProbeVisit } from '../../module/probe.js';
import { type VisitPorts, Visits } from './visits.js';

const names = (ips: readonly string[]): Pick<Names, 'addresses'> => ({
  addresses: async (host) =>
    ips.length === 0
      ? { kind: 'nxdomain', ttlSeconds: 1, secure: false }
      : { kind: 'found', records: ips.map((ip) => ({ ip, family: 4 })), name: host, ttlSeconds: 1, secure: false, from: 'dns' },
});

let peer: Peer;
let visits: Visits;
const watch = new Watch(systemClock, 20);
afterEach(async () => {
  await visits.close();
  expect(visits.connections).toBe(0);
  await peer.close();
});

async function open(script: Script, more: Partial<VisitPorts> = {}): Promise<void> {
  peer = await startPeer(script);
  visits = new Visits({
    clock: systemClock,
    watch,
    names: names(['127.0.0.1']),
    hostname: () => 'celeris.test',
    workers: 1,
    secureContext: () => Promise.reject(new Error('not asked for')),
    ...more,
  });
}

const doorOf = (more: Partial<ProbeDoor> = {}): ProbeDoor => ({ host: '127.0.0.1', port: peer.port, tls: 'no', ...more });
const termsOf = (more: Partial<ProbeTerms> = {}): ProbeTerms => ({
  timeoutMs: 3000,
  most: 5,
  idleMs: 2000,
  signal: new AbortController().signal,
  ...more,
});
const ask = <T>(work: (visit: ProbeVisit) => Promise<T>, terms: Partial<ProbeTerms> = {}, door: Partial<ProbeDoor> = {}): Promise<T> =>
  visits.visit(doorOf(door), termsOf(terms), work);
const sayNoop = async (visit: ProbeVisit): Promise<number> => (await visit.say('NOOP')).code;
/** The kind of a failure, with the code of its reply. */
const kindOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'none',
    (error: unknown) => {
      if (!(error instanceof ProbeFailure)) throw error;
      return error.reply ? `${error.kind} ${error.reply.code}` : error.kind;
    },
  );

/** What the server heard, a list for each connection. */
function record(manners: Manners = {}): { heard: string[][]; script: Script } {
  const heard: string[][] = [];
  const script = polite({
    ...manners,
    answer(verb, line, caller) {
      let own = heard[caller.number];
      if (!own) {
        own = [];
        heard[caller.number] = own;
      }
      own.push(line);
      return manners.answer?.(verb, line, caller);
    },
  });
  return { heard, script };
}

describe('a visit', () => {
  it('greets, asks line by line and gives the whole reply, whatever its code', async () => {
    const { heard, script } = record({
      keywords: ['SIZE 42', 'AUTH PLAIN'],
      answer: (verb) => (verb === 'VRFY' ? '550-5.1.1 no\r\n550 5.1.1 never\r\n' : undefined),
    });
    await open(script);
    const said = await ask(async (visit) => {
      expect([visit.ip, visit.tls, visit.keywords.get('SIZE')]).toEqual(['127.0.0.1', undefined, '42']);
      return visit.say('VRFY bob');
    });
    expect(said).toEqual({ code: 550, status: '5.1.1', text: 'no\nnever' });
    expect(heard).toEqual([['', 'EHLO celeris.test', 'VRFY bob']]);
  });

  it('says HELO where EHLO is not known, and the name the door gives', async () => {
    const { heard, script } = record({ answer: (verb) => (verb === 'EHLO' ? '500 what?\r\n' : undefined) });
    await open(script);
    expect(await ask(async (visit) => [visit.keywords.size, await sayNoop(visit)], {}, { helo: 'me.test' })).toEqual([0, 250]);
    expect(heard[0]).toEqual(['', 'EHLO me.test', 'HELO me.test', 'NOOP']);
  });

  it('rejects with what the visitor threw', async () => {
    await open(polite());
    await expect(ask(() => Promise.reject(new TypeError('mine')))).rejects.toThrow(new TypeError('mine'));
  });

  it('throws at lines that are none, and says nothing then', async () => {
    const { heard, script } = record();
    await open(script);
    await ask(async (visit) => {
      for (const line of ['a\r\nb', 'a\n', 'a\r', 'a\0']) expect(() => visit.say(line)).toThrow(RangeError);
      await expect(ask(sayNoop, {}, { helo: 'x\r\nRSET' })).rejects.toThrow(RangeError);
    });
    expect(heard[0]).toEqual(['', 'EHLO celeris.test']);
  });

  it('takes one command at a time, and none when it is over', async () => {
    await open(polite());
    let kept: ProbeVisit | undefined;
    await ask(async (visit) => {
      kept = visit;
      const first = visit.say('NOOP');
      await expect(visit.say('NOOP')).rejects.toThrow('waits for its reply');
      await first;
    });
    await expect(kept?.say('NOOP')).rejects.toThrow('the visit is over');
  });

  it('goes through the addresses of a name in order', async () => {
    // Nothing listens at the first two.
    await open(polite(), { names: names(['127.0.0.2', '::1', '127.0.0.1']) });
    expect(await ask(async (visit) => visit.ip, {}, { host: 'mx.test' })).toBe('127.0.0.1');
  });

  it('takes an IPv6 address as it is', async (context) => {
    const server = net.createServer((socket) => {
      socket.on('error', () => {}).on('data', () => socket.write('250 ok\r\n'));
      socket.write('220 hi\r\n');
    });
    await open(polite());
    const isThere = await new Promise<boolean>((done) => server.on('error', () => done(false)).listen(0, '::1', () => done(true)));
    if (!isThere) context.skip('this machine has no ::1');
    const { port } = server.address() as net.AddressInfo;
    expect(await visits.visit({ host: '::1', port, tls: 'no' }, termsOf({ idleMs: 0 }), async (visit) => visit.ip)).toBe('::1');
    server.close();
  });

  it('gives an address that is silent its share of the time only', async () => {
    let silent = 0;
    await open(
      async (caller) => {
        if (caller.number === 0) {
          silent++;
          await caller.silence();
        } else await polite()(caller);
      },
      { names: names(['127.0.0.1', '127.0.0.1']) },
    );
    const started = performance.now();
    expect(await ask(sayNoop, { timeoutMs: 1000 }, { host: 'mx.test' })).toBe(250);
    expect(silent).toBe(1);
    expect(performance.now() - started).toBeGreaterThan(480);
  });
});

describe('failures', () => {
  it('unreached: nobody listens, or the name has no address', async () => {
    await open(polite(), { names: names([]) });
    const { port } = peer;
    expect(await kindOf(ask(sayNoop, {}, { host: 'nowhere.test' }))).toBe('unreached');
    await peer.close();
    expect(await kindOf(visits.visit({ host: '127.0.0.1', port, tls: 'no' }, termsOf(), sayNoop))).toBe('unreached');
  });

  it.each([
    ['421 at the door', '421 4.3.2 busy\r\n', 'BANNER', 'refused 421'],
    ['554 at the door', '554 no\r\n', 'BANNER', 'refused 554'],
    ['451 to EHLO', '451 later\r\n', 'EHLO', 'refused 451'],
    ['250 for a banner', '250 hello\r\n', 'BANNER', 'broken'],
    ['354 to EHLO', '354 go\r\n', 'EHLO', 'broken'],
    ['hangs up after EHLO', DEEDS.FIN, 'EHLO', 'broken'],
    ['resets after EHLO', DEEDS.RST, 'EHLO', 'broken'],
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'BANNER', 'broken'],
    ['answers before it is asked', '220 hi\r\n250 early\r\n', 'BANNER', 'broken'],
    ['half an answer before it is asked', '220 hi\r\n25', 'BANNER', 'broken'],
    ['a second answer to a command', '250 ok\r\n250 for the next\r\n', 'NOOP', 'none'],
    ['hangs up in a command', DEEDS.FIN, 'NOOP', 'broken'],
    ['mixed codes', '250-ok\r\n550 no\r\n', 'NOOP', 'broken'],
    ['lines without end', `250-${'x'.repeat(70_000)}\r\n`, 'NOOP', 'broken'],
    ['a reply without end', '250-x\r\n'.repeat(5000), 'NOOP', 'broken'],
    ['silence', DEEDS.HANG, 'NOOP', 'late'],
    ['half a line', '250 o', 'NOOP', 'late'],
  ])('a server that: %s', async (_, answer, at, kind) => {
    await open(polite({ answer: (verb) => (verb === at ? answer : undefined) }));
    expect(await kindOf(ask(sayNoop, { timeoutMs: 300 }))).toBe(kind);
  });

  it('HELO refused too', async () => {
    await open(polite({ answer: (verb) => (/LO$/.test(verb) ? '550 no\r\n' : undefined) }));
    expect(await kindOf(ask(sayNoop))).toBe('refused 550');
  });

  it('a reply to nothing ends the visit: broken at the next command', async () => {
    await open(polite({ answer: (verb) => (verb === 'NOOP' ? '250 ok\r\n250 more\r\n' : undefined) }));
    const codes: number[] = [];
    expect(
      await kindOf(
        ask(async (visit) => {
          codes.push((await visit.say('NOOP')).code);
          codes.push((await visit.say('NOOP')).code);
        }),
      ),
    ).toBe('broken');
    expect(codes).toEqual([250]);
  });

  it('the signal of the caller ends a visit with its reason, wherever it is', async () => {
    await open(polite({ answer: (verb) => (verb === 'NOOP' ? DEEDS.HANG : undefined) }));
    for (const most of [1, 1]) {
      const ending = new AbortController();
      const asked = ask(sayNoop, { signal: ending.signal, most });
      setTimeout(() => ending.abort(new Error('enough')), 50);
      await expect(asked).rejects.toThrow('enough');
    }
    const gone = AbortSignal.abort(new Error('before'));
    await expect(ask(sayNoop, { signal: gone })).rejects.toThrow('before');
    expect(peer.accepted).toBe(2);
  });

  it('a visitor that never comes to an end is left behind when its time is over', async () => {
    await open(polite());
    expect(await kindOf(ask(() => new Promise(() => {}), { timeoutMs: 100 }))).toBe('late');
  });

  it('waiting in line is part of the time', async () => {
    await open(polite());
    let free: () => void = () => {};
    const first = ask(() => new Promise<void>((done) => (free = done)), { most: 1 });
    expect(await kindOf(ask(sayNoop, { most: 1, timeoutMs: 100 }))).toBe('late');
    free();
    await first;
    expect(await ask(sayNoop, { most: 1 })).toBe(250);
    expect(peer.accepted).toBe(1);
  });

  it('a name server that is silent is part of the time', async () => {
    await open(polite(), { names: { addresses: () => new Promise(() => {}) } });
    expect(await kindOf(ask(sayNoop, { timeoutMs: 100 }, { host: 'slow.test' }))).toBe('late');
  });
});

describe('kept connections', () => {
  it('are used again after RSET', async () => {
    const { heard, script } = record();
    await open(script);
    for (let i = 0; i < 3; i++) await ask((visit) => visit.say(`MAIL FROM:<${i}@a.test>`));
    expect(heard).toEqual([
      ['', 'EHLO celeris.test', 'MAIL FROM:<0@a.test>', 'RSET', 'MAIL FROM:<1@a.test>', 'RSET', 'MAIL FROM:<2@a.test>'],
    ]);
  });

  it('a thousand visits at once, ten at a time, need about ten connections', async () => {
    let most = 0;
    await open(
      polite({
        answer: () => {
          most = Math.max(most, peer.open);
          return undefined;
        },
      }),
    );
    const codes = await Promise.all(Array.from({ length: 1000 }, () => ask(sayNoop, { most: 10, timeoutMs: 20_000 })));
    expect(new Set(codes)).toEqual(new Set([250]));
    expect(most).toBe(10);
    // One more for each that has had its visits.
    expect(peer.accepted).toBeLessThanOrEqual(19);
  });

  it('several processes share what is allowed', async () => {
    await open(polite(), { workers: 4 });
    await Promise.all(Array.from({ length: 20 }, () => ask(sayNoop, { most: 10 })));
    expect(peer.accepted).toBe(2);
  });

  it.each([
    ['refuses RSET', '500 what?\r\n'],
    ['hangs up at RSET', DEEDS.FIN],
    ['says 421 to RSET', '421 bye\r\n'],
    ['is silent', DEEDS.HANG],
  ])('a server that %s gets a fresh one, and the visitor no error', async (_, deed) => {
    const { heard, script } = record({ answer: (verb) => (verb === 'RSET' ? deed : undefined) });
    await open(script);
    expect([await ask(sayNoop), await ask(sayNoop, { timeoutMs: 1500 })]).toEqual([250, 250]);
    expect(heard).toHaveLength(2);
    expect(heard[1]).toEqual(['', 'EHLO celeris.test', 'NOOP']);
  });

  it('a server that closed in between costs nobody an error', async () => {
    let hangUp: () => void = () => {};
    await open(async (caller) => {
      hangUp = () => caller.hangUp();
      await polite()(caller);
    });
    expect(await ask(sayNoop)).toBe(250);
    hangUp();
    // At once, and when the end has been seen.
    expect(await ask(sayNoop)).toBe(250);
    hangUp();
    await new Promise((done) => setTimeout(done, 50));
    expect(visits.connections).toBe(0);
    expect(await ask(sayNoop)).toBe(250);
    expect(peer.accepted).toBe(3);
  });

  it('say goodbye when their time is over, or at once without one', async () => {
    const { heard, script } = record();
    await open(script);
    await ask(sayNoop, { idleMs: 50 });
    expect(heard[0]).not.toContain('QUIT');
    await new Promise((done) => setTimeout(done, 150));
    expect(heard[0]?.at(-1)).toBe('QUIT');
    expect(visits.connections).toBe(0);
    await ask(sayNoop, { idleMs: 0 });
    await new Promise((done) => setTimeout(done, 50));
    expect(heard[1]?.at(-1)).toBe('QUIT');
  });

  it('are not kept in the middle of something, after 421, nor with an answer outstanding', async () => {
    await open(
      polite({
        answer: (verb) => (verb === 'DATA' ? '354 go\r\n' : verb === 'BUSY' ? '421 bye\r\n' : verb === 'SLOW' ? DEEDS.HANG : undefined),
      }),
    );
    for (const line of ['DATA', 'BUSY']) await ask((visit) => visit.say(line));
    await ask(async (visit) => void visit.say('SLOW'));
    await ask(sayNoop);
    expect(peer.accepted).toBe(4);
  });

  it('other doors, other connections', async () => {
    await open(polite());
    await ask(sayNoop);
    await ask(sayNoop, {}, { helo: 'other.test' });
    await ask(sayNoop, {}, { tls: 'ifavailable' }).catch(() => {});
    await ask(sayNoop, {}, { host: 'localhost.test' });
    expect(peer.accepted).toBeGreaterThanOrEqual(3);
    const before = peer.accepted;
    await ask(sayNoop, {}, { host: 'LOCALHOST.test' });
    expect(peer.accepted).toBe(before);
  });
});

describe('the end', () => {
  it('breaks visits off, says goodbye, and lets nobody in', async () => {
    const { heard, script } = record({ answer: (verb) => (verb === 'SLOW' ? DEEDS.HANG : undefined) });
    await open(script);
    const slow = kindOf(ask((visit) => visit.say('SLOW')));
    await ask(sayNoop);
    await visits.close();
    expect(await slow).toBe('unreached');
    expect(visits.connections).toBe(0);
    expect(await kindOf(ask(sayNoop))).toBe('unreached');
    expect(heard.flat()).toContain('QUIT');
  });
});
