/** AUTH against servers that follow a script: each mechanism, and everything a server can do wrong in it. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { type Caller, type Manners, type Peer, polite, startPeer } from '../../../test/chaos/peer.js';
import { makeCopies } from '../../../test/fixtures/copies.js';
import { systemClock } from '../../kernel/clock.js';
import { Watch } from '../../kernel/watch.js';
import type { Login, LoginMechanism } from '../../module/login.js';
import { Batch } from './batch.js';
import { ClientSession, type Failure, type SessionOwner } from './session.js';
import type { ClientTerms } from './terms.js';
import { ClientKit } from './wire.js';

const watch = new Watch(systemClock, 20);
const kit = new ClientKit(systemClock, watch, () => 'client-nonce');
const MS = 1000;
const timeouts = { connectMs: MS, ehloMs: MS, mailFromMs: MS, rcptToMs: MS, bodyMs: MS, rsetMs: MS, idleMs: MS };

let peer: Peer | undefined;
afterEach(async () => {
  await peer?.close();
  peer = undefined;
});

const b64 = (text: string | Buffer): string => Buffer.from(text).toString('base64');
const challenge = (text: string | Buffer): string => `334 ${b64(text)}\r\n`;
const loginBy = (mechanism: LoginMechanism, more: Partial<Login> = {}): Login => ({
  mechanism,
  user: 'ann',
  secret: 'pw',
  inClear: true,
  refused: 'tempfail',
  ...more,
});

/** One session of one mail with a server that plays `auth` after the AUTH command; what it heard, and how it ended. */
async function logIn(login: Login | undefined, auth: (line: string, caller: Caller) => Promise<string> | string, manners: Manners = {}) {
  const heard: string[] = [];
  peer = await startPeer(
    polite({
      keywords: ['PIPELINING', 'AUTH PLAIN LOGIN XOAUTH2 CRAM-MD5 SCRAM-SHA-256'],
      ...manners,
      answer(verb, line, caller) {
        heard.push(line);
        return verb === 'AUTH' ? auth(line, caller) : manners.answer?.(verb, line, caller);
      },
    }),
  );
  let failure: Failure | undefined;
  const waiting = [new Batch(makeCopies(['bob@a.test']))];
  const outcomes: unknown[] = [];
  const terms: ClientTerms = {
    hop: { name: 'mx.test', ip: '127.0.0.1', port: peer.port },
    source: undefined,
    lmtp: false,
    helo: 'celeris.test',
    tls: 'no',
    tlsFallback: true,
    tlsVerify: 'no',
    tlsContext: undefined,
    xclient: 'no',
    origin: undefined,
    login,
    sendEightBit: true,
    downgrade: 'no',
    strictEightBit: false,
    timeouts,
  };
  await new Promise<ClientSession>((gone) => {
    const owner: SessionOwner = {
      next: (self, riding) => {
        const batch = waiting.shift();
        if (!batch && !riding) self.leave();
        return batch;
      },
      concluded: (_, { results }) => void outcomes.push(...results.map((result) => result?.outcome)),
      closed: (_, why) => {
        failure = why;
      },
      gone,
    };
    new ClientSession('1', kit, terms, owner);
  });
  return { heard, failure, outcomes };
}

const OK = '235 2.7.0 ok\r\n';

describe('AUTH', () => {
  it('is not said without credentials', async () => {
    const { heard, outcomes } = await logIn(undefined, () => OK);
    expect(heard.join()).not.toContain('AUTH');
    expect(outcomes).toEqual(['delivered']);
  });

  it('PLAIN goes in one line, before the mail', async () => {
    const { heard, outcomes } = await logIn(loginBy('PLAIN'), () => OK);
    expect(heard.slice(1, 4)).toEqual(['EHLO celeris.test', `AUTH PLAIN ${b64('\0ann\0pw')}`, expect.stringMatching(/^MAIL FROM/)]);
    expect(outcomes).toEqual(['delivered']);
  });

  it('LOGIN answers name, then password', async () => {
    const said: (string | undefined)[] = [];
    const { heard, outcomes } = await logIn(loginBy('LOGIN'), async (_, caller) => {
      for (const prompt of ['Username:', 'Password:']) {
        caller.say(challenge(prompt));
        said.push(await caller.line());
      }
      return OK;
    });
    expect(heard).toContain('AUTH LOGIN');
    expect(said).toEqual([b64('ann'), b64('pw')]);
    expect(outcomes).toEqual(['delivered']);
  });

  it('XOAUTH2 says its token, and answers the reason of a refusal with nothing', async () => {
    const good = await logIn(loginBy('XOAUTH2', { secret: 'token' }), () => OK);
    expect(good.heard).toContain(`AUTH XOAUTH2 ${b64('user=ann\x01auth=Bearer token\x01\x01')}`);
    await peer?.close();
    let answer: string | undefined;
    const bad = await logIn(loginBy('XOAUTH2'), async (_, caller) => {
      caller.say(challenge('{"status":"401"}'));
      answer = await caller.line();
      return '535 5.7.8 expired\r\n';
    });
    expect(answer).toBe('');
    expect(bad.failure?.reply).toBe('454 4.7.8 [internal] AUTH refused: 535 5.7.8 expired');
  });

  it('a command longer than 512 octets goes without its initial response', async () => {
    const secret = 't'.repeat(900);
    let answer: string | undefined;
    const { heard, outcomes } = await logIn(loginBy('XOAUTH2', { secret }), async (_, caller) => {
      caller.say('334 \r\n');
      answer = await caller.line();
      return OK;
    });
    expect(heard).toContain('AUTH XOAUTH2');
    expect(answer).toBe(b64(`user=ann\x01auth=Bearer ${secret}\x01\x01`));
    expect(outcomes).toEqual(['delivered']);
  });

  it('CRAM-MD5 proves the password without saying it', async () => {
    let answer = '';
    const { outcomes } = await logIn(loginBy('CRAM-MD5'), async (_, caller) => {
      caller.say(challenge('<1@test>'));
      answer = Buffer.from((await caller.line()) ?? '', 'base64').toString();
      return OK;
    });
    expect(answer).toBe(`ann ${createHmac('md5', 'pw').update('<1@test>').digest('hex')}`);
    expect(outcomes).toEqual(['delivered']);
  });

  const salt = Buffer.from('salt');
  const playScram =
    (proofOf: (honest: string) => string | undefined) =>
    async (line: string, caller: Caller): Promise<string> => {
      const bare = Buffer.from(line.split(' ')[2] ?? '', 'base64')
        .toString()
        .slice(3);
      const serverFirst = `r=client-nonceserver,s=${b64(salt)},i=4096`;
      caller.say(challenge(serverFirst));
      const [final = '', proof = ''] = Buffer.from((await caller.line()) ?? '', 'base64')
        .toString()
        .split(',p=');
      const salted = pbkdf2Sync('pw', salt, 4096, 32, 'sha256');
      const mac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
      const message = `${bare},${serverFirst},${final}`;
      const clientKey = mac(salted, 'Client Key');
      const signature = mac(createHash('sha256').update(clientKey).digest(), message);
      if (b64(Buffer.from(clientKey.map((octet, i) => octet ^ (signature[i] ?? 0)))) !== proof) return '535 5.7.8 wrong\r\n';
      const shown = proofOf(b64(mac(mac(salted, 'Server Key'), message)));
      if (shown === undefined) return OK;
      caller.say(challenge(`v=${shown}`));
      return (await caller.line()) === '' ? OK : '501 5.7.0 cancelled\r\n';
    };

  it('SCRAM-SHA-256 proves both sides', async () => {
    const { outcomes, failure } = await logIn(
      loginBy('SCRAM-SHA-256'),
      playScram((honest) => honest),
    );
    expect(failure).toBeUndefined();
    expect(outcomes).toEqual(['delivered']);
  });

  it.each([
    ['leaves its proof out', () => undefined, '454 4.7.0 [internal] peer did not prove itself in AUTH'],
    ['shows a false proof', () => b64('no'), '454 4.7.0 [internal] AUTH given up'],
  ])('SCRAM-SHA-256 with a server that %s', async (_, proofOf, reply) => {
    const { failure, outcomes } = await logIn(loginBy('SCRAM-SHA-256'), playScram(proofOf));
    expect(failure).toMatchObject({ kind: 'login', reply, stage: 11 });
    expect(outcomes).toEqual([]);
  });

  it('a success before SCRAM has begun is none', async () => {
    const { failure } = await logIn(loginBy('SCRAM-SHA-256'), () => OK);
    expect(failure?.reply).toBe('454 4.7.0 [internal] peer did not prove itself in AUTH');
  });

  it.each(['PLAIN', 'LOGIN', 'XOAUTH2'] as const)('%s is not said in clear', async (mechanism) => {
    const { heard, failure } = await logIn(loginBy(mechanism, { inClear: false }), () => OK);
    expect(heard.join()).not.toContain('AUTH');
    expect(failure).toMatchObject({ kind: 'login', reply: '454 4.7.0 [internal] AUTH needs TLS' });
  });

  it('CRAM-MD5 needs no TLS', async () => {
    const { outcomes } = await logIn(loginBy('CRAM-MD5', { inClear: false }), async (_, caller) => {
      caller.say(challenge('<1@test>'));
      await caller.line();
      return OK;
    });
    expect(outcomes).toEqual(['delivered']);
  });

  it.each([
    ['offers others', { keywords: ['AUTH LOGIN'] }],
    ['offers none', { keywords: ['PIPELINING'] }],
    ['knows HELO only', { answer: (verb: string) => (verb === 'EHLO' ? '502 what?\r\n' : undefined) }],
  ])('a server that %s defers the mail', async (_, manners) => {
    const { heard, failure } = await logIn(loginBy('PLAIN'), () => OK, manners);
    expect(heard.join()).not.toContain('AUTH');
    expect(failure).toMatchObject({ kind: 'login', reply: '454 4.7.0 [internal] peer does not offer AUTH' });
  });

  it.each([
    ['535 5.7.8 no', 'tempfail', '454 4.7.8 [internal] AUTH refused: 535 5.7.8 no'],
    ['535 5.7.8 no', 'permfail', '535 5.7.8 no'],
    ['504 5.5.4 what', 'tempfail', '454 4.7.8 [internal] AUTH refused: 504 5.5.4 what'],
    ['454 4.7.0 later', 'permfail', '454 4.7.0 later'],
    ['421 4.3.2 bye', 'permfail', '421 4.3.2 bye'],
  ] as const)('%s with %s', async (said, refused, reply) => {
    const { failure, outcomes } = await logIn(loginBy('PLAIN', { refused }), () => `${said}\r\n`);
    expect(failure).toMatchObject({ kind: 'login', reply });
    expect(outcomes).toEqual([]);
  });

  it.each([
    ['of two lines', '334-abcd\r\n334 abcd\r\n'],
    ['that is no base64', '334 a\r\n'],
    ['with other letters', '334 ****\r\n'],
    ['in clear text', '334 Username:\r\n'],
  ])('a challenge %s is cancelled', async (_, line) => {
    let answer: string | undefined;
    const { failure } = await logIn(loginBy('LOGIN'), async (_line, caller) => {
      caller.say(line);
      answer = await caller.line();
      return '501 5.7.0 cancelled\r\n';
    });
    expect(answer).toBe('*');
    expect(failure).toMatchObject({ kind: 'login', reply: '454 4.7.0 [internal] AUTH given up' });
  });

  it('a success after a cancellation is none', async () => {
    const { failure, outcomes } = await logIn(loginBy('PLAIN'), async (_, caller) => {
      caller.say(challenge('more?'));
      await caller.line();
      return OK;
    });
    expect(failure?.reply).toBe('454 4.7.0 [internal] AUTH given up');
    expect(outcomes).toEqual([]);
  });

  it.each(['PLAIN', 'LOGIN', 'XOAUTH2', 'CRAM-MD5', 'SCRAM-SHA-256'] as const)(
    '%s ends with a server that asks without end',
    async (mechanism) => {
      let asked = 0;
      const { failure, outcomes } = await logIn(loginBy(mechanism), async (_, caller) => {
        do {
          asked++;
          caller.say(challenge('x'));
        } while ((await caller.line()) !== undefined);
        return '';
      });
      expect(failure).toMatchObject({ reply: '451 4.5.0 [internal] protocol_error: 334 without end' });
      expect(outcomes).toEqual([]);
      expect(asked).toBeLessThan(7);
    },
  );

  it.each([
    ['250 ok\r\n', '451 4.5.0 [internal] protocol_error: 250 to AUTH'],
    [`${OK}250 ok\r\n`, '451 4.5.0 [internal] protocol_error: reply before its command'],
    ['hang', '451 4.4.2 [internal] no AUTH response'],
    ['fin', '451 4.4.2 [internal] connection closed by remote host'],
  ])('%j', async (answer, reply) => {
    const { failure, outcomes } = await logIn(loginBy('PLAIN'), () => answer);
    expect(failure?.reply).toBe(reply);
    expect(outcomes).toEqual([]);
  });

  it('challenges in one packet are a breach', async () => {
    const { failure } = await logIn(loginBy('LOGIN'), (_, caller) => {
      caller.say(`${challenge('Username:')}${challenge('Password:')}`);
      return caller.silence().then(() => '');
    });
    expect(failure?.kind).toBe('protocol');
  });

  it('no reply of ours tells the secret', async () => {
    const { failure } = await logIn(loginBy('PLAIN', { secret: 'hush-hush' }), () => '535 5.7.8 no\r\n');
    expect(JSON.stringify(failure)).not.toContain('hush');
    expect(JSON.stringify(failure)).not.toContain(b64('\0ann\0hush-hush'));
  });
});
