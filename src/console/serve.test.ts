/** The console over real sockets: our client, and peers that do not keep to the protocol. */
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../kernel/virtual-clock.js';
import { Watch } from '../kernel/watch.js';
import { ConsoleClient, parseEndpoint } from './client.js';
import { type ConsoleCommand, say } from './command.js';
import { type Answer, asAnswer, encodeFrame, FrameReader, MAX_REQUEST_BYTES } from './frame.js';
import { serveConsole } from './serve.js';

let folder = '';
let server: net.Server;
let clock: VirtualClock;
let watch: Watch;
let idleMs: number;
let failures: unknown[];
let accepted: net.Socket[];
let running: string[];
let release: () => void;
let sessions: { close(): void }[];
let aborted: number;

const commands: readonly ConsoleCommand[] = [
  { name: 'echo', doc: 'd', run: (args) => say(args.join(' '), args) },
  {
    name: 'slow',
    doc: 'd',
    run: async ([name = ''], signal) => {
      running.push(`begin ${name}`);
      signal.addEventListener('abort', () => aborted++);
      await new Promise<void>((done) => {
        release = done;
      });
      running.push(`end ${name}`);
      return say(name);
    },
  },
  { name: 'circle', doc: 'd', run: () => say('x', 10n) },
  { name: 'huge', doc: 'd', run: () => say('x'.repeat(65 << 20)) },
];

beforeEach(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-console-'));
  clock = new VirtualClock();
  watch = new Watch(clock);
  idleMs = 0;
  failures = [];
  accepted = [];
  running = [];
  sessions = [];
  aborted = 0;
  server = net.createServer((socket) => {
    accepted.push(socket);
    sessions.push(
      serveConsole(socket, {
        book: () => commands,
        watch,
        mono: () => clock.mono(),
        idleMs: () => idleMs,
        failed: (error) => failures.push(error),
      }),
    );
  });
  server.listen(path.join(folder, 's'));
  await once(server, 'listening');
});
afterEach(async () => {
  for (const socket of accepted) socket.destroy();
  watch.stop();
  await new Promise((done) => server.close(done));
  fs.rmSync(folder, { recursive: true });
});

const dial = async (): Promise<net.Socket> => {
  const socket = net.connect(path.join(folder, 's'));
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
};

/** Answers until so many came, or the connection ended. */
function readAnswers(socket: net.Socket, count: number): Promise<readonly (Answer | undefined)[]> {
  const reader = new FrameReader(1 << 26);
  const answers: (Answer | undefined)[] = [];
  return new Promise((done) => {
    socket.on('data', (chunk: Buffer) => {
      answers.push(...reader.push(chunk).map(asAnswer));
      if (answers.length >= count) done(answers);
    });
    socket.on('close', () => done(answers));
  });
}

describe('a console session', () => {
  it('answers our client, text and data', async () => {
    const client = await ConsoleClient.connect({ path: path.join(folder, 's') });
    expect(await client.ask('echo a b')).toEqual({ id: 1, ok: true, text: 'a b' });
    expect(await client.ask('echo a', true)).toEqual({ id: 2, ok: true, data: ['a'] });
    expect(await client.ask('nothing')).toMatchObject({ id: 3, ok: false });
    client.close();
    await expect.poll(() => watch.size).toBe(0);
  });

  it('answers several requests of one packet in order, one after the other', async () => {
    const socket = await dial();
    const answers = readAnswers(socket, 3);
    socket.write(
      Buffer.concat([
        encodeFrame({ id: 1, command: 'slow a', json: false }),
        encodeFrame({ id: 2, command: 'slow b', json: false }),
        encodeFrame({ id: 3, command: 'echo c', json: false }),
      ]),
    );
    await expect.poll(() => running).toEqual(['begin a']);
    release();
    await expect.poll(() => running).toEqual(['begin a', 'end a', 'begin b']);
    release();
    expect((await answers).map((answer) => answer?.text)).toEqual(['a', 'b', 'c']);
  });

  it('answers a request that comes octet by octet', async () => {
    const socket = await dial();
    const answers = readAnswers(socket, 1);
    for (const octet of encodeFrame({ id: 9, command: 'echo slowly', json: false })) {
      socket.write(Buffer.of(octet));
      await new Promise((done) => setImmediate(done));
    }
    expect(await answers).toEqual([{ id: 9, ok: true, text: 'slowly' }]);
  });

  it.each([
    ['a frame that is too large', () => Buffer.from([0, 0x10, 0, 1, 0x7b])],
    ['a frame that says 4 GiB', () => Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ['HTTP', () => Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['JSON that is no request', () => encodeFrame({ id: 1, ok: true })],
    ['no JSON', () => Buffer.from([0, 0, 0, 2, 0x21, 0x21])],
  ])('closes on %s without an answer', async (_what, bytes) => {
    const socket = await dial();
    const answers = readAnswers(socket, 1);
    socket.write(bytes());
    expect(await answers).toEqual([]);
    await expect.poll(() => watch.size).toBe(0);
  });

  it('takes a request as large as the limit', async () => {
    const frame = encodeFrame({ id: 1, command: `echo ${'x'.repeat(MAX_REQUEST_BYTES - 46)}`, json: false });
    expect(frame.length).toBeGreaterThan(MAX_REQUEST_BYTES - 20);
    const socket = await dial();
    const answers = readAnswers(socket, 1);
    socket.write(frame);
    expect((await answers)[0]?.text).toHaveLength(MAX_REQUEST_BYTES - 46);
  });

  it('ends after the idle limit, counted from the last answer', async () => {
    idleMs = 10_000;
    const socket = await dial();
    const closed = once(socket, 'close');
    await expect.poll(() => accepted.length).toBe(1);
    await clock.advance(9000);
    const answers = readAnswers(socket, 1);
    socket.write(encodeFrame({ id: 1, command: 'slow a', json: false }));
    await expect.poll(() => running).toEqual(['begin a']);
    await clock.advance(60_000);
    expect(socket.destroyed).toBe(false);
    release();
    expect(await answers).toHaveLength(1);
    await clock.advance(9000);
    expect(accepted[0]?.destroyed).toBe(false);
    await clock.advance(2000);
    expect(accepted[0]?.destroyed).toBe(true);
    await closed;
  });

  it('never ends for idleness without a limit', async () => {
    await dial();
    await expect.poll(() => accepted.length).toBe(1);
    await clock.advance(3_600_000);
    expect(accepted[0]?.destroyed).toBe(false);
  });

  it('tells a command that its asker is gone', async () => {
    const socket = await dial();
    socket.write(encodeFrame({ id: 1, command: 'slow a', json: false }));
    await expect.poll(() => running).toEqual(['begin a']);
    socket.destroy();
    await expect.poll(() => aborted).toBe(1);
    release();
    await expect.poll(() => running).toEqual(['begin a', 'end a']);
    expect(failures).toEqual([]);
  });

  it('says so when an answer cannot be written or is too large, and goes on', async () => {
    const client = await ConsoleClient.connect({ path: path.join(folder, 's') });
    expect(await client.ask('json circle')).toEqual({ id: 1, ok: false, text: 'The answer cannot be written. See the panic log.' });
    expect(failures).toHaveLength(1);
    expect(await client.ask('huge')).toEqual({ id: 2, ok: false, text: 'The answer is too large; ask for less of it.' });
    expect(await client.ask('echo on')).toMatchObject({ ok: true, text: 'on' });
    client.close();
  });

  it('reads no further while many requests wait, and answers all of them in the end', async () => {
    const socket = await dial();
    const answers = readAnswers(socket, 201);
    const batch = (from: number, count: number) =>
      Buffer.concat(Array.from({ length: count }, (_, n) => encodeFrame({ id: from + n, command: `echo ${from + n}`, json: false })));
    socket.write(Buffer.concat([encodeFrame({ id: 0, command: 'slow first', json: false }), batch(1, 100)]));
    await expect.poll(() => accepted[0]?.isPaused()).toBe(true);
    socket.write(batch(101, 100));
    release();
    expect((await answers).map((answer) => answer?.id)).toEqual(Array.from({ length: 201 }, (_, n) => n));
  });

  it('is closed from our side at shut-down; the client hears of it', async () => {
    const client = await ConsoleClient.connect({ path: path.join(folder, 's') });
    const asked = client.ask('slow a');
    await expect.poll(() => running).toEqual(['begin a']);
    for (const session of sessions) session.close();
    await expect(asked).rejects.toThrow('the daemon closed the connection');
    await expect(client.ask('echo x')).rejects.toThrow('the daemon closed the connection');
    release();
  });
});

describe('the client', () => {
  it.each([
    ['/run/celeris.sock', { path: '/run/celeris.sock' }],
    ['var/run/console.sock', { path: 'var/run/console.sock' }],
    ['127.0.0.1:2025', { host: '127.0.0.1', port: 2025 }],
    ['localhost:2025', { host: 'localhost', port: 2025 }],
    ['[::1]:2025', { host: '::1', port: 2025 }],
    ['./a:1', { path: './a:1' }],
    ['', undefined],
  ])('reads %j as an endpoint', (text, endpoint) => {
    expect(parseEndpoint(text)).toEqual(endpoint);
  });

  it('speaks TCP as well, and passes over answers it did not ask for', async () => {
    const tcp = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.write(Buffer.concat([encodeFrame({ id: 99, ok: true }), encodeFrame({ id: 1, command: 'no answer', json: false })]));
      serveConsole(socket, { book: () => commands, watch, mono: () => clock.mono(), idleMs: () => 0, failed: () => {} });
    });
    tcp.listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    const { port } = tcp.address() as net.AddressInfo;
    const client = await ConsoleClient.connect({ host: '127.0.0.1', port });
    expect(await client.ask('echo far')).toMatchObject({ text: 'far' });
    client.close();
    await new Promise((done) => tcp.close(done));
  });

  it('fails where nobody listens', async () => {
    await expect(ConsoleClient.connect({ path: path.join(folder, 'nobody') })).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('gives up on a daemon that talks nonsense', async () => {
    const odd = net.createServer((socket) => socket.resume().end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    odd.listen(path.join(folder, 'odd'));
    await once(odd, 'listening');
    const client = await ConsoleClient.connect({ path: path.join(folder, 'odd') });
    await expect(client.ask('help')).rejects.toThrow();
    await new Promise((done) => odd.close(done));
  });
});
