/** smtp_auth_proxy over visits that are made up: what is asked, of whom, and what comes of it. */
import { describe, expect, it } from 'vitest';
import { type Login, type ProbeDoor, ProbeFailure, type ProbeService, type ProbeTerms, type ProbeVisit } from '#module';
import { configureText } from '../../src/config/configure.js';
import { makeSession, rehearse } from '../../src/module/fixture.js';
import { Probes } from '../../src/module/service.js';
import { makePlans } from '../../src/server/plans.js';
import smtpAuthProxy from './index.js';

const configureIt = (text: string) => configureText(text, { manifests: [smtpAuthProxy], unread: new Set() });

interface Asked {
  readonly door: ProbeDoor;
  readonly terms: ProbeTerms;
  readonly login: Login;
}

/** The module over a server that answers each log-in with a code or a failure. */
async function start(options: string, answer: (asked: Asked) => number | ProbeFailure, auth = 'PLAIN LOGIN') {
  const configured = await configureIt(`smtp_auth_proxy { ${options} }`);
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  const asked: Asked[] = [];
  const probes: ProbeService = {
    visit: (door, terms, work) => {
      const visit: Pick<ProbeVisit, 'keywords' | 'logIn'> = {
        keywords: new Map([['AUTH', auth]]),
        logIn: async (login) => {
          const one = { door, terms, login };
          asked.push(one);
          const said = answer(one);
          if (typeof said !== 'number') throw said;
          return { code: said, status: '', text: `you said ${login.secret}` };
        },
      };
      return work(visit as ProbeVisit);
    },
  };
  const rehearsal = rehearse({ service: (token) => (token === Probes ? probes : undefined) });
  const { registry } = rehearsal;
  registry.commit(await registry.prepare(makePlans(configured.snapshot, [smtpAuthProxy])));
  const scheme = registry.current.offer('auth', 'smtp_auth_proxy');
  if (!scheme) throw new Error('nothing is offered');
  const verify = (user = 'ann', secret = 'hush', signal = new AbortController().signal) =>
    scheme.verify(user, secret, makeSession(), signal);
  return { ...rehearsal, asked, verify };
}

describe('an answer', () => {
  it.each([
    [235, 'ok'],
    [535, 'no'],
    [454, 'error'],
    [530, 'error'],
    [534, 'error'],
    [501, 'error'],
    [421, 'error'],
    [250, 'error'],
    [new ProbeFailure('unreached', 'x'), 'error'],
    [new ProbeFailure('late', 'x'), 'error'],
    [new ProbeFailure('no_login', 'x'), 'error'],
  ])('%s is %s', async (said, result) => {
    const { verify, counts } = await start('host = "mx.test"', () => said);
    expect(await verify()).toBe(result);
    expect(counts.get(`smtp_auth_proxy_checks ${result}`)).toBe(1);
  });

  it('is asked for by the terms of the options', async () => {
    const { verify, asked } = await start(
      'host = "[::1]" port = 587 timeout = 7 max_connections = 3 require_tls = true tls_verify = true',
      () => 235,
    );
    await verify('ann', 'hush');
    expect(asked[0]).toMatchObject({
      door: { host: '::1', port: 587, tls: 'required', verify: true },
      terms: { timeoutMs: 7000, most: 3, idleMs: 0 },
      login: { mechanism: 'PLAIN', user: 'ann', secret: 'hush', inClear: false },
    });
  });

  it.each([
    ['LOGIN', 'LOGIN'],
    ['login CRAM-MD5', 'LOGIN'],
    ['CRAM-MD5 PLAIN', 'PLAIN'],
    ['', 'PLAIN'],
  ])('%j is asked by %s', async (offered, mechanism) => {
    const { verify, asked } = await start('host = "mx.test"', () => 235, offered);
    await verify();
    expect(asked[0]?.login.mechanism).toBe(mechanism);
  });

  it('a name or password with NUL is nobody, and nobody is asked', async () => {
    const { verify, asked } = await start('host = "mx.test"', () => 235);
    expect([await verify('a\0b', 'x'), await verify('a', 'x\0b')]).toEqual(['no', 'no']);
    expect(asked).toEqual([]);
  });

  it('what is no failure of the server is no answer either', async () => {
    const { verify } = await start('host = "a.test b.test"', () => {
      throw new TypeError('ours');
    });
    await expect(verify()).rejects.toThrow('ours');
  });
});

describe('several hosts', () => {
  const hostsOf = (asked: readonly Asked[]): string[] => asked.map(({ door }) => `${door.host}:${door.port}`);

  it('are asked in turn', async () => {
    const { verify, asked } = await start('host = ( "a.test" "b.test:26" )', () => 235);
    for (let i = 0; i < 3; i++) await verify();
    expect(hostsOf(asked)).toEqual(['a.test:25', 'b.test:26', 'a.test:25']);
    expect(asked[0]?.terms.timeoutMs).toBe(30_000);
  });

  it('another is asked where one fails, and first for a while; both are told once', async () => {
    let isDown = true;
    const { verify, asked, said, clock } = await start('host = "a.test b.test" debug_level = notice', ({ door }) =>
      isDown && door.host === 'a.test' ? new ProbeFailure('unreached', 'no connection to a.test') : 235,
    );
    for (let i = 0; i < 3; i++) expect(await verify()).toBe('ok');
    expect(hostsOf(asked)).toEqual(['a.test:25', 'b.test:25', 'b.test:25', 'b.test:25']);
    isDown = false;
    await clock.advance(31_000);
    for (let i = 0; i < 2; i++) await verify();
    expect(said.map(({ level, text }) => `${level} ${text}`)).toEqual([
      'error a.test:25 does not check passwords: no connection to a.test',
      'notice a.test:25 checks passwords again',
    ]);
  });

  it('535 is the answer, and no other is asked', async () => {
    const { verify, asked } = await start('host = "a.test b.test"', () => 535);
    expect(await verify()).toBe('no');
    expect(asked).toHaveLength(1);
  });

  it('a client that left ends it', async () => {
    const leaving = new AbortController();
    const { verify, asked } = await start('host = "a.test b.test"', () => {
      leaving.abort(new Error('left'));
      return new ProbeFailure('late', 'x');
    });
    await expect(verify('ann', 'hush', leaving.signal)).rejects.toThrow('left');
    expect(asked).toHaveLength(1);
  });
});

describe('cache_ttl', () => {
  it('remembers yes and no, not trouble, and nobody else', async () => {
    let answer: number | ProbeFailure = 454;
    const { verify, asked, clock } = await start('host = "a.test" cache_ttl = 60', () => answer);
    expect([await verify(), asked.length]).toEqual(['error', 1]);
    answer = 235;
    expect([await verify(), await verify(), asked.length]).toEqual(['ok', 'ok', 2]);
    answer = 535;
    expect([await verify('ann', 'other'), await verify('ann', 'other'), asked.length]).toEqual(['no', 'no', 3]);
    // Neither is a name a part of a password.
    expect([await verify('annh', 'ush'), asked.length]).toEqual(['no', 4]);
    expect([await verify(), asked.length]).toEqual(['ok', 4]);
    await clock.advance(60_000);
    expect([await verify(), asked.length]).toEqual(['no', 5]);
  });

  it('asks once for those who come together', async () => {
    const { verify, asked } = await start('host = "a.test" cache_ttl = 60', () => 235);
    expect(await Promise.all([verify(), verify(), verify()])).toEqual(['ok', 'ok', 'ok']);
    expect(asked).toHaveLength(1);
  });
});

it('never says a password', async () => {
  for (const answer of [235, 535, 454]) {
    const { verify, said, faults } = await start('host = "a.test" debug_level = debug', () => answer);
    await verify();
    expect(JSON.stringify([said, faults])).not.toContain('hush');
  }
});

describe('check', () => {
  it.each([
    ['', /has no host/],
    ['host = "a.test" query = "SELECT 1"', /query needs module ds_core, which is not built/],
    ['host = "a.test" ds_cache = "users"', /ds_cache needs module ds_core, which is not built/],
    ['host = "a.test:x"', /is no host/],
    ['host = "a.test" port = 0', /port/i],
    ['host = "a.test" timeout = 600', /timeout/i],
    ['host = "a.test" max_connections = 0', /max_connections/i],
  ])('refuses { %s }', async (options, words) => {
    const { ok, problems } = await configureIt(`smtp_auth_proxy { ${options} }`);
    expect(ok).toBe(false);
    expect(problems.map(({ say, hint }) => `${say} ${hint}`).join('\n')).toMatch(words);
  });

  it('names tls_verify without require_tls', async () => {
    const { ok, problems } = await configureIt('smtp_auth_proxy { host = "a.test" tls_verify = true }');
    expect(ok).toBe(true);
    expect(problems).toContainEqual(expect.objectContaining({ severity: 'notice', say: expect.stringContaining('takes STARTTLS away') }));
  });
});
