/** Real TLS peers with something wrong (bad-inputs 39): what is opportunistic goes on in clear and remembers it for the host; what is required never does. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Authority, type Leaf } from './authority.js';
import { type Caller, type Peer, startPeer } from './peer.js';
import { makeRoom, type Room } from './room.js';

let authority: Authority;
const leaves = new Map<string, Leaf>();
const leaf = (name: string): Leaf => leaves.get(name) as Leaf;
const children: ChildProcess[] = [];
let weakPort = 0;

beforeAll(async () => {
  authority = new Authority();
  leaves.set('good', authority.issue('mx.test'));
  leaves.set('expired', authority.issue('mx.test', true));
  leaves.set('other', authority.issue('other.test'));
  leaves.set('self', authority.selfSigned('mx.test'));
  // Node's own server refuses such parameters; openssl's does not.
  execFileSync('openssl', ['dhparam', '-out', authority.path('dh.pem'), '512'], { stdio: 'pipe' });
  weakPort = await freePort();
  const words = ['s_server', '-accept', `127.0.0.1:${weakPort}`, '-cert', 'weak.test-false.crt', '-key', 'weak.test.key', '-quiet'];
  const weak = ['-dhparam', 'dh.pem', '-no_tls1_3', '-cipher', 'DHE-RSA-AES128-SHA:@SECLEVEL=0'];
  authority.issue('weak.test');
  children.push(spawn('openssl', [...words, ...weak], { cwd: authority.folder, stdio: ['pipe', 'ignore', 'ignore'] }));
  for (let tries = 0; tries < 500 && !(await answers(weakPort)); tries++) await new Promise((done) => setTimeout(done, 10));
}, 60_000);
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  authority.close();
});

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  return port;
}

const answers = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy();
      done(true);
    });
    socket.on('error', () => done(false));
  });

const peers: Peer[] = [];
let room: Room | undefined;
afterEach(async () => {
  await room?.stop();
  expect(room?.watch.size ?? 0).toBe(0);
  room = undefined;
  await Promise.all(peers.splice(0).map((peer) => peer.close()));
});

interface Seen {
  clear: number;
  secure: number;
  starttls: number;
}

/** What a peer does with the connection behind its 220 to STARTTLS. */
type Upgrade = (caller: Caller, seen: Seen) => void;

/** Becomes the server's end of TLS; inside it behaves. `spoken` is told of every command. */
const upgrading =
  (options: tls.TLSSocketOptions & tls.SecureContextOptions, spoken?: (verb: string, secure: tls.TLSSocket) => void): Upgrade =>
  (caller, seen) => {
    caller.socket.removeAllListeners('data');
    const { SNICallback, ...rest } = options;
    const secure = new tls.TLSSocket(caller.socket, {
      isServer: true,
      secureContext: tls.createSecureContext(rest),
      ...(SNICallback && { SNICallback }),
    });
    secure.on('error', () => {});
    let inData = false;
    let waiting = '';
    secure.on('data', (chunk: Buffer) => {
      waiting += chunk.toString('latin1');
      for (;;) {
        const end = inData ? '\r\n.\r\n' : '\r\n';
        const at = waiting.indexOf(end);
        if (at < 0) return;
        const line = waiting.slice(0, at);
        waiting = waiting.slice(at + end.length);
        if (inData) seen.secure++;
        const answer = inData ? '250 secured' : line.startsWith('EHLO') ? '250 mx.test' : line === 'DATA' ? '354 go' : '250 ok';
        spoken?.(inData ? 'MESSAGE' : line.slice(0, 4), secure);
        inData = line === 'DATA' && !inData;
        secure.write(`${answer}\r\n`);
      }
    });
  };

/** Hands the connection to another port. */
const relaying =
  (port: () => number): Upgrade =>
  ({ socket }) => {
    socket.removeAllListeners('data');
    const far = net.connect(port(), '127.0.0.1');
    far.on('error', () => socket.destroy());
    socket.pipe(far).pipe(socket);
    socket.on('close', () => far.destroy());
  };

async function serve(upgrade: Upgrade): Promise<{ peer: Peer; seen: Seen }> {
  const seen: Seen = { clear: 0, secure: 0, starttls: 0 };
  const peer = await startPeer(async (caller) => {
    caller.say('220 mx.test\r\n');
    for (;;) {
      const line = await caller.line();
      if (line === undefined) return;
      if (line.startsWith('EHLO')) caller.say('250-mx.test\r\n250-PIPELINING\r\n250 STARTTLS\r\n');
      else if (line === 'STARTTLS') {
        seen.starttls++;
        caller.say('220 go ahead\r\n');
        upgrade(caller, seen);
        return caller.silence();
      } else if (line === 'DATA') {
        seen.clear++;
        caller.say('354 go\r\n');
        await caller.message();
        caller.say('250 in clear\r\n');
      } else caller.say('250 ok\r\n');
    }
  });
  peers.push(peer);
  return { peer, seen };
}

const TLS_10: tls.SecureContextOptions = { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' };
const refuseName: tls.TLSSocketOptions['SNICallback'] = (name, done) => done(new Error(`no such host: ${name}`));

/** Trouble that only a client sees who verifies, and trouble that every client sees. */
const FAULTS: readonly (readonly [string, string, () => Upgrade])[] = [
  ['an expired certificate', 'tls_verify = ca', () => upgrading(leaf('expired'))],
  ['a certificate for another host', 'tls_verify = host', () => upgrading(leaf('other'))],
  ['a self-signed certificate', 'tls_verify = ca', () => upgrading(leaf('self'))],
  ['a weak Diffie-Hellman group', 'tls_protocols = "+ALL:-TLSv1.3"', () => relaying(() => weakPort)],
  ['TLS 1.0 only', '', () => upgrading({ ...leaf('good'), ...TLS_10 })],
  ['a server name that is refused', '', () => upgrading({ ...leaf('good'), SNICallback: refuseName })],
];

const open = async (port: number, config: string): Promise<Room> => {
  const routes = { 'a.test': [{ port, name: 'mx.test' }], 'b.test': [{ port, name: 'mx.test' }] };
  room = await makeRoom({ config: `tls_ca = "${authority.file}"\nmax_deliveries_per_connection = 1\n${config}`, routes });
  return room;
};

describe.each(FAULTS)('%s', (_, options, upgrade) => {
  it('opportunistic: goes in clear on a new connection, and TLS with that host is not tried again', async () => {
    const { peer, seen } = await serve(upgrade());
    const { attempts } = await open(peer.port, `tls = ifavailable\n${options}`);
    for (const [i, to] of ['x@a.test', 'y@a.test', 'z@b.test'].entries()) {
      room?.send([to]);
      await room?.until(i + 1);
    }
    expect(attempts.map(({ outcome, reply }) => [outcome, reply])).toEqual(Array(3).fill(['delivered', '250 in clear']));
    expect(seen).toEqual({ clear: 3, secure: 0, starttls: 1 });
    expect(peer.accepted).toBe(4);
  });

  it('opportunistic without fallback: put off, every time anew', async () => {
    const { peer, seen } = await serve(upgrade());
    const { attempts } = await open(peer.port, `tls = ifavailable\ntls_ifavailable_fallback = false\nhost_failure_retry = 0\n${options}`);
    for (let i = 1; i <= 2; i++) {
      room?.send(['x@a.test']);
      await room?.until(i);
      expect(attempts[i - 1]).toMatchObject({ outcome: 'deferred', reply: '451 4.7.5 [internal] TLS negotiation failed', stage: 17 });
    }
    expect(seen).toEqual({ clear: 0, secure: 0, starttls: 2 });
  });

  it('required: put off, though another domain fell back on that host', async () => {
    const { peer, seen } = await serve(upgrade());
    const { attempts } = await open(peer.port, `tls = required\n${options}\ndomain "b.test" { tls = ifavailable }`);
    room?.send(['x@b.test']);
    await room?.until(1);
    room?.send(['x@a.test']);
    await room?.until(2);
    expect(attempts[0]?.outcome).toBe('delivered');
    expect(attempts[1]).toMatchObject({ outcome: 'deferred', reply: '451 4.7.5 [internal] TLS negotiation failed', stage: 17 });
    expect(seen).toEqual({ clear: 1, secure: 0, starttls: 2 });
  });
});

describe('what one domain remembers of a host', () => {
  it('says nothing to a domain that asks less of it', async () => {
    const { peer, seen } = await serve(upgrading(leaf('self')));
    const { attempts } = await open(peer.port, 'tls = ifavailable\ntls_verify = host\ndomain "b.test" { tls_verify = no }');
    for (const [i, to] of ['x@a.test', 'x@b.test', 'y@a.test'].entries()) {
      room?.send([to]);
      await room?.until(i + 1);
    }
    expect(attempts.map(({ reply }) => reply)).toEqual(['250 in clear', '250 secured', '250 in clear']);
    expect(seen).toEqual({ clear: 2, secure: 1, starttls: 2 });
  });
});

describe('a good certificate', () => {
  it('is verified and told of', async () => {
    const { peer, seen } = await serve(upgrading(leaf('good')));
    const { attempts } = await open(peer.port, 'tls = required\ntls_verify = host');
    room?.send(['x@a.test']);
    await room?.until(1);
    expect(attempts[0]).toMatchObject({ outcome: 'delivered', tls: { verified: 'true', subject: 'CN=mx.test' } });
    expect(seen.clear).toBe(0);
  });
});

describe('renegotiation', () => {
  it('that the server begins costs at most the connection: nothing goes in clear, nothing is lost', async () => {
    let asked = 0;
    const { peer, seen } = await serve(
      upgrading({ ...leaf('good'), maxVersion: 'TLSv1.2' }, (verb, secure) => {
        if (verb !== 'MAIL' || asked++ > 0) return;
        secure.renegotiate({}, () => {});
      }),
    );
    const { attempts } = await open(
      peer.port,
      'tls = required\ntls_verify = host\nbody_timeout = 2\nrcptto_timeout = 2\nmailfrom_timeout = 2',
    );
    room?.send(['x@a.test']);
    await room?.until(1);
    expect(asked).toBe(1);
    expect(attempts[0]?.outcome).toMatch(/^(delivered|deferred)$/);
    expect(seen.clear).toBe(0);
    room?.send(['y@a.test']);
    await room?.until(2);
    expect(attempts[1]).toMatchObject({ outcome: 'delivered', reply: '250 secured', tls: { protocol: 'TLSv1.2' } });
  });
});
