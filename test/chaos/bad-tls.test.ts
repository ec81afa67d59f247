/** Trouble with TLS (bad-inputs 34, 39): deadlines in the handshake, fallback that is remembered for each hop, nothing said in clear counts. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../src/kernel/virtual-clock.js';
import { type Caller, DEEDS, type Peer, polite, type Script, startPeer } from './peer.js';
import { eventually, makeRoom, type Room } from './room.js';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-bad-tls-'));
const file = (name: string): string => path.join(folder, name);
beforeAll(() => {
  const what = ['-subj', '/CN=mx.test', '-days', '2', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  execFileSync('openssl', ['req', '-x509', ...what, '-keyout', file('key.pem'), '-out', file('cert.pem')], { stdio: 'pipe' });
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

const peers: Peer[] = [];
let room: Room | undefined;
afterEach(async () => {
  await room?.stop();
  expect(room?.watch.size ?? 0).toBe(0);
  room = undefined;
  await Promise.all(peers.splice(0).map((peer) => peer.close()));
});

/** Offers STARTTLS; what follows its 220 is up to `upgrade`. Counts the sessions that went on in clear. */
async function offering(upgrade: (caller: Caller) => Promise<void>, answer = '220 go ahead\r\n') {
  const seen = { clear: 0, starttls: 0 };
  const script: Script = async (caller) => {
    caller.say('220 mx.test\r\n');
    for (;;) {
      const line = await caller.line();
      if (line === undefined) return;
      const verb = line.slice(0, 4);
      if (verb === 'EHLO') caller.say('250-mx.test\r\n250-PIPELINING\r\n250 STARTTLS\r\n');
      else if (line === 'STARTTLS') {
        seen.starttls++;
        caller.say(answer);
        if (answer.startsWith('220')) return upgrade(caller);
      } else if (verb === 'DATA') {
        seen.clear++;
        caller.say('354 go\r\n');
        await caller.message();
        caller.say('250 ok\r\n');
      } else caller.say('250 ok\r\n');
    }
  };
  const peer = await startPeer(script);
  peers.push(peer);
  return { peer, seen };
}

/** Becomes the server's end of TLS and behaves inside. */
const behave = (caller: Caller, received: () => void): Promise<void> => {
  caller.socket.removeAllListeners('data');
  const secure = new tls.TLSSocket(caller.socket, {
    isServer: true,
    cert: fs.readFileSync(file('cert.pem')),
    key: fs.readFileSync(file('key.pem')),
  });
  let inData = false;
  let waiting = '';
  secure.on('error', () => {});
  secure.on('data', (chunk: Buffer) => {
    waiting += chunk.toString('latin1');
    for (;;) {
      const end = inData ? '\r\n.\r\n' : '\r\n';
      const at = waiting.indexOf(end);
      if (at < 0) return;
      const line = waiting.slice(0, at);
      waiting = waiting.slice(at + end.length);
      if (inData) received();
      const answer = inData ? '250 secured' : line.startsWith('EHLO') ? '250 mx.test' : line === 'DATA' ? '354 go' : '250 ok';
      inData = line === 'DATA' && !inData;
      secure.write(`${answer}\r\n`);
    }
  });
  return caller.silence();
};

const open = async (port: number, config: string, clock?: VirtualClock): Promise<Room> => {
  room = await makeRoom({ config, routes: { 'a.test': [{ port, name: 'mx.test' }] }, ...(clock && { clock }) });
  return room;
};

describe('silence and nonsense in the handshake', () => {
  it('ends at ehlo_timeout; with fallback the mail goes in clear, and the hop is remembered', async () => {
    const clock = new VirtualClock();
    const { peer, seen } = await offering((caller) => caller.silence());
    const { attempts } = await open(peer.port, 'tls = ifavailable\nehlo_timeout = 20\nmax_deliveries_per_connection = 1', clock);
    room?.send(['a@a.test']);
    await eventually(() => seen.starttls === 1);
    await clock.advance(21_000);
    await room?.until(1);
    expect(attempts[0]).toMatchObject({ outcome: 'delivered', tls: undefined });
    room?.send(['b@a.test']);
    await room?.until(2);
    expect(seen).toEqual({ clear: 2, starttls: 1 });
    await clock.advance(3_700_000);
    room?.send(['c@a.test']);
    await eventually(() => seen.starttls === 2);
    await clock.advance(21_000);
    await room?.until(3);
  });

  it.each([
    ['tls = ifavailable\ntls_ifavailable_fallback = false', 'garbage', async (c: Caller) => c.say('not a hello\r\n')],
    ['tls = required', 'garbage', async (c: Caller) => c.say('not a hello\r\n')],
    ['tls = required', 'FIN', async (c: Caller) => c.hangUp()],
    ['tls = required', 'RST', async (c: Caller) => c.reset()],
  ])('%s: %s in place of a handshake puts the mail off, nothing goes in clear', async (config, _, upgrade) => {
    const { peer, seen } = await offering(async (caller) => {
      // Later than the 220, else it is forgotten with it.
      await new Promise((done) => setTimeout(done, 50));
      await upgrade(caller);
      await caller.silence();
    });
    const { attempts } = await open(peer.port, config);
    room?.send(['a@a.test']);
    await room?.until(1);
    expect(attempts[0]).toMatchObject({ outcome: 'deferred', reply: '451 4.7.5 [internal] TLS negotiation failed', stage: 17 });
    expect(seen.clear).toBe(0);
  });

  it('a refused STARTTLS goes on in clear on the same connection, unless TLS is required', async () => {
    const { peer, seen } = await offering(async () => {}, '454 4.7.0 no TLS today\r\n');
    const { attempts } = await open(peer.port, 'tls = ifavailable');
    room?.send(['a@a.test']);
    await room?.until(1);
    expect(attempts[0]?.outcome).toBe('delivered');
    expect(peer.accepted).toBe(1);
    await room?.stop();
    const strict = await open(peer.port, 'tls = required');
    strict.send(['a@a.test']);
    await strict.until(1);
    expect(strict.attempts[0]).toMatchObject({ outcome: 'deferred', reply: '451 4.7.5 [internal] no tls go-ahead' });
    expect(seen.clear).toBe(1);
  });

  it('a certificate that cannot be read puts the mail off and is said', async () => {
    const { peer, seen } = await offering((caller) => caller.silence());
    const { attempts, logs } = await open(peer.port, `tls = ifavailable\ntls_certificate = "${file('missing.pem')}"`);
    room?.send(['a@a.test']);
    await room?.until(1);
    expect(attempts[0]).toMatchObject({ outcome: 'deferred', reply: '451 4.7.5 [internal] TLS negotiation failed' });
    expect(logs[0]).toContain('TLS settings');
    expect(seen).toEqual({ clear: 0, starttls: 0 });
  });
});

describe('STARTTLS injection', () => {
  it('forgets what was said in clear behind the 220', async () => {
    let received = 0;
    const { peer, seen } = await offering(
      (caller) => behave(caller, () => received++),
      '220 go ahead\r\n250-evil\r\n250 PIPELINING\r\n250 ok\r\n250 ok\r\n354 go\r\n250 done\r\n',
    );
    const { attempts } = await open(peer.port, 'tls = required');
    room?.send(['a@a.test']);
    await room?.until(1);
    expect(attempts[0]).toMatchObject({ outcome: 'delivered', reply: '250 secured' });
    expect(attempts[0]?.tls).toMatchObject({ protocol: 'TLSv1.3', verified: 'false' });
    expect(received).toBe(1);
    expect(seen.clear).toBe(0);
  });
});

describe('a peer without STARTTLS', () => {
  it('gets nothing where TLS is required', async () => {
    const peer = await startPeer(polite({ answer: (verb) => (verb === 'STARTTLS' ? DEEDS.HANG : undefined) }));
    peers.push(peer);
    const { attempts } = await open(peer.port, 'tls = required');
    room?.send(['a@a.test']);
    await room?.until(1);
    expect(attempts[0]).toMatchObject({ outcome: 'deferred', reply: '451 4.7.6 [internal] STARTTLS required but not advertised' });
  });
});
