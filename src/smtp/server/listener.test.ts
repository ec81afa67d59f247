/** Listeners as a configuration writes them, over real sockets. */
import { mkdtempSync, statSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Client } from '../../../test/fuzz/smtp-rehearsal.js';
import { configureText } from '../../config/configure.js';
import type { Snapshot } from '../../config/snapshot.js';
import type { Door } from './house.js';
import { certificatesOf, SmtpListeners, socketsOf } from './listener.js';

const folder = mkdtempSync(join(tmpdir(), 'celeris-listen-'));

async function snapshotOf(text: string): Promise<Snapshot> {
  const result = await configureText(text, { unread: new Set() });
  if (!result.ok) throw new Error(result.problems.map(({ say }) => say).join('; '));
  return result.snapshot;
}

/** Answers every connection with its door. */
const keeper = {
  doors: [] as Door[],
  accept(socket: net.Socket, door: Door): void {
    this.doors.push(door);
    socket.on('error', () => undefined);
    socket.end(`220 ${door.stanza} ${door.listen}\r\n`);
  },
  troubled(error: Error): void {
    throw error;
  },
};

let listeners = new SmtpListeners(keeper);
afterEach(async () => {
  await listeners.close();
  listeners = new SmtpListeners(keeper);
});

const adopt = async (text: string): Promise<void> => {
  const snapshot = await snapshotOf(text);
  await listeners.adopt(socketsOf(snapshot.listeners('esmtp_listener'), snapshot));
};

const greeting = (to: net.NetConnectOpts): Promise<string> => new Client(net.connect(to)).hear();

const portOf = (listen: string): number => {
  const found = listeners.addresses().find((each) => each.listen === listen)?.address;
  if (found?.kind !== 'tcp') throw new Error(`nothing listens as ${listen}`);
  return found.port;
};

describe('speak_lmtp', () => {
  it('is for a listener or one of its sockets, and a reload changes it without closing the socket', async () => {
    const doorsOf = async (text: string) => {
      const snapshot = await snapshotOf(text);
      return socketsOf(snapshot.listeners('esmtp_listener'), snapshot).map(({ door }) => door.lmtp);
    };
    expect(await doorsOf('esmtp_listener { listen "127.0.0.1:0" {} listen "[::1]:0" { speak_lmtp = true } }')).toEqual([false, true]);
    await adopt('esmtp_listener { listen "127.0.0.1:0" {} }');
    const port = portOf('127.0.0.1:0');
    await adopt('esmtp_listener { speak_lmtp = true  listen "127.0.0.1:0" {} }');
    await greeting({ port, host: '127.0.0.1' });
    expect(keeper.doors.at(-1)?.lmtp).toBe(true);
  });
});

describe('turn', () => {
  it('closes and opens one socket or all of a listener, until a reload says what holds', async () => {
    const text =
      'esmtp_listener { listen "127.0.0.1:0" {} listen "[::1]:0" { enable = false } } esmtp_listener other { listen "127.0.0.2:0" {} }';
    await adopt(text);
    const open = () => listeners.addresses().map(({ listen }) => listen);
    expect(open()).toEqual(['127.0.0.1:0', '127.0.0.2:0']);
    const port = portOf('127.0.0.1:0');
    expect(await listeners.turn(false, 'esmtp_listener', '127.0.0.1:0')).toBe(1);
    await expect(
      new Promise((done, fail) => net.connect(port, '127.0.0.1').once('connect', done).once('error', fail)),
    ).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
    expect(await listeners.turn(false, 'esmtp_listener')).toBe(0);
    expect(await listeners.turn(true, 'esmtp_listener')).toBe(2);
    expect(open()).toEqual(['127.0.0.2:0', '127.0.0.1:0', '[::1]:0']);
    expect(await listeners.turn(true, 'nobody')).toBe(0);
    await adopt(text);
    expect(open()).toEqual(['127.0.0.2:0', '127.0.0.1:0']);
  });
});

describe('SmtpListeners', () => {
  it('opens every socket of every stanza', async () => {
    const path = join(folder, 'smtp.sock');
    await adopt(`esmtp_listener { listen "127.0.0.1:0" {} listen "[::1]:0" {} listen "${path}" { file_mode = 0622 } }`);
    expect(await greeting({ port: portOf('127.0.0.1:0'), host: '127.0.0.1' })).toBe('220 esmtp_listener 127.0.0.1:0');
    expect(await greeting({ port: portOf('[::1]:0'), host: '::1' })).toBe('220 esmtp_listener [::1]:0');
    expect(await greeting({ path })).toBe(`220 esmtp_listener ${path}`);
    expect(statSync(path).mode & 0o777).toBe(0o622);
    await listeners.close();
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
  });

  it('keeps what stays, opens what is new and closes what is gone or switched off', async () => {
    const path = join(folder, 'second.sock');
    await adopt('esmtp_listener { listen "127.0.0.1:0" {} }');
    const port = portOf('127.0.0.1:0');
    await adopt(`esmtp_listener { listen "127.0.0.1:0" {} listen "${path}" {} }`);
    expect(portOf('127.0.0.1:0')).toBe(port);
    expect(await greeting({ path })).toContain(path);
    await adopt(`esmtp_listener { listen "127.0.0.1:0" { enable = false } listen "${path}" {} }`);
    expect(listeners.addresses()).toHaveLength(1);
    await expect(greeting({ port, host: '127.0.0.1' })).resolves.toBe('');
    await adopt(`esmtp_listener { enable = false listen "${path}" {} }`);
    expect(listeners.addresses()).toHaveLength(0);
  });

  it('changes nothing when one of them cannot be opened', async () => {
    await adopt('esmtp_listener { listen "127.0.0.1:0" {} }');
    const port = portOf('127.0.0.1:0');
    const path = join(folder, 'third.sock');
    await expect(adopt(`esmtp_listener { listen "127.0.0.1:0" {} listen "${path}" {} listen "192.0.2.1:25" {} }`)).rejects.toThrow(
      'cannot listen on 192.0.2.1:25 (EADDRNOTAVAIL)',
    );
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
    expect(await greeting({ port, host: '127.0.0.1' })).toMatch(/^220/);
  });

  it('serves a socket that another process bound', async () => {
    const { bindSocket } = await import('../../net/bind.js');
    const bound = await bindSocket({ kind: 'tcp', host: '127.0.0.1', port: 0 }, 0);
    listeners = new SmtpListeners(keeper, new Map([['127.0.0.1:0', bound.fd]]));
    await adopt('esmtp_listener { listen "127.0.0.1:0" {} }');
    expect(await greeting({ port: portOf('127.0.0.1:0'), host: '127.0.0.1' })).toMatch(/^220/);
  });

  it('names the certificates that its sockets need', async () => {
    const snapshot = await snapshotOf(
      'esmtp_listener { tls_certificate = "/a.crt" listen ":0" {} listen "127.0.0.1:0" { tls_certificate = "/b.crt" tls_key = "/b.key" } listen "[::1]:0" { tls_certificate = none } }',
    );
    expect(certificatesOf(snapshot.listeners('esmtp_listener'), snapshot)).toMatchObject([
      { certificate: '/a.crt' },
      { certificate: '/b.crt', key: '/b.key' },
    ]);
  });

  it('names those that only some clients see, by peers within peers and by pathways', async () => {
    const snapshot = await snapshotOf(`
      pathway "inside" { tls_certificate = "/pathway.crt" }
      esmtp_listener {
        tls_certificate = "/all.crt"
        peer "10.0.0.0/8" { tls_certificate = "/wide.crt" }
        peer "10.0.0.0/9" { tls_certificate = "/low.crt" }
        peer "10.255.255.255" { tls_certificate = "/last.crt" }
        peer "2001:db8::/32" { pathway = "inside" }
        peer "0.0.0.0/0" { tls_certificate = "/v4.crt" }
        listen "[::]:25" { peer "10.128.0.0/9" { tls_key = "/socket.key" } }
      }`);
    const named = certificatesOf(snapshot.listeners('esmtp_listener'), snapshot);
    expect(named.map(({ certificate, key }) => `${certificate} ${key}`).sort()).toEqual([
      '/all.crt undefined',
      '/last.crt /socket.key',
      '/low.crt undefined',
      '/pathway.crt undefined',
      '/v4.crt undefined',
      '/wide.crt /socket.key',
    ]);
  });
});
