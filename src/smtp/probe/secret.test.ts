/** Visits under TLS and with a password: what a door demands, what a server can do wrong with it, and what is never said in clear. */
import fs from 'node:fs';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Authority, type Leaf } from '../../../test/chaos/authority.js';
import { type Caller, DEEDS, type Manners, type Peer, polite, type Script, startPeer } from '../../../test/chaos/peer.js';
import { systemClock } from '../../kernel/clock.js';
import { Watch } from '../../kernel/watch.js';
import type { Login } from '../../module/login.js';
import { type ProbeDoor, ProbeFailure, type ProbeVisit } from '../../module/probe.js';
import { type VisitPorts, Visits } from './visits.js';

let authority: Authority;
let good: Leaf;
beforeAll(() => {
  authority = new Authority();
  good = authority.issue('mx.test');
});
afterAll(() => authority.close());

let peer: Peer;
let visits: Visits;
const watch = new Watch(systemClock, 20);
afterEach(async () => {
  await visits.close();
  await peer.close();
});

async function open(script: Script, more: Partial<VisitPorts> = {}): Promise<void> {
  peer = await startPeer(script);
  visits = new Visits({
    clock: systemClock,
    watch,
    names: {
      addresses: async (name) => ({
        kind: 'found',
        records: [{ ip: '127.0.0.1', family: 4 }],
        name,
        ttlSeconds: 1,
        secure: false,
        from: 'dns',
      }),
    },
    hostname: () => 'celeris.test',
    workers: 1,
    secureContext: () => tls.createSecureContext({ ca: fs.readFileSync(authority.file) }),
    ...more,
  });
}

const ask = <T>(door: Partial<ProbeDoor>, work: (visit: ProbeVisit) => Promise<T>, timeoutMs = 3000): Promise<T> =>
  visits.visit(
    { host: 'mx.test', port: peer.port, tls: 'ifavailable', ...door },
    { timeoutMs, most: 5, idleMs: 2000, signal: new AbortController().signal },
    work,
  );
const tellTls = async (visit: ProbeVisit): Promise<string> => `${(await visit.say('NOOP')).code} ${visit.tls?.protocol ?? 'clear'}`;
const kindOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(String, (error: unknown) => {
    if (!(error instanceof ProbeFailure)) throw error;
    return error.kind;
  });

/** Offers STARTTLS in clear, says `answer` to it, and speaks TLS with `leaf` after a 220. Inside there are other keywords. */
const securing =
  (leaf: Leaf | undefined, answer = '220 go ahead\r\n', inside: Manners = { keywords: ['INSIDE'] }): Script =>
  async (caller) => {
    caller.say('220 mx.test\r\n');
    for (;;) {
      const line = await caller.line();
      if (line === undefined) return;
      if (line.startsWith('EHLO')) caller.say('250-mx.test\r\n250-OUTSIDE\r\n250 STARTTLS\r\n');
      else if (line !== 'STARTTLS') caller.say('250 ok\r\n');
      else {
        caller.say(answer);
        if (!answer.startsWith('220')) continue;
        return leaf ? upgrade(caller, leaf, inside) : caller.silence();
      }
    }
  };

function upgrade(caller: Caller, leaf: Leaf, inside: Manners): void {
  caller.socket.removeAllListeners('data');
  const secure = new tls.TLSSocket(caller.socket, { isServer: true, secureContext: tls.createSecureContext(leaf) });
  let waiting = '';
  let wake: (() => void) | undefined;
  secure.on('error', () => {});
  secure.on('data', (chunk) => {
    waiting += chunk.toString('latin1');
    wake?.();
  });
  const line = async (): Promise<string> => {
    while (!waiting.includes('\r\n'))
      await new Promise<void>((done) => {
        wake = done;
      });
    const at = waiting.indexOf('\r\n');
    const found = waiting.slice(0, at);
    waiting = waiting.slice(at + 2);
    return found;
  };
  // The session goes on where the banner of a new one would stand.
  let isFirst = true;
  const say = (text: string): void => {
    if (!isFirst) secure.write(text);
    isFirst = false;
  };
  void polite(inside)({ ...caller, line, say, hangUp: () => secure.end() });
}

describe('TLS', () => {
  it('is used where it is offered, and what was said before counts no more', async () => {
    await open(securing(good));
    expect(await ask({}, async (visit) => [await tellTls(visit), [...visit.keywords.keys()].join(' '), visit.tls?.verified])).toEqual([
      '250 TLSv1.3',
      'INSIDE',
      true,
    ]);
    expect(await ask({}, tellTls)).toBe('250 TLSv1.3');
    expect(peer.accepted).toBe(1);
  });

  it.each([
    ['no', '250 clear'],
    ['ifavailable', '250 clear'],
    ['required', 'unreached'],
  ] as const)('%s without STARTTLS: %s', async (demand, result) => {
    await open(polite());
    expect(await kindOf(ask({ tls: demand }, tellTls))).toBe(result);
  });

  it.each([
    ['ifavailable', '454 not now\r\n', '250 clear'],
    ['ifavailable', '502 what?\r\n', '250 clear'],
    ['ifavailable', '421 bye\r\n', 'unreached'],
    ['required', '454 not now\r\n', 'unreached'],
    ['required', '250 sure\r\n', 'broken'],
    ['ifavailable', '220 go\r\n250 injected\r\n', 'broken'],
    ['ifavailable', '220 go\r\n250 inj', 'broken'],
    ['required', '220 go\r\nEHLO', 'broken'],
  ] as const)('%s, and %j to STARTTLS: %s', async (demand, answer, result) => {
    await open(securing(good, answer));
    expect(await kindOf(ask({ tls: demand }, tellTls))).toBe(result);
  });

  it('is not begun with no, whatever is offered', async () => {
    await open(securing(good));
    expect(await kindOf(ask({ tls: 'no' }, tellTls))).toBe('250 clear');
  });

  it('a handshake that fails is no connection, one that hangs is late', async () => {
    await open(securing(undefined));
    expect(await kindOf(ask({}, tellTls, 300))).toBe('late');
    await visits.close();
    await peer.close();
    await open(async (caller) => {
      const script = securing(undefined, '220 go\r\n');
      caller.socket.once('data', () => setTimeout(() => caller.say('250 this is no TLS\r\n'), 100));
      await script(caller);
    });
    expect(await kindOf(ask({}, tellTls))).toBe('unreached');
  });

  it('a certificate counts where it is to be verified', async () => {
    const bad = { self: authority.selfSigned('mx.test'), expired: authority.issue('mx.test', true), other: authority.issue('other.test') };
    for (const leaf of Object.values(bad)) {
      await open(securing(leaf));
      expect(await kindOf(ask({ tls: 'required' }, tellTls))).toBe('250 TLSv1.3');
      expect(await kindOf(ask({ tls: 'required', verify: true }, tellTls))).toBe('unreached');
      expect(await kindOf(ask({ tls: 'ifavailable', verify: true }, tellTls))).toBe('unreached');
      await visits.close();
      await peer.close();
    }
    await open(securing(good));
    expect(await kindOf(ask({ verify: true }, tellTls))).toBe('250 TLSv1.3');
  });

  it('files of ours that cannot be used are told, and nothing goes in clear then', async () => {
    await open(securing(good), { secureContext: () => Promise.reject(new Error('ENOENT: ca.pem')) });
    await expect(ask({}, tellTls)).rejects.toThrow('ENOENT: ca.pem');
    expect(peer.accepted).toBe(0);
  });
});

const login = (more: Partial<Login> = {}): Login => ({
  mechanism: 'PLAIN',
  user: 'ann',
  secret: 'hush',
  inClear: true,
  refused: 'tempfail',
  ...more,
});
const speaking = (auth: string | ((line: string, caller: Caller) => Promise<string>), heard: string[] = []): Script =>
  polite({
    keywords: ['AUTH PLAIN LOGIN SCRAM-SHA-256'],
    answer(verb, line, caller) {
      heard.push(line);
      return verb === 'AUTH' ? (typeof auth === 'string' ? auth : auth(line, caller)) : undefined;
    },
  });
const logIn =
  (how: Partial<Login> = {}) =>
  async (visit: ProbeVisit): Promise<number> =>
    (await visit.logIn(login(how))).code;

describe('logIn', () => {
  it.each([235, 535, 454, 421, 501])("%i is the server's reply, and nobody else gets this connection", async (code) => {
    const heard: string[] = [];
    await open(speaking(`${code} 5.7.8 said\r\n`, heard));
    expect([await ask({}, logIn()), await ask({}, logIn())]).toEqual([code, code]);
    expect(heard.filter((line) => line.startsWith('AUTH'))).toEqual(Array(2).fill('AUTH PLAIN AGFubgBodXNo'));
    expect(peer.accepted).toBe(2);
  });

  it('answers the questions of LOGIN', async () => {
    const said: (string | undefined)[] = [];
    await open(
      speaking(async (_, caller) => {
        for (const prompt of ['VXNlcm5hbWU6', 'UGFzc3dvcmQ6']) {
          caller.say(`334 ${prompt}\r\n`);
          said.push(await caller.line());
        }
        return '235 2.7.0 ok\r\n';
      }),
    );
    expect(await ask({}, logIn({ mechanism: 'LOGIN' }))).toBe(235);
    expect(said).toEqual(['YW5u', 'aHVzaA==']);
  });

  it('is not said where the secret would show, or the mechanism is missing; the connection is as good as before', async () => {
    const heard: string[] = [];
    await open(speaking('235 ok\r\n', heard));
    for (const how of [{ inClear: false }, { mechanism: 'CRAM-MD5' }] as const) expect(await kindOf(ask({}, logIn(how)))).toBe('no_login');
    expect(await kindOf(ask({}, tellTls))).toBe('250 clear');
    expect([heard.some((line) => line.startsWith('AUTH')), peer.accepted]).toEqual([false, 1]);
  });

  it.each([
    ['a challenge that is none', 'PLAIN', '334 !!\r\n', 'broken'],
    ['235 before its proof', 'SCRAM-SHA-256', '235 2.7.0 welcome\r\n', 'broken'],
    ['250', 'PLAIN', '250 ok\r\n', 'broken'],
    ['two answers at once', 'LOGIN', '334 VXNlcm5hbWU6\r\n235 ok\r\n', 'broken'],
    ['FIN', 'PLAIN', DEEDS.FIN, 'broken'],
    ['silence', 'PLAIN', DEEDS.HANG, 'late'],
  ] as const)('%s to AUTH', async (_, mechanism, answer, kind) => {
    await open(speaking(answer));
    expect(await kindOf(ask({}, logIn({ mechanism }), 400))).toBe(kind);
  });

  it('never says a password in its errors', async () => {
    for (const answer of ['250 AUTH PLAIN AGFubgBodXNo\r\n', 'AUTH PLAIN AGFubgBodXNo hush\r\n', '334 hush\r\n']) {
      await open(speaking(answer));
      const error: unknown = await ask({}, logIn()).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ProbeFailure);
      expect(String(error)).not.toMatch(/hush|AGFub/);
      await visits.close();
      await peer.close();
    }
    await open(polite());
  });
});
