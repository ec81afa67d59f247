/** smtp_rcptto_proxy over servers that are played: what is asked, what it comes to, and what a client hears. */
import { describe, expect, it } from 'vitest';
import { Address, Probes } from '#module';
import { configureText } from '../../src/config/configure.js';
import { makeSession, planOf, rehearse } from '../../src/module/fixture.js';
import { defineModule } from '../../src/module/manifest.js';
import { makePlans } from '../../src/server/plans.js';
import { makeCopies } from '../../test/fixtures/copies.js';
import { PlayedProbes, type PlayedServer } from '../../test/fixtures/probe-service.js';
import { type RecipientAnswer, RecipientProxy, type RecipientQuery } from './api.js';
import proxy from './index.js';

const configureIt = (options: string) => configureText(`smtp_rcptto_proxy { ${options} }`, { manifests: [proxy] });

/** Takes ann, refuses bob, is busy about cyd, and does not answer about dan. */
const INSIDE: PlayedServer = {
  say: (line) => {
    if (!line.startsWith('RCPT')) return '250 2.0.0 ok';
    const said: Readonly<Record<string, string>> = { ann: '250 2.1.5 ok', bob: '550 5.1.1 no such user', cyd: '450 4.2.0 greylisted' };
    return said[/<(\w+)@/.exec(line)?.[1] ?? ''];
  },
};

async function start(options: string, servers: Readonly<Record<string, PlayedServer>> = { 'inside.test': INSIDE }) {
  const configured = await configureIt(options);
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  let probes: PlayedProbes | undefined;
  const rehearsal = rehearse({ service: (token) => (token === Probes ? probes : undefined) });
  const played = (probes = new PlayedProbes(rehearsal.clock, servers));
  let service: { query(question: RecipientQuery): Promise<RecipientAnswer> } | undefined;
  const policy = defineModule({
    name: 'policy',
    summary: 'A policy.',
    needs: ['smtp_rcptto_proxy'],
    options: {},
    register: (ctx) => void (service = ctx.use(RecipientProxy)),
  });
  rehearsal.registry.commit(await rehearsal.registry.prepare([planOf(policy), ...makePlans(configured.snapshot, [proxy])]));
  const { current } = rehearsal.registry;
  const { signal } = new AbortController();
  return {
    ...rehearsal,
    played,
    query: (more: Partial<RecipientQuery> & { readonly rcptto: string }) => {
      if (!service) throw new Error('nothing was provided');
      return service.query({ signal, ...more });
    },
    rcpt: async (local: string, domain = 'ours.test') => {
      const [draft] = makeCopies(['x@ours.test']);
      if (!draft) throw new Error('no copy');
      return current.hooks.chains.rcpt_to.run(makeSession(), new Address(local, domain), draft);
    },
    command: (...words: string[]) => current.commands.get('smtp_rcptto_proxy query')?.command.run(words, signal),
  };
}

describe('a question', () => {
  it('has four outcomes, with the words and the code of the server', async () => {
    const { query, clock, counts } = await start('host = "inside.test"  timeout = 7');
    expect(await query({ rcptto: 'ann@ours.test' })).toEqual({ kind: 'known', error: '', code: 250, status: '2.1.5' });
    expect(await query({ rcptto: 'bob@ours.test' })).toEqual({
      kind: 'unknown',
      error: 'fail: 550 5.1.1 no such user',
      code: 550,
      status: '5.1.1',
    });
    expect(await query({ rcptto: 'cyd@ours.test' })).toMatchObject({ kind: 'tempfail', error: 'fail: 450 4.2.0 greylisted', code: 450 });
    const dan = query({ rcptto: 'dan@ours.test' });
    await clock.advance(7000);
    expect(await dan).toEqual({ kind: 'timeout', error: 'fail: [internal] the time is over', code: 0, status: '' });
    expect(Object.fromEntries(counts)).toEqual({
      'smtp_rcptto_proxy_answers known': 1,
      'smtp_rcptto_proxy_answers unknown': 1,
      'smtp_rcptto_proxy_answers tempfail': 1,
      'smtp_rcptto_proxy_answers timeout': 1,
    });
  });

  it('goes where it says, as who it says, and falls back on the options', async () => {
    const { query, played } = await start('host = "[::1]:2626"  mailfrom = "checker@ours.test"  max_connections = 4', {
      '::1': INSIDE,
      '192.0.2.9': INSIDE,
    });
    await query({ rcptto: 'ann@ours.test' });
    await query({ rcptto: 'ann@ours.test', host: '192.0.2.9', mailfrom: '', timeoutSeconds: 3 });
    await query({ rcptto: 'ann@ours.test', host: '192.0.2.9:99', port: 77 });
    expect(played.visits.map(({ door, terms, lines }) => [door.host, door.port, door.tls, terms.timeoutMs, terms.most, lines])).toEqual([
      ['::1', 2626, 'ifavailable', 60_000, 4, ['MAIL FROM:<checker@ours.test>', 'RCPT TO:<ann@ours.test>']],
      ['192.0.2.9', 25, 'ifavailable', 3000, 4, ['MAIL FROM:<>', 'RCPT TO:<ann@ours.test>']],
      ['192.0.2.9', 77, 'ifavailable', 60_000, 4, ['MAIL FROM:<checker@ours.test>', 'RCPT TO:<ann@ours.test>']],
    ]);
    for (const { terms } of played.visits) expect(terms.idleMs).toBeGreaterThan(0);
  });

  it.each([
    ['refuses our sender', { say: () => '550 5.7.1 you are listed' }, 550],
    ['wants us to log in', { say: (line: string) => (line.startsWith('RCPT') ? '530 5.7.0 log in first' : '250 ok') }, 530],
    ['will not have us', { fails: 'refused' as const, greeting: '554 5.7.1 go away' }, 554],
    ['is down', { fails: 'unreached' as const }, 0],
    ['goes away', { fails: 'broken' as const }, 0],
  ])('says nothing about the recipient when the server %s', async (_, server, code) => {
    const { query } = await start('host = "inside.test"', { 'inside.test': server });
    expect(await query({ rcptto: 'ann@ours.test' })).toMatchObject({ kind: 'tempfail', code });
  });

  it('about an international recipient is said as the server can read it', async () => {
    const plain = await start('host = "inside.test"', { 'inside.test': {} });
    expect(await plain.query({ rcptto: 'ann@bücher.test' })).toMatchObject({ kind: 'known' });
    expect(plain.played.visits[0]?.lines).toEqual(['MAIL FROM:<>', 'RCPT TO:<ann@xn--bcher-kva.test>']);
    expect(await plain.query({ rcptto: 'änn@ours.test' })).toMatchObject({ kind: 'unknown', error: expect.stringContaining('5.6.7') });
    const able = await start('host = "inside.test"', { 'inside.test': { keywords: ['SMTPUTF8'] } });
    await able.query({ rcptto: 'änn@ours.test' });
    expect(able.played.visits[0]?.lines).toEqual(['MAIL FROM:<> SMTPUTF8', 'RCPT TO:<änn@ours.test>']);
  });

  it.each([
    [{ rcptto: '' }, /rcptto is missing/],
    [{ rcptto: 'a@b\r\nDATA' }, /rcptto is no address/],
    [{ rcptto: 'ann@ours.test', mailfrom: 'x' }, /mailfrom is no address/],
    [{ rcptto: 'ann@ours.test', host: '' }, /host is missing/],
    [{ rcptto: 'ann@ours.test', host: 'a b' }, /host is neither/],
    [{ rcptto: 'ann@ours.test', port: 0 }, /port/],
    [{ rcptto: 'ann@ours.test', timeoutSeconds: 0 }, /timeout/],
  ])('%j is none', async (question, words) => {
    const { query, played } = await start('host = "inside.test"');
    await expect(query(question)).rejects.toThrow(words);
    expect(played.visits).toEqual([]);
  });

  it('without a host anywhere is none either', async () => {
    const { query } = await start('');
    await expect(query({ rcptto: 'ann@ours.test' })).rejects.toThrow(RangeError);
  });

  it('ends with its owner', async () => {
    const { query } = await start('host = "inside.test"');
    const owner = new AbortController();
    const asked = query({ rcptto: 'dan@ours.test', signal: owner.signal });
    owner.abort(new Error('gone'));
    await expect(asked).rejects.toThrow('gone');
  });

  it('is asked once within cache_ttl, unless the answer was none', async () => {
    const { query, played, clock, counts } = await start('host = "inside.test"  cache_ttl = 100');
    for (const local of ['ann', 'ann', 'bob', 'bob', 'cyd', 'cyd']) await query({ rcptto: `${local}@ours.test` });
    expect(played.visits.length).toBe(4);
    expect(counts.get('smtp_rcptto_proxy_cached')).toBe(2);
    expect(await query({ rcptto: 'bob@ours.test' })).toMatchObject({ kind: 'unknown', code: 550 });
    await clock.advance(100_001);
    await query({ rcptto: 'ann@ours.test' });
    expect(played.visits.length).toBe(5);
  });
});

describe('domains', () => {
  const DOMAINS = 'host = "inside.test"  domains = ( "ours.test" )  timeout = 9';

  it('lets known recipients go on, and refuses the others', async () => {
    const { rcpt, clock } = await start(DOMAINS);
    expect(await rcpt('ann')).toBeUndefined();
    expect(await rcpt('bob')).toMatchObject({ do: 'reject', reply: { code: 550, status: '5.1.1', text: 'recipient unknown' } });
    expect(await rcpt('cyd')).toMatchObject({ do: 'tempfail', reply: { code: 451, status: '4.2.1' } });
    const dan = rcpt('dan');
    await clock.advance(9000);
    expect(await dan).toMatchObject({ do: 'tempfail', reply: { code: 451, status: '4.2.1' } });
  });

  it('fails closed when nobody is there', async () => {
    const { rcpt } = await start(DOMAINS, {});
    expect(await rcpt('ann')).toMatchObject({ do: 'tempfail', reply: { code: 451 } });
  });

  it('tells a full or closed mailbox from one that is not there', async () => {
    const { rcpt } = await start(DOMAINS, { 'inside.test': { say: (line) => (line.startsWith('RCPT') ? '552 5.2.2 full' : '250 ok') } });
    expect(await rcpt('ann')).toMatchObject({ do: 'reject', reply: { code: 550, status: '5.2.2', text: 'recipient refused' } });
  });

  it('leaves other domains and bare recipients alone', async () => {
    const { rcpt, played } = await start('host = "inside.test"  domains = ( "*" )');
    expect(await rcpt('postmaster', '')).toBeUndefined();
    const other = await start(DOMAINS);
    expect(await other.rcpt('bob', 'theirs.test')).toBeUndefined();
    expect([played.visits.length, other.played.visits.length]).toEqual([0, 0]);
  });

  it('is silent when the module is passive, and the question still works', async () => {
    const { rcpt, query } = await start(`${DOMAINS}  enabled = false`);
    expect(await rcpt('bob')).toBeUndefined();
    expect(await query({ rcptto: 'bob@ours.test' })).toMatchObject({ kind: 'unknown' });
  });
});

describe('the console', () => {
  it('asks', async () => {
    const { command } = await start('host = "inside.test"', { 'inside.test': INSIDE, 'other.test': {} });
    expect(await command('bob@ours.test')).toEqual([
      { recipient: 'bob@ours.test', result: 'unknown', code: 550, error: 'fail: 550 5.1.1 no such user' },
    ]);
    expect(await command('bob@ours.test', 'other.test:26')).toMatchObject([{ result: 'known' }]);
    expect(await command()).toBe('Say which address.');
    expect(await command('bob')).toBe('rcptto is no address.');
  });
});

it.each([
  'domains = ( "ours.test" )',
  'host = "a b"',
  'host = "::1:x"',
  'mailfrom = "nobody"',
  'port = 0',
  'max_connections = 0',
  'cache_ttl = -1',
])('check refuses %s', async (line) => {
  expect((await configureIt(line)).ok).toBe(false);
});
