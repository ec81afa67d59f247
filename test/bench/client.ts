/**
 * Microseconds of CPU to send one message with our client on kept connections to Postfix's smtp-sink (or to a discarding server of
 * our own where it is not installed): `node dist/test/bench/client.js [messages] [connections] [octets]` after a build.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { systemClock } from '../../src/kernel/clock.js';
import { Watch } from '../../src/kernel/watch.js';
import { Address } from '../../src/mail/address.js';
import { Facts } from '../../src/mail/facts.js';
import { Headers } from '../../src/mail/headers.js';
import { bodyOf, Copy } from '../../src/module/copy.js';
import type { Reception } from '../../src/module/message.js';
import { Batch } from '../../src/smtp/client/batch.js';
import { ClientSession, type SessionOwner } from '../../src/smtp/client/session.js';
import type { ClientTerms } from '../../src/smtp/client/terms.js';
import { ClientKit } from '../../src/smtp/client/wire.js';

const [total = 40_000, connections = 20, size = 4096] = process.argv.slice(2).map(Number);
const SINK = '/usr/sbin/smtp-sink';
const port = 20_000 + (process.pid % 20_000);

function startSink(): ChildProcess | net.Server {
  if (fs.existsSync(SINK))
    return spawn(SINK, [...(process.getuid?.() === 0 ? ['-u', 'nobody'] : []), `127.0.0.1:${port}`, '1000'], { stdio: 'ignore' });
  return net.createServer((socket) => discard(socket)).listen(port, '127.0.0.1');
}

/** Answers what our own client says, without reading the mail. */
function discard(socket: net.Socket): void {
  let inData = false;
  socket.write('220 sink\r\n');
  socket.on('data', (chunk) => {
    let answer = '';
    let at = 0;
    while (at < chunk.length) {
      if (inData) {
        const end = chunk.indexOf('\r\n.\r\n', at);
        if (end < 0) break;
        at = end + 5;
        inData = false;
        answer += '250 ok\r\n';
        continue;
      }
      const end = chunk.indexOf('\n', at);
      if (end < 0) break;
      const verb = chunk.toString('latin1', at, at + 4);
      at = end + 1;
      inData = verb === 'DATA';
      answer += inData ? '354 go\r\n' : verb === 'EHLO' ? '250-sink\r\n250 PIPELINING\r\n' : verb === 'QUIT' ? '221 bye\r\n' : '250 ok\r\n';
    }
    if (answer !== '') socket.write(answer);
  });
  socket.on('error', () => socket.destroy());
}

const watch = new Watch(systemClock);
const kit = new ClientKit(systemClock, watch);
const terms: ClientTerms = {
  hop: { name: 'sink.test', ip: '127.0.0.1', port },
  source: undefined,
  lmtp: false,
  helo: 'bench.test',
  tls: 'no',
  tlsFallback: true,
  tlsVerify: 'no',
  tlsContext: undefined,
  xclient: 'no',
  origin: undefined,
  sendEightBit: false,
  downgrade: 'no',
  strictEightBit: false,
  timeouts: { connectMs: 5000, ehloMs: 5000, mailFromMs: 5000, rcptToMs: 5000, bodyMs: 5000, rsetMs: 5000, idleMs: 5000 },
};
const reception = {
  batchId: 'b',
  connectionId: 'c',
  protocol: 'smtp',
  receivedAt: 0,
  sender: new Address('sender', 'from.test'),
  facts: new Facts(),
  smtpUtf8: false,
} satisfies Reception;
const line = `${'x'.repeat(70)}\r\n`;
const body = bodyOf([Buffer.from(line.repeat(Math.ceil(size / line.length)))]);
const headers = new Headers(Buffer.from('From: <sender@from.test>\r\nTo: <rcpt@to.test>\r\nSubject: bench\r\n\r\n'));
const rcpt = new Address('rcpt', 'to.test');
const facts = new Facts();

let sent = 0;
let delivered = 0;
let limit = 0;
let done: (() => void) | undefined;
const owner: SessionOwner = {
  next() {
    if (sent >= limit) return undefined;
    sent++;
    return new Batch([new Copy('id', reception, [rcpt], headers, body, facts)]);
  },
  concluded(_, batch) {
    for (const { outcome, reply } of batch.results) {
      if (outcome !== 'delivered') throw new Error(`${outcome}: ${reply}`);
      if (++delivered === limit) done?.();
    }
  },
  closed: () => {},
  gone: () => {},
};

const sink = startSink();
await new Promise((ready) => setTimeout(ready, 300));
const sessions = Array.from({ length: connections }, (_, i) => new ClientSession(String(i), kit, terms, owner));

async function send(count: number): Promise<void> {
  limit += count;
  const finished = new Promise<void>((arrive) => (done = arrive));
  for (const session of sessions) {
    if (!session.idle) continue;
    const batch = owner.next(session, false);
    if (batch) session.begin(batch);
  }
  await finished;
}

await send(Math.min(total, 20_000));
for (let round = 0; round < 3; round++) {
  const before = process.cpuUsage();
  const began = performance.now();
  await send(total);
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(before);
  console.log(
    `${total} messages of ${size} octets, ${connections} kept connections: ${(total / seconds).toFixed(0)}/s, ${((user + system) / total).toFixed(1)} µs CPU each (user ${(user / total).toFixed(1)})`,
  );
}
for (const session of sessions) session.leave();
if (sink instanceof net.Server) sink.close();
else sink.kill();
watch.stop();
