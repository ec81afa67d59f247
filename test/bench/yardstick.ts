/**
 * A fixed piece of work of the kind a mail daemon does (bytes scanned and copied, small objects, sockets on loopback, appended and
 * synced files), against which CPU a message is compared: machines and minutes differ, the ratio hardly does. Never change it.
 */
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

const ROUNDS = 6000;
const CONNECTIONS = 20;
const GROUP = 50;
const LETTER = Buffer.from(`${'Subject: a line of a letter, as long as lines are\r\n'.repeat(80)}.\r\n`);

/** Does the work once and resolves to its CPU (user+sys, all threads) in microseconds a round. */
export async function runYardstick(): Promise<number> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-yardstick-'));
  const file = await fs.promises.open(path.join(folder, 'log'), 'w');
  const server = net.createServer((socket) => answer(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const before = process.cpuUsage();
  let waiting: Buffer[] = [];
  let syncing: Promise<void> | undefined;
  const append = async (bytes: Buffer): Promise<void> => {
    waiting.push(bytes);
    if (waiting.length < GROUP) return;
    const group = waiting;
    waiting = [];
    await syncing;
    syncing = file.writev(group).then(() => file.datasync());
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, () => converse(port, ROUNDS / CONNECTIONS, append)));
  await syncing;
  const { user, system } = process.cpuUsage(before);
  server.close();
  await file.close();
  fs.rmSync(folder, { recursive: true });
  return (user + system) / ROUNDS;
}

function answer(socket: net.Socket): void {
  let got = 0;
  socket.setNoDelay(true);
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    for (let at = chunk.indexOf('\r\n'); at >= 0; at = chunk.indexOf('\r\n', at + 2)) got += 1;
    if (chunk.includes('\r\n.\r\n') || chunk.subarray(-3).toString('latin1') === '.\r\n') socket.write(`250 ${got}\r\n`);
  });
}

async function converse(port: number, rounds: number, append: (bytes: Buffer) => Promise<void>): Promise<void> {
  const socket = net.connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  await once(socket, 'connect');
  const facts = new Map<string, { readonly round: number; readonly reply: string }>();
  for (let round = 0; round < rounds; round++) {
    const copy = Buffer.from(LETTER);
    const heard = once(socket, 'data');
    socket.write(copy);
    const [reply] = (await heard) as [Buffer];
    facts.set(`message-${round % 100}`, { round, reply: reply.toString('latin1') });
    await append(copy);
  }
  socket.end();
}

if (process.argv[1] === import.meta.filename) process.stdout.write(`${await runYardstick()}\n`);
