/** smtp_cbv over names and servers that are played: whom it calls, what it says there, what it notes. */
import { describe, expect, it } from 'vitest';
import { Address, type Answer, Dns, type HostAddress, type Mx, type Names, Probes } from '#module';
import { configureText } from '../../src/config/configure.js';
import { makeSession, planOf, rehearse } from '../../src/module/fixture.js';
import { defineModule } from '../../src/module/manifest.js';
import { makePlans } from '../../src/server/plans.js';
import { makeCopies } from '../../test/fixtures/copies.js';
import { PlayedProbes, type PlayedServer } from '../../test/fixtures/probe-service.js';
import { type Callback, Callbacks } from './api.js';
import cbv from './index.js';

const configureIt = (options: string, core = '') => configureText(`${core}\nsmtp_cbv "cbv" { ${options} }`, { manifests: [cbv] });

const found = <T>(...records: T[]): Answer<T> => ({ kind: 'found', records, name: 'x', ttlSeconds: 60, secure: false, from: 'dns' });
/** From /etc/hosts. */
const written = <T>(...records: T[]): Answer<T> => ({ kind: 'found', records, name: 'x', ttlSeconds: 60, secure: false, from: 'file' });
const address = (ip: string): HostAddress => ({ ip, family: ip.includes(':') ? 6 : 4 });
const MISSING = { kind: 'nodata', ttlSeconds: 60, secure: false } as const;
const NOWHERE = { kind: 'nxdomain', ttlSeconds: 60, secure: false } as const;
const FAILED = { kind: 'servfail', why: 'no', ttlSeconds: 5, fresh: true, outage: false } as const;

const MX: Readonly<Record<string, Answer<Mx> | 'never'>> = {
  'one.test': found({ preference: 10, exchange: 'mx.one.test' }),
  'two.test': found({ preference: 20, exchange: 'mx2.two.test' }, { preference: 10, exchange: 'mx1.two.test' }),
  'null.test': found({ preference: 0, exchange: '' }),
  'plain.test': MISSING,
  'bare.test': MISSING,
  'localhost.test': MISSING,
  'hosts.test': MISSING,
  'failed.test': FAILED,
  'never.test': 'never',
  'inner.test': found({ preference: 10, exchange: 'inner.test' }),
  'lost.test': found({ preference: 10, exchange: 'bare.test' }),
  'literal.test': found({ preference: 10, exchange: '192.0.2.1' }),
  'both.test': found({ preference: 10, exchange: 'both.test' }),
};
const A: Readonly<Record<string, Answer<HostAddress>>> = {
  'mx.one.test': found(address('198.51.100.1')),
  'mx1.two.test': found(address('198.51.100.11')),
  'mx2.two.test': found(address('198.51.100.12')),
  'plain.test': found(address('198.51.100.3')),
  'inner.test': found(address('10.0.0.1')),
  'localhost.test': written(address('127.0.0.1')),
  'hosts.test': written(address('10.0.0.1')),
  'both.test': found(address('2001:db8:1::1'), address('198.51.100.5')),
};

/** Takes ann, refuses bob, greylists cyd, and does not answer about dan. */
const SERVER: PlayedServer = {
  say: (line) => {
    if (!line.startsWith('RCPT')) return '250 2.0.0 ok';
    const said: Readonly<Record<string, string | undefined>> = {
      ann: '250 2.1.5 ok',
      bob: '550 5.1.1 no such user',
      cyd: '450 4.2.0 greylisted',
      dan: undefined,
    };
    const local = /<(\w+)@/.exec(line)?.[1] ?? '';
    return local in said ? said[local] : '550 5.1.1 nobody';
  },
};

interface Wishes {
  readonly core?: string;
  readonly servers?: Readonly<Record<string, PlayedServer>>;
}

async function start(options: string, { core = '', servers = { '198.51.100.1': SERVER } }: Wishes = {}) {
  const configured = await configureIt(options, core);
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  const { snapshot } = configured;
  const questions: string[] = [];
  const names: Pick<Names, 'mx' | 'addresses'> = {
    mx: async (domain, signal) => {
      questions.push(`MX ${domain}`);
      const answer = MX[domain] ?? NOWHERE;
      if (answer !== 'never') return answer;
      return new Promise((_, fail) => signal.addEventListener('abort', () => fail(signal.reason), { once: true }));
    },
    addresses: async (host) => A[host] ?? NOWHERE,
  };
  let probes: PlayedProbes | undefined;
  const rehearsal = rehearse({
    service: (token) => (token === Probes ? probes : token === Dns ? names : undefined),
    inbound: () => snapshot.inbound({ listener: 'esmtp_listener', listen: 'x', peerIp: '192.0.2.10', pathway: undefined }),
    outbound: (where) => snapshot.at(where),
  });
  const played = (probes = new PlayedProbes(rehearsal.clock, servers));
  let verify: ((address: string, how: { readonly from?: string; readonly signal: AbortSignal }) => Promise<Callback>) | undefined;
  const policy = defineModule({
    name: 'policy',
    summary: 'A policy.',
    needs: ['smtp_cbv'],
    options: {},
    register: (ctx) => void (verify = ctx.use(Callbacks).verify),
  });
  rehearsal.registry.commit(await rehearsal.registry.prepare([planOf(policy), ...makePlans(snapshot, [cbv])]));
  const { chains } = rehearsal.registry.current.hooks;
  const { signal } = new AbortController();
  const facts = ({ facts: all }: { readonly facts: Iterable<readonly [string, string]> }): { readonly smtp_cbv_result?: string } =>
    Object.fromEntries(all);
  const draftFrom = (sender: Address | null) => {
    const [draft] = makeCopies(['x@ours.test'], { sender });
    if (!draft) throw new Error('no copy');
    return draft;
  };
  return {
    ...rehearsal,
    played,
    questions,
    /** What a message of this sender knows after MAIL. */
    mail: async (local: string | null, domain = 'one.test', peer = '192.0.2.10') => {
      const sender = local === null ? null : new Address(local, domain);
      const draft = draftFrom(sender);
      const verdict = await chains.mail_from.run(makeSession({ peer: { ip: peer, port: 9 } }), sender, draft);
      return { verdict, ...facts(draft) };
    },
    /** What it knows after RCPTs. */
    rcpt: async (sender: Address | null, ...recipients: Address[]) => {
      const draft = draftFrom(sender);
      await chains.mail_from.run(makeSession(), sender, draft);
      const before = facts(draft);
      for (const recipient of recipients) await chains.rcpt_to.run(makeSession(), recipient, draft);
      return { before, after: facts(draft) };
    },
    verify: (text: string, from?: string) => {
      if (!verify) throw new Error('nothing was provided');
      return verify(text, { signal, ...(from !== undefined && { from }) });
    },
    command: (...words: string[]) => {
      const [name = '', ...args] = words;
      return rehearsal.registry.current.commands.get(`smtp_cbv:cbv ${name}`)?.command.run(args, signal);
    },
  };
}

describe('a callback', () => {
  it('says MAIL as the null sender, RCPT, RSET, and never DATA', async () => {
    const { mail, played } = await start('helo = "us.test"');
    await mail('ann');
    expect(played.visits.map(({ door, lines }) => ({ door, lines }))).toEqual([
      {
        door: { host: '198.51.100.1', port: 25, tls: 'ifavailable', helo: 'us.test' },
        lines: ['MAIL FROM:<>', 'RCPT TO:<ann@one.test>', 'RSET'],
      },
    ]);
    expect(played.visits[0]?.terms).toMatchObject({ idleMs: 0, most: 2, timeoutMs: 30_000 });
  });

  it('notes pass, error or transient, and lets every message go on', async () => {
    const { mail, clock, counts } = await start('timeout = 5');
    expect(await mail('ann')).toEqual({ verdict: undefined, smtp_cbv_result: 'pass' });
    expect(await mail('bob')).toEqual({ verdict: undefined, smtp_cbv_result: 'error' });
    expect(await mail('cyd')).toEqual({ verdict: undefined, smtp_cbv_result: 'transient' });
    const dan = mail('dan');
    await clock.advance(5000);
    expect(await dan).toEqual({ verdict: undefined, smtp_cbv_result: 'transient' });
    expect(Object.fromEntries(counts)).toEqual({
      'smtp_cbv_calls pass': 1,
      'smtp_cbv_calls fail': 1,
      'smtp_cbv_calls transient': 2,
    });
  });

  it('is not made where there is nobody to ask about', async () => {
    const { mail, played, questions } = await start('mailfrom = "cbv@own.test"', {
      core: 'relay_domains = ( "*.ours.test" )\nbounce_domains = ( "bounces.test" )',
    });
    for (const [local, domain] of [
      [null, ''],
      ['ann', ''],
      ['ann', '[192.0.2.1]'],
      ['ann', 'a.ours.test'],
      ['b-123', 'bounces.test'],
      ['ann', 'own.test'],
    ] as const)
      expect(await mail(local, domain)).toEqual({ verdict: undefined });
    expect([played.visits, questions]).toEqual([[], []]);
  });

  it('says who it is when told to, and marks what it says as UTF-8 where it must', async () => {
    const { verify, played } = await start('mailfrom = "cbv@own.test"', {
      servers: { '198.51.100.1': { keywords: ['SMTPUTF8'], say: () => '250 2.0.0 ok' } },
    });
    expect(await verify('änn@one.test')).toEqual({ status: 'pass', text: '250 2.0.0 ok' });
    expect(await verify('ann@one.test', 'me@policy.test')).toMatchObject({ status: 'pass' });
    expect(await verify('ann@one.test', '')).toMatchObject({ status: 'pass' });
    expect(played.visits.map(({ lines }) => lines[0])).toEqual([
      'MAIL FROM:<cbv@own.test> SMTPUTF8',
      'MAIL FROM:<me@policy.test>',
      'MAIL FROM:<>',
    ]);
  });

  it('may wait for the first recipient, and is made once for a message', async () => {
    const { rcpt, played } = await start('phase = "rcptto"  neg_cache_ttl = 0');
    const [x, y] = [new Address('x', 'ours.test'), new Address('y', 'ours.test')];
    expect(await rcpt(new Address('bob', 'one.test'), x, y)).toEqual({ before: {}, after: { smtp_cbv_result: 'error' } });
    expect(played.visits.length).toBe(1);
    expect(await rcpt(null, x)).toEqual({ before: {}, after: {} });
  });

  it('belongs to passive modules as a function only', async () => {
    const { mail, verify } = await start('enabled = false');
    expect(await mail('ann')).toEqual({ verdict: undefined });
    expect(await verify('ann@one.test')).toEqual({ status: 'pass', text: '250 2.1.5 ok' });
  });
});

describe('what a policy is told', () => {
  const said = async (server: PlayedServer, text = 'ann@one.test'): Promise<Callback> => {
    const { verify } = await start('', { servers: { '198.51.100.1': server } });
    return verify(text);
  };

  it.each<[string, PlayedServer, Callback]>([
    ['a refused mailbox', { say: (l) => (l.startsWith('RCPT') ? '550 5.1.1 no' : '250 ok') }, { status: 'fail', text: '550 5.1.1 no' }],
    ['a refused null sender', { say: () => '550 5.7.1 no bounces' }, { status: 'error', text: '550 5.7.1 no bounces' }],
    ['a busy server', { say: () => '451 4.3.0 later' }, { status: 'transient', text: '451 4.3.0 later' }],
    [
      'a wish for a log-in',
      { say: (l) => (l.startsWith('RCPT') ? '530 5.7.0 who?' : '250 ok') },
      { status: 'error', text: '530 5.7.0 who?' },
    ],
    ['a closed door', { fails: 'refused', greeting: '554 5.7.1 listed' }, { status: 'error', text: '554 5.7.1 listed' }],
    ['a full house', { fails: 'refused', greeting: '421 4.3.2 full' }, { status: 'transient', text: '421 4.3.2 full' }],
    ['a dead host', { fails: 'unreached' }, { status: 'transient', text: '451 4.4.1 [internal] 198.51.100.1: unreached' }],
    ['a line that breaks', { fails: 'broken' }, { status: 'transient', text: '451 4.4.1 [internal] 198.51.100.1: broken' }],
  ])('%s', async (_, server, callback) => expect(await said(server)).toEqual(callback));

  it('an address that only SMTPUTF8 can say, and no server for it', async () => {
    expect(await said({}, 'änn@one.test')).toMatchObject({ status: 'error', text: expect.stringContaining('5.6.7') });
  });

  it('an answer that was heard stands when the server says nothing more', async () => {
    const silent = (line: string): string | undefined => (/RSET|<cbv-/.test(line) ? undefined : '250 2.0.0 ok');
    const asks = await start('probe_catchall = true  timeout = 9', { servers: { '198.51.100.1': { say: silent } } });
    const asked = asks.verify('ann@one.test');
    await asks.clock.advance(9000);
    expect(await asked).toEqual({ status: 'pass', text: '250 2.0.0 ok' });
    const plain = await start('', { servers: { '198.51.100.1': { say: silent } } });
    // Nobody waits for the answer to RSET.
    expect(await plain.verify('ann@one.test')).toEqual({ status: 'pass', text: '250 2.0.0 ok' });
    expect(plain.played.visits[0]?.lines.at(-1)).toBe('RSET');
    expect(await plain.command('stats')).toMatchObject([{ running: 1 }]);
    await plain.clock.advance(30_001);
    expect(await plain.command('stats')).toMatchObject([{ running: 0, calls: 1 }]);
  });

  it.each(['', 'ann', 'ann@one.test\r\nDATA', 'ann@[192.0.2.1]'])('%j cannot be asked about', async (text) => {
    const { verify, played } = await start('');
    expect(await verify(text)).toMatchObject({ status: 'error', text: expect.stringMatching(/^501 5\.1\.7/) });
    expect(played.visits).toEqual([]);
  });
});

describe('names', () => {
  it.each<[string, string, Callback['status'], RegExp]>([
    ['a null MX (RFC 7505)', 'null.test', 'fail', /null MX/],
    ['a domain that is not there', 'gone.test', 'fail', /does not exist/],
    ['a domain without MX and address', 'bare.test', 'fail', /no server/],
    ['exchangers without an address', 'lost.test', 'fail', /no server/],
    ['an address for an exchanger', 'literal.test', 'fail', /no server/],
    ['exchangers inside', 'inner.test', 'fail', /Private/],
    ['this machine itself', 'localhost.test', 'fail', /Private/],
    ['name servers that fail', 'failed.test', 'transient', /^451 4\.4\.3/],
  ])('%s', async (_, domain, status, words) => {
    const { verify, played, mail } = await start('');
    expect(await verify(`ann@${domain}`)).toEqual({ status, text: expect.stringMatching(words) });
    expect(await mail('ann', domain)).toMatchObject({ smtp_cbv_result: status === 'fail' ? 'error' : 'transient' });
    expect(played.visits).toEqual([]);
  });

  it('the domain itself stands in for exchangers', async () => {
    const { verify } = await start('', { servers: { '198.51.100.3': SERVER } });
    expect(await verify('ann@plain.test')).toMatchObject({ status: 'pass' });
  });

  it('that never come end with the time', async () => {
    const { mail, clock } = await start('timeout = 8');
    const asked = mail('ann', 'never.test');
    await clock.advance(8000);
    expect(await asked).toMatchObject({ smtp_cbv_result: 'transient' });
  });

  it('of addresses inside that the operator wrote are called', async () => {
    const { verify } = await start('', { servers: { '10.0.0.1': SERVER } });
    expect(await verify('ann@hosts.test')).toMatchObject({ status: 'pass' });
  });

  it('of addresses inside are called where mail goes there too', async () => {
    const { verify } = await start('', { core: 'deliver_to_private = true', servers: { '10.0.0.1': SERVER } });
    expect(await verify('ann@inner.test')).toMatchObject({ status: 'pass' });
  });

  it('are mapped, and the address asked about stays', async () => {
    const { mail, questions, played } = await start('map = [ Alias.test = "one.test" ]');
    expect(await mail('ann', 'alias.test')).toMatchObject({ smtp_cbv_result: 'pass' });
    expect(questions).toEqual(['MX one.test']);
    expect(played.visits[0]?.lines[1]).toBe('RCPT TO:<ann@alias.test>');
  });
});

describe('several servers', () => {
  it('are called in order until one answers', async () => {
    const { verify, played } = await start('', { servers: { '198.51.100.12': SERVER } });
    expect(await verify('bob@two.test')).toMatchObject({ status: 'fail' });
    expect(played.visits.map(({ door }) => door.host)).toEqual(['198.51.100.11', '198.51.100.12']);
  });

  it('are not called after an answer, whatever it was', async () => {
    const { verify, played } = await start('', { servers: { '198.51.100.11': SERVER, '198.51.100.12': SERVER } });
    expect(await verify('cyd@two.test')).toMatchObject({ status: 'transient' });
    expect(played.visits.length).toBe(1);
  });

  it('share the time, so that one that swallows packets leaves some to the next', async () => {
    const { verify, played, clock } = await start('timeout = 20', {
      servers: { '198.51.100.11': { fails: 'late' }, '198.51.100.12': SERVER },
    });
    const asked = verify('ann@two.test');
    await clock.advance(10_000);
    expect(await asked).toMatchObject({ status: 'pass' });
    expect(played.visits.map(({ terms }) => terms.timeoutMs)).toEqual([10_000, 10_000]);
  });

  it('that are all down are so only for now, also when one of them will not have us', async () => {
    const { verify } = await start('', { servers: { '198.51.100.12': { fails: 'refused', greeting: '554 5.7.1 no' } } });
    expect(await verify('ann@two.test')).toMatchObject({ status: 'transient' });
  });

  it('begin with IPv4, and leave out skip_hosts', async () => {
    const { verify, played } = await start('');
    await verify('ann@both.test');
    expect(played.visits.map(({ door }) => door.host)).toEqual(['198.51.100.5', '2001:db8:1::1']);
    const skips = await start('skip_hosts = ( 198.51.100.0/24 )');
    await skips.verify('ann@both.test');
    expect(skips.played.visits.map(({ door }) => door.host)).toEqual(['2001:db8:1::1']);
    expect(await skips.mail('ann', 'one.test')).toEqual({ verdict: undefined });
    expect(await skips.verify('ann@one.test')).toMatchObject({ status: 'error', text: expect.stringContaining('skip_hosts') });
  });
});

describe('what is remembered', () => {
  it('spares the second call: a pass for cache_ttl, the rest for neg_cache_ttl', async () => {
    const { mail, played, clock, counts } = await start('cache_ttl = 100  neg_cache_ttl = 10');
    const asked = (): number => played.visits.length;
    for (const local of ['ann', 'ann', 'cyd', 'cyd', 'bob', 'bob']) await mail(local);
    expect([asked(), counts.get('smtp_cbv_cached')]).toEqual([3, 3]);
    await clock.advance(10_001);
    expect(await mail('ann')).toMatchObject({ smtp_cbv_result: 'pass' });
    expect(asked()).toBe(3);
    expect(await mail('cyd')).toMatchObject({ smtp_cbv_result: 'transient' });
    expect(asked()).toBe(4);
    await clock.advance(90_000);
    await mail('ann');
    expect(asked()).toBe(5);
  });

  it('is asked once by all who come at the same time', async () => {
    const { mail, played } = await start('');
    const all = await Promise.all(Array.from({ length: 50 }, () => mail('ann')));
    expect(all.every(({ smtp_cbv_result: result }) => result === 'pass')).toBe(true);
    expect(played.visits.length).toBe(1);
  });
});

describe('bounds', () => {
  it('hold for a domain and over all, within the time of each callback', async () => {
    const { mail, played, clock, command } = await start('max_per_domain = 2  max_concurrency = 3  timeout = 6', {
      servers: { '198.51.100.1': { fails: 'late' }, '198.51.100.3': { fails: 'late' } },
    });
    const asked = [...['a', 'b', 'c'].map((local) => mail(local)), ...['d', 'e'].map((local) => mail(local, 'plain.test'))];
    await clock.advance(1000);
    expect(played.visits.length).toBe(3);
    expect(await command('stats')).toMatchObject([{ running: 3, waiting: 2 }]);
    await clock.advance(5001);
    expect((await Promise.all(asked)).map(({ smtp_cbv_result: result }) => result)).toEqual(Array(5).fill('transient'));
    expect(await command('stats')).toMatchObject([{ running: 0, waiting: 0 }]);
  });

  it('probe_catchall tells servers that take everything', async () => {
    const all = await start('probe_catchall = true', { servers: { '198.51.100.1': {} } });
    expect(await all.mail('ann')).toEqual({ verdict: undefined, smtp_cbv_result: 'pass', smtp_cbv_catchall: 'yes' });
    expect(all.played.visits[0]?.lines[2]).toMatch(/^RCPT TO:<cbv-[0-9a-f]{24}@one\.test>$/);
    const some = await start('probe_catchall = true');
    expect(await some.mail('ann')).toEqual({ verdict: undefined, smtp_cbv_result: 'pass', smtp_cbv_catchall: 'no' });
    expect(await some.mail('bob')).toEqual({ verdict: undefined, smtp_cbv_result: 'error' });
    expect(some.played.visits[1]?.lines).toEqual(['MAIL FROM:<>', 'RCPT TO:<bob@one.test>', 'RSET']);
  });
});

describe('two that call each other back', () => {
  it('do not wait for each other: a server that is being asked is not called', async () => {
    const { mail, clock, played } = await start('mailfrom = "cbv@own.test"  timeout = 5');
    const asked = mail('dan');
    await clock.advance(100);
    expect(await mail('ann', 'one.test', '198.51.100.1')).toEqual({ verdict: undefined });
    expect(played.visits.length).toBe(1);
    await clock.advance(5000);
    await asked;
    expect(await mail('ann', 'one.test', '198.51.100.1')).toMatchObject({ smtp_cbv_result: 'pass' });
  });

  it('let questions about the sender of their callbacks pass', async () => {
    const { rcpt, played } = await start('mailfrom = "cbv@own.test"  phase = rcptto');
    expect(await rcpt(new Address('ann', 'one.test'), new Address('cbv', 'own.test'))).toEqual({ before: {}, after: {} });
    expect(played.visits).toEqual([]);
  });
});

it('the module that stops sets free who waits, and remembers nothing', async () => {
  const { mail, registry } = await start('');
  const asked = mail('dan');
  await new Promise((done) => setImmediate(done));
  registry.stop();
  expect(await asked).toMatchObject({ smtp_cbv_result: 'transient' });
});

describe('the console', () => {
  it('verifies an address and counts', async () => {
    const { command } = await start('');
    expect(await command('verify', 'bob@one.test')).toEqual([
      { address: 'bob@one.test', status: 'fail', text: '550 5.1.1 no such user', catch_all: null },
    ]);
    await command('verify', 'bob@one.test');
    expect(await command('verify')).toBe('Say which address.');
    expect(await command('stats')).toEqual([
      { calls: 1, cached: 1, skipped: 0, pass: 0, fail: 1, transient: 0, error: 0, running: 0, waiting: 0 },
    ]);
  });
});

it.each([
  'phase = data',
  'mailfrom = "nobody"',
  'map = [ yahoo.net = "a b" ]',
  'map = [ yahoo.net = "[192.0.2.1]" ]',
  'map = "yahoo.net"',
  'timeout = 0',
  'timeout = 51',
  'max_concurrency = 0',
  'max_per_domain = 0',
  'skip_hosts = ( mx.one.test )',
  'helo = "a b"',
])('check refuses %s', async (line) => {
  expect((await configureIt(line)).ok).toBe(false);
});
