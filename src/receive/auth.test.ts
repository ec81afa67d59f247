/** Who gets in: stores, decisions of options and hooks, limits over sessions. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { InboundValues } from '../config/snapshot.js';
import { VirtualClock } from '../kernel/virtual-clock.js';
import { makeSession, planOf, rehearse } from '../module/fixture.js';
import type { AuthScheme } from '../module/io.js';
import type { Context } from '../module/manifest.js';
import { type Refusal, reject } from '../module/verdict.js';
import type { Step } from '../smtp/sasl/mechanism.js';
import type { ServerSession } from '../smtp/server/reception.js';
import { type LoginPorts, Logins } from './auth.js';

const HASH = createHash('md5').update('tim:mx.test:pencil').digest('hex');
const FILES: Record<string, string> = { '/pw': 'tim:pencil\n#x:y\n', '/dg': `tim:mx.test:${HASH}\n`, '/ha': `tim:${HASH}\n` };

interface Desk {
  readonly logins: Logins;
  readonly clock: VirtualClock;
  readonly told: string[];
  readonly logs: string[];
  readonly files: Map<string, string>;
  session(options: Partial<InboundValues>, ip?: string): ServerSession<unknown>;
  /** One PLAIN attempt; the code of the answer. */
  plain(session: ServerSession<unknown>, user: string, password: string): Promise<string>;
}

async function openDesk(register: (ctx: Context) => void = () => {}, more: Partial<LoginPorts> = {}): Promise<Desk> {
  const { registry } = rehearse();
  const clock = new VirtualClock();
  const told: string[] = [];
  const logs: string[] = [];
  const listening = planOf({
    name: 'listening',
    register: (ctx) => ctx.on('authenticated', (_, user, result) => void told.push(`${user} ${result}`)),
  });
  registry.commit(await registry.prepare([planOf({ name: 'policy', register }), listening]));
  const files = new Map(Object.entries(FILES));
  const logins = new Logins({
    clock,
    files: {
      stat: async (name) => {
        const text = files.get(name);
        if (text === undefined) throw new Error('ENOENT');
        return { mtimeMs: 1, size: text.length, ino: 1, mode: 0o600 };
      },
      read: async (name) => Buffer.from(files.get(name) ?? ''),
    },
    hostname: () => 'mx.test',
    chains: () => registry.current.hooks.chains,
    limits: () => ({ perClient: { count: 5, seconds: 600 }, perUser: { count: 3, seconds: 600 } }),
    scheme: () => undefined,
    randomBytes: (count) => Buffer.alloc(count, 7),
    log: (level, text) => void logs.push(`${level} ${text}`),
    ...more,
  });
  const session: Desk['session'] = (options, ip = '192.0.2.1') => {
    const base = makeSession({ peer: { ip, port: 1 } });
    // Only what logins look at.
    return { ...base, options: { ...base.options, ...options } } as ServerSession<unknown>;
  };
  const plain: Desk['plain'] = async (at, user, password) => {
    const step: Step | undefined = await logins.begin(at, 'PLAIN')?.step(Buffer.from(`\0${user}\0${password}`));
    if (!step || step.kind === 'challenge') return 'none';
    const verdict = await logins.end(at, 'PLAIN', step);
    return verdict ? `${(verdict as Refusal).reply.code} ${(verdict as Refusal).reply.status}` : 'in';
  };
  return { logins, clock, told, logs, files, session, plain };
}

const FILE = { authplainparameters: { uri: 'file:///pw' } };

describe('stores', () => {
  it.each([
    ['file:///pw', {}],
    ['file:////pw', {}],
    ['digest:///dg', {}],
    ['file:///ha', { stored_cleartext: 'false' }],
  ])('%s lets the right password in and no other', async (uri, more) => {
    const { plain, session, told } = await openDesk();
    const at = session({ authplainparameters: { uri, ...more } });
    expect(await plain(at, 'tim', 'pen')).toBe('535 5.7.8');
    expect(await plain(at, 'tom', 'pencil')).toBe('535 5.7.8');
    expect(await plain(at, '#x', 'y')).toBe('535 5.7.8');
    expect(at.facts.get('auth_status')).toBe('fail');
    expect(at.facts.has('can_relay')).toBe(false);
    expect(await plain(at, 'tim', 'pencil')).toBe('in');
    expect(Object.fromEntries(at.facts)).toEqual({ auth_name: 'PLAIN', auth_status: 'pass', auth_user: 'tim', can_relay: 'true' });
    expect(told).toEqual(['tim no', 'tom no', '#x no', 'tim ok']);
  });

  it('a digest of another realm is none', async () => {
    const { plain, session } = await openDesk();
    expect(await plain(session({ authplainparameters: { uri: 'digest:///dg', realm: 'other' } }), 'tim', 'pencil')).toBe('535 5.7.8');
  });

  it('a file that cannot be read is trouble, and is looked at again after five seconds', async () => {
    const { plain, session, files, clock, logs } = await openDesk();
    const at = session(FILE);
    expect(await plain(at, 'tim', 'pencil')).toBe('in');
    files.delete('/pw');
    expect(await plain(at, 'tim', 'pencil')).toBe('in');
    await clock.advance(5000);
    expect(await plain(at, 'tim', 'pencil')).toBe('454 4.7.0');
    expect(at.facts.get('auth_status')).toBe('error');
    expect(logs).toEqual(['error the passwords in /pw cannot be read']);
    files.set('/pw', 'tim:changed\n');
    await clock.advance(5000);
    expect(await plain(at, 'tim', 'changed')).toBe('in');
  });

  it('a verifier of a module is asked, and is trouble when it throws, dawdles or answers nonsense', async () => {
    const verify: AuthScheme['verify'] = async (user, secret) => {
      if (user === 'slow') return new Promise(() => {});
      if (user === 'broken') throw new Error('down');
      return user === 'odd' ? ('maybe' as 'ok') : secret === 'token' ? 'ok' : 'no';
    };
    const { plain, session, clock, logins } = await openDesk(undefined, { scheme: (name) => (name === 'idp' ? { verify } : undefined) });
    const at = session({ authplainparameters: { uri: 'idp://' } });
    expect(await plain(at, 'tim', 'token')).toBe('in');
    expect(await plain(at, 'tim', 'x')).toBe('535 5.7.8');
    expect(await plain(at, 'broken', 'x')).toBe('454 4.7.0');
    expect(await plain(at, 'odd', 'x')).toBe('454 4.7.0');
    const slow = plain(at, 'slow', 'x');
    await clock.advance(90_000);
    expect(await slow).toBe('454 4.7.0');
    expect(logins.mechanisms(session({ authoauthparameters: { uri: 'idp://' } }).options)).toEqual(['OAUTHBEARER', 'XOAUTH2']);
  });
});

describe('mechanisms', () => {
  it('are those with parameters and a store they can use', async () => {
    const { logins, session, logs } = await openDesk();
    const uri = (text: string): Record<string, string> => ({ uri: text });
    const options = session({
      authplainparameters: uri('digest:///dg'),
      authcrammd5parameters: uri('digest:///dg'),
      authdigestmd5parameters: uri('digest:///dg'),
      authloginparameters: uri('nobody://'),
      authscramparameters: uri('file:///pw'),
      authoauthparameters: uri('file:///pw'),
    }).options;
    expect(logins.mechanisms(options)).toEqual(['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'DIGEST-MD5', 'PLAIN']);
    expect(logs).toContain('warning AUTH CRAM-MD5 is not offered: digest:///dg is no store that it can use');
    expect(logins.mechanisms(session({}).options)).toEqual([]);
  });
});

describe('decisions', () => {
  it('always_deny goes before always_allow, and that before the store', async () => {
    const { plain, session } = await openDesk();
    expect(await plain(session({ ...FILE, always_allow: true }), 'tom', 'x')).toBe('in');
    expect(await plain(session({ authplainparameters: {}, always_allow: true }), 'tom', 'x')).toBe('in');
    expect(await plain(session({ ...FILE, always_allow: true, always_deny: true }), 'tim', 'pencil')).toBe('535 5.7.8');
    expect(await plain(session({ ...FILE, always_allow: true }), '', 'x')).toBe('501 5.5.2');
  });

  it('a refusal of a hook wins over success; nothing wins over failure', async () => {
    const asked: string[] = [];
    const { plain, session, told } = await openDesk((ctx) =>
      ctx.on('auth', (_, user, result) => {
        asked.push(`${user} ${result}`);
        return user === 'tim' ? reject('550 5.7.1 not today') : { do: 'accept' };
      }),
    );
    const at = session(FILE);
    expect(await plain(at, 'tim', 'pencil')).toBe('550 5.7.1');
    expect(at.facts.has('can_relay')).toBe(false);
    expect(at.facts.get('auth_status')).toBe('fail');
    expect(await plain(at, 'tom', 'x')).toBe('535 5.7.8');
    expect(asked).toEqual(['tim ok', 'tom no']);
    expect(told).toEqual(['tim no', 'tom no']);
  });

  it('log_authentication writes a line without the password', async () => {
    const { plain, session, logs } = await openDesk();
    await plain(session({ authplainparameters: { uri: 'file:///pw', log_authentication: 'true' } }), 'tim', 'pencil');
    expect(logs).toEqual(['info login of "tim" from 192.0.2.1 by PLAIN: ok']);
  });
});

describe('bad-inputs 19: limits over sessions', () => {
  it('a client that failed too often hears 454 until its time is over, with the right password too', async () => {
    const { plain, session, clock } = await openDesk();
    for (const user of ['a', 'b', 'c', 'd', 'e']) expect(await plain(session(FILE), user, 'x')).toBe('535 5.7.8');
    expect(await plain(session(FILE), 'tim', 'pencil')).toBe('454 4.7.0');
    expect(await plain(session(FILE, '192.0.2.2'), 'tim', 'pencil')).toBe('in');
    await clock.advance(600_000);
    expect(await plain(session(FILE), 'tim', 'pencil')).toBe('in');
  });

  it('one IPv6 customer is one client', async () => {
    const { plain, session } = await openDesk();
    for (let i = 1; i <= 5; i++) await plain(session(FILE, `2001:db8::${i}`), `u${i}`, 'x');
    expect(await plain(session(FILE, '2001:db8::99'), 'tim', 'pencil')).toBe('454 4.7.0');
  });

  it('spellings of a name are one user', async () => {
    const { plain, session } = await openDesk();
    for (const [i, user] of ['TIM', 'Tim', 'ｔｉｍ'].entries()) await plain(session(FILE, `192.0.2.${i + 1}`), user, 'x');
    expect(await plain(session(FILE, '192.0.2.9'), 'tim', 'pencil')).toBe('454 4.7.0');
  });

  it('guesses from everywhere close a user to strangers, not to where he was let in lately', async () => {
    const { plain, session } = await openDesk();
    expect(await plain(session(FILE, '198.51.100.1'), 'tim', 'pencil')).toBe('in');
    for (let i = 1; i <= 3; i++) expect(await plain(session(FILE, `192.0.2.${i}`), 'tim', 'x')).toBe('535 5.7.8');
    expect(await plain(session(FILE, '192.0.2.9'), 'tim', 'pencil')).toBe('454 4.7.0');
    expect(await plain(session(FILE, '198.51.100.1'), 'tim', 'pencil')).toBe('in');
  });
});
