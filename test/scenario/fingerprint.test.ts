/** Fingerprints of clients: by p0f itself, by one that lies, and by none. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { type Place, plainConf } from '../harness/place.js';
import { needs } from '../needs.js';
import { programPath } from '../programs.js';

const REPLY_BYTES = 232;

const conf = (place: Place) =>
  plainConf(place, {
    sinkPort: 9,
    // Each worker has its own cache and its own connection to p0f.
    more: `workers = 1
fingerprint { socket = "${place.dir}/p0f.sock" max_cache_size = 2 }
`,
  }).replace(`:${place.port}" { }`, `:${place.port}" { smtp_extensions = ( "XDUMPCONTEXT" "ENHANCEDSTATUSCODES" ) }`);

/** What the context of a new connection says of its client, and after how long it was greeted. */
async function look(daemon: Daemon, localAddress = '127.0.0.1') {
  const startedAt = performance.now();
  const client = await RawClient.connect(daemon.port, { localAddress });
  await client.expect(220);
  const ms = performance.now() - startedAt;
  await client.command('EHLO client.test', 250);
  const { texts } = await client.command('XDUMPCONTEXT', 250);
  const { code } = await client.deliver('a@a.test', ['b@b.test'], 'Subject: x\r\n\r\nx\r\n');
  await client.command('QUIT', 221);
  const readFact = (key: string) => texts.find((text) => text.startsWith(`[connection] ${key} `))?.slice(`[connection] ${key} `.length);
  return { genre: readFact('fp_genre'), detail: readFact('fp_detail'), code, ms };
}

const countsOf = async (daemon: Daemon): Promise<Record<string, number>> => {
  const rows = (await daemon.consoleJson('fingerprint rejection summary')) as { reason: string; count: number }[];
  return Object.fromEntries(rows.filter(({ count }) => count > 0).map(({ reason, count }) => [reason, count]));
};

/** A p0f that answers each question as it is told to. */
async function speak(place: Place, answer: (query: Buffer) => Buffer | undefined) {
  const queries: Buffer[] = [];
  let connections = 0;
  const server = net.createServer((socket) => {
    connections++;
    let heard = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      heard = Buffer.concat([heard, bytes]);
      while (heard.length >= 21) {
        const query = heard.subarray(0, 21);
        heard = heard.subarray(21);
        queries.push(query);
        const said = answer(query);
        if (said) socket.write(said);
        if (said && said.length < REPLY_BYTES) socket.end();
      }
    });
  });
  server.listen(`${place.dir}/p0f.sock`);
  await once(server, 'listening');
  return { queries, connections: () => connections, close: () => server.close() };
}

function replyOf(genre: string, magic = 0x50304602, status = 0x10): Buffer {
  const reply = Buffer.alloc(REPLY_BYTES);
  reply.writeUInt32LE(magic, 0);
  reply.writeUInt32LE(status, 4);
  reply.write(genre, 40, 'latin1');
  reply.write('9.x', 72, 'latin1');
  return reply;
}

describe('fingerprint', () => {
  it('asks over one connection, once for each host, and forgets the host that was used longest ago', async () => {
    await using daemon = await startDaemon({ conf });
    const p0f = await speak(daemon.place, ([, , , , , , , , last]) => replyOf(last === 3 ? 'Windows' : 'Linux'));
    try {
      expect(await look(daemon)).toMatchObject({ genre: 'Linux', detail: '9.x', code: 250 });
      expect(await look(daemon)).toMatchObject({ genre: 'Linux' });
      expect(await look(daemon, '127.0.0.3')).toMatchObject({ genre: 'Windows' });
      expect(await look(daemon, '127.0.0.2')).toMatchObject({ genre: 'Linux' });
      expect(await look(daemon)).toMatchObject({ genre: 'Linux' });
      expect(p0f.queries.map((query) => query.toString('hex'))).toEqual(
        [1, 3, 2, 1].map((last) => `0146305004${Buffer.from([127, 0, 0, last]).toString('hex')}${'00'.repeat(12)}`),
      );
      expect(p0f.connections()).toBe(1);
      expect(await daemon.consoleJson('fingerprint cache summary')).toEqual([{ cache: 'hosts', entries: 2, limit: 2, hits: 1, misses: 4 }]);
    } finally {
      p0f.close();
    }
  });

  it.each([
    ['another magic', () => replyOf('Linux', 0x12345678), 'bad_reply'],
    ['a short answer', () => replyOf('Linux').subarray(0, 100), 'bad_reply'],
    ['bad query', () => replyOf('Linux', 0x50304602, 0), 'bad_reply'],
    ['no match', () => replyOf('Linux', 0x50304602, 0x20), 'no_match'],
    ['silence', () => undefined, 'timeout'],
  ])('believes no p0f that says %s, and takes the mail', async (_what, answer, reason) => {
    await using daemon = await startDaemon({ conf });
    const p0f = await speak(daemon.place, answer);
    try {
      const { genre, detail, code, ms } = await look(daemon);
      expect([genre, detail, code]).toEqual(['', '', 250]);
      expect(ms).toBeLessThan(reason === 'timeout' ? 600 : 190);
      expect(await countsOf(daemon)).toEqual({ [reason]: 1 });
    } finally {
      p0f.close();
    }
  });

  it('goes on without p0f, and uses it when it comes', async () => {
    await using daemon = await startDaemon({ conf });
    expect(await look(daemon)).toMatchObject({ genre: '', detail: '', code: 250 });
    expect(await countsOf(daemon)).toEqual({ cannot_connect: 1 });
    const p0f = await speak(daemon.place, () => replyOf('Linux'));
    try {
      await daemon.waitFor('fingerprint', async () => (await look(daemon)).genre === 'Linux');
    } finally {
      p0f.close();
    }
  });
});

async function startP0f(place: Place): Promise<ChildProcess> {
  const socket = `${place.dir}/p0f.sock`;
  const child = spawn(programPath('p0f'), ['-i', 'lo', '-s', socket, `tcp port ${place.port}`], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text: Buffer) => (said += text.toString('latin1')));
  const deadline = performance.now() + 10_000;
  while (!said.includes('Entered main event loop')) {
    if (child.exitCode !== null || performance.now() > deadline) throw new Error(`p0f does not run:\n${said}`);
    await new Promise((done) => setTimeout(done, 20));
  }
  return child;
}

// Only root may listen to an interface.
const withP0f = process.getuid?.() === 0 ? needs('p0f') : describe.skip;

withP0f('fingerprint with p0f itself', () => {
  it('knows that the client is Linux, and mail flows when p0f is killed', async () => {
    await using daemon = await startDaemon({ conf });
    const p0f = await startP0f(daemon.place);
    try {
      // p0f looks at packets in batches: a first connection may be asked about too early.
      const seen = await daemon.waitFor('Linux', async () => {
        const found = await look(daemon);
        return found.genre === 'Linux' && found;
      });
      expect(seen.detail).toMatch(/\d\.x/);
      p0f.kill('SIGKILL');
      await once(p0f, 'exit');
      fs.rmSync(`${daemon.dir}/p0f.sock`, { force: true });
      expect(await look(daemon)).toMatchObject({ genre: 'Linux', code: 250 });
      expect(await look(daemon, '127.0.0.7')).toMatchObject({ genre: '', detail: '', code: 250 });
      expect((await countsOf(daemon)).cannot_connect).toBe(1);
    } finally {
      p0f.kill('SIGKILL');
    }
  });
});
