/** node dist/test/bench/session.js [KIB] [async]: what the session engine alone costs (a reception that keeps nothing), kept and new connections. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { core } from '../../src/config/core/index.js';
import type { InboundValues } from '../../src/config/snapshot.js';
import { defaultsIn, makeValues } from '../../src/config/values.js';
import { systemClock } from '../../src/kernel/clock.js';
import { IdSource } from '../../src/kernel/ids.js';
import { reply } from '../../src/mail/reply.js';
import { TlsContexts } from '../../src/net/tls-contexts.js';
import type { Reception } from '../../src/smtp/server/reception.js';
import { SmtpService } from '../../src/smtp/server/service.js';
import { whereIs } from '../programs.js';

const SESSIONS = 20;
const ROUNDS = 5;
const words = process.argv.slice(2);
const KIB = Number(words.find((word) => /^\d+$/.test(word)) ?? 4);
const LATER = words.includes('async');

const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;

if (words.includes('serve')) serve();
else await compare();

/** The engine with nothing behind it; tells its CPU time when asked. */
function serve(): void {
  const scopes = ['global', 'pathway_group', 'pathway', 'esmtp_listener', 'listen', 'peer'] as const;
  const values = makeValues(defaultsIn(core, scopes), new Map()) as InboundValues;
  const options = Object.freeze({ ...values, connections_per_client: 0 });
  const kept = reply(250, '2.0.0', 'OK 00/00-00000-00000000');
  const nothing = (): void => undefined;
  const reception: Reception<object> = {
    options: () => options,
    accept: nothing,
    connect: nothing,
    ehlo: nothing,
    mailFrom: nothing,
    rcptTo: nothing,
    recipients: nothing,
    message: LATER ? () => Promise.resolve(kept) : () => kept,
    reset: nothing,
    command: nothing,
    refused: nothing,
    event: nothing,
    failed: (_, error) => console.error(error),
    closed: nothing,
  };
  const ids = new IdSource(systemClock, 1);
  const service = new SmtpService<object>({
    reception,
    clock: systemClock,
    contexts: new TlsContexts(),
    hostname: 'bench.test',
    product: 'Celeris bench',
    nextId: () => ids.next(),
    troubled: (error) => {
      throw error;
    },
    largeBodyBytes: () => 131_072,
  });
  const door = { stanza: 'esmtp_listener', listen: 'bench', lmtp: false };
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => service.accept(socket, door));
  server.listen(0, '127.0.0.1', 500, () => process.send?.({ port: (server.address() as net.AddressInfo).port }));
  process.on('message', () => process.send?.({ cpu: process.cpuUsage() }));
  process.on('disconnect', () => process.exit());
}

async function compare(): Promise<void> {
  const server = fork(fileURLToPath(import.meta.url), ['serve', String(KIB), LATER ? 'async' : 'now']);
  const [{ port }] = (await once(server, 'message')) as [{ port: number }];
  if (!whereIs('smtp-source')) throw new Error('smtp-source is missing (Debian: postfix)');
  for (const kept of [true, false]) {
    const messages = kept ? 40_000 : 10_000;
    await load(port, messages >> 2, kept);
    const micros: number[] = [];
    const rates: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const before = await cpuOf(server);
      const started = performance.now();
      await load(port, messages, kept);
      rates.push(messages / ((performance.now() - started) / 1000));
      micros.push(((await cpuOf(server)) - before) / messages);
    }
    console.log(`${kept ? 'kept' : 'new '} ${KIB} KiB: ${median(micros).toFixed(1)} µs a message, ${Math.round(median(rates))}/s`);
  }
  server.disconnect();
}

async function load(port: number, messages: number, kept: boolean): Promise<void> {
  const args = ['-s', String(SESSIONS), '-m', String(messages), '-l', String(KIB * 1024), '-f', 'a@bench.test', '-t', 'b@bench.test'];
  if (kept) args.push('-d');
  const run = spawn(whereIs('smtp-source') ?? 'smtp-source', [...args, `127.0.0.1:${port}`], { stdio: 'inherit' });
  const [code] = (await once(run, 'exit')) as [number];
  if (code !== 0) throw new Error(`smtp-source ended with ${code}`);
}

async function cpuOf(server: ChildProcess): Promise<number> {
  server.send('cpu');
  const [{ cpu }] = (await once(server, 'message')) as [{ cpu: NodeJS.CpuUsage }];
  return cpu.user + cpu.system;
}
