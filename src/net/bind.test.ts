/** Binding apart from serving, over real sockets. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parseSocketAddress, type SocketAddress } from '../config/socket-address.js';
import { adoptSocket, bindSocket } from './bind.js';

const at = (text: string): SocketAddress => {
  const address = parseSocketAddress(text, 25);
  if (typeof address === 'string') throw new Error(address);
  return address;
};
const folder = mkdtempSync(join(tmpdir(), 'celeris-net-'));
const servers: net.Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((done) => server.close(done));
});

const serverSaying = (word: string): net.Server => {
  const server = net.createServer((socket) => socket.on('error', () => socket.destroy()).end(word));
  servers.push(server);
  return server;
};

const hear = (to: net.NetConnectOpts): Promise<string> =>
  new Promise((done, fail) => {
    let heard = '';
    const socket = net.connect(to, () => undefined);
    socket.on('data', (chunk) => (heard += chunk.toString()));
    socket.on('close', () => done(heard));
    socket.on('error', fail);
  });

const portOf = (server: net.Server): number => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
};

describe('a TCP socket', () => {
  it('is bound before it is served', async () => {
    const bound = await bindSocket(at('127.0.0.1:0'), 0);
    const server = serverSaying('hello');
    await bound.serve(server, 10);
    expect(await hear({ port: portOf(server), host: '127.0.0.1' })).toBe('hello');
  });

  it('is handed over by its descriptor', async () => {
    const bound = await bindSocket(at('127.0.0.1:0'), 0);
    const server = serverSaying('inherited');
    await adoptSocket(bound.address, bound.fd).serve(server, 10);
    expect(await hear({ port: portOf(server), host: '127.0.0.1' })).toBe('inherited');
  });

  it('is refused when it is bound, not only when it is served: its descriptor would be served at any port', async () => {
    const first = serverSaying('first');
    await (await bindSocket(at('127.0.0.1:0'), 0)).serve(first, 10);
    await expect(bindSocket(at(`127.0.0.1:${portOf(first)}`), 0)).rejects.toMatchObject({ code: 'NET_IN_USE' });
  });

  it('is refused by name when another holds it', async () => {
    const first = serverSaying('first');
    await (await bindSocket(at('127.0.0.1:0'), 0)).serve(first, 10);
    const again = async () => {
      const bound = await bindSocket(at(`127.0.0.1:${portOf(first)}`), 0);
      await bound.serve(serverSaying('second'), 10);
    };
    await expect(again()).rejects.toThrow(/is in use by another process/);
  });

  it('is refused by name when the address is not ours', async () => {
    await expect(bindSocket(at('192.0.2.77:0'), 0)).rejects.toThrow('cannot listen on 192.0.2.77:0 (EADDRNOTAVAIL)');
  });

  it('lets IPv4 and IPv6 share a port', async () => {
    const four = serverSaying('four');
    await (await bindSocket(at('*:0'), 0)).serve(four, 10);
    const six = serverSaying('six');
    await (await bindSocket(at(`[*]:${portOf(four)}`), 0)).serve(six, 10);
    expect(await hear({ port: portOf(four), host: '127.0.0.1' })).toBe('four');
    expect(await hear({ port: portOf(four), host: '::1' })).toBe('six');
  });
});

describe('a unix socket', () => {
  it('carries its mode whatever the umask, and its file goes with it', async () => {
    const path = join(folder, 'mode.sock');
    const before = process.umask(0o077);
    try {
      const bound = await bindSocket(at(path), 0o662);
      expect(statSync(path).mode & 0o777).toBe(0o662);
      expect(process.umask()).toBe(0o077);
      const server = serverSaying('unix');
      await bound.serve(server, 10);
      expect(await hear({ path })).toBe('unix');
      bound.release();
      expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
    } finally {
      process.umask(before);
    }
  });

  it('takes the place of one that nobody serves any more', async () => {
    const path = join(folder, 'stale.sock');
    const dead = await bindSocket(at(path), 0o600);
    expect(dead.fd).toBeGreaterThan(0);
    const server = serverSaying('new');
    await (await bindSocket(at(path), 0o600)).serve(server, 10);
    expect(await hear({ path })).toBe('new');
    rmSync(path);
  });

  it('leaves one alone that is served', async () => {
    const path = join(folder, 'busy.sock');
    await (await bindSocket(at(path), 0o600)).serve(serverSaying('old'), 10);
    await expect(bindSocket(at(path), 0o600)).rejects.toThrow(/in use by another process/);
    expect(await hear({ path })).toBe('old');
  });

  it('is refused when the kernel would cut its path', async () => {
    await expect(bindSocket({ kind: 'unix', path: `/tmp/${'x'.repeat(103)}` }, 0o600)).rejects.toThrow(/has 108 bytes/);
  });

  it('never removes what is no socket', async () => {
    const path = join(folder, 'file');
    writeFileSync(path, 'precious');
    await expect(bindSocket(at(path), 0o600)).rejects.toThrow(/is not a socket/);
    expect(statSync(path).size).toBe(8);
  });
});
