/**
 * Very many connections that want nothing, and many that drip: what a waiting session costs, that others are served as before, and that
 * the slow ones are ended by their deadlines. SCALE=full takes 10,000 and 1,000 (`npm run scale`), the usual run a twentieth.
 */
import fs from 'node:fs';
import net from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { startDaemon } from '../harness/daemon.js';
import { freePort, plainConf } from '../harness/place.js';
import { residentBytes } from '../soak/watch-process.js';

const FULL = process.env.SCALE === 'full';
const IDLE = Number(process.env.SCALE_IDLE ?? (FULL ? 10_000 : 500));
const SLOW = IDLE / 10;
const MEASURE_MS = FULL ? 10_000 : 2500;
/** Deadlines of the socket the slow ones come to, in seconds. */
const IDLE_TIME = FULL ? 20 : 6;
const DATA_TIMEOUT = FULL ? 25 : 8;
/** Files of the daemon that are no clients. */
const OTHER_FILES = 300;
/** One address has about 28,000 ports, which others want too. */
const ADDRESSES = 8;
const AT_ONCE = 100;
const MOST_BYTES = 24 * 1024;
/** How much slower others may be served than at the same time by a daemon that nobody idles at: a short measurement is a rough one. */
const SLOWER = FULL ? 2 : 4;
/** A p99 below this is no trouble on a busy machine. */
const CALM_MS = 50;

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
const mib = (bytes: number): string => (bytes / (1 << 20)).toFixed(0);
const note = (text: string): void => void process.stdout.write(`${text}\n`);

/** How many files a process may open; Node raises its own limit to this. */
function readFileLimit(): number {
  const [, hard = ''] = /^Max open files\s+\S+\s+(\S+)/m.exec(fs.readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
}

/** A connection that holds nothing but what it heard last. */
interface Guest {
  readonly socket: net.Socket;
  readonly openedAt: number;
  last: string;
  endedAt: number;
}

/** Connects, and says `lines` one after another, each when the one before it was answered. */
function visit(port: number, n: number, lines: readonly string[]): Promise<Guest> {
  return new Promise((done, fail) => {
    const socket = net.connect({ port, host: '127.0.0.1', localAddress: `127.0.0.${2 + (n % ADDRESSES)}`, noDelay: true });
    const guest: Guest = { socket, openedAt: performance.now(), last: '', endedAt: 0 };
    let step = 0;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      guest.last = text;
      if (!/(?:^|\n)\d{3} [^\n]*\n$/.test(text)) return;
      const line = lines[step++];
      if (line !== undefined) socket.write(line);
      else if (step === lines.length + 1) done(guest);
    });
    socket.on('close', () => {
      guest.endedAt = performance.now();
      fail(new Error(`visitor ${n} was turned away: ${guest.last}`));
    });
    socket.on('error', fail);
  });
}

async function gather(count: number, port: number, lines: (n: number) => readonly string[]): Promise<Guest[]> {
  const guests: Guest[] = [];
  while (guests.length < count) {
    const from = guests.length;
    const group = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, n) => visit(port, from + n, lines(from + n)));
    guests.push(...(await Promise.all(group)));
  }
  return guests;
}

interface Service {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Two clients, each with one message after another on its connection, for some time. */
async function serve(port: number): Promise<Service> {
  const times: number[] = [];
  const until = performance.now() + MEASURE_MS;
  const work = async (): Promise<void> => {
    const client = await RawClient.connect(port, { timeoutMs: 30_000 });
    await client.expect(220);
    await client.command('EHLO client.test', 250);
    while (performance.now() < until) {
      const began = performance.now();
      expect((await client.deliver('a@sender.test', ['b@one.test'], 'Subject: x\r\n\r\ntext\r\n')).code).toBe(250);
      times.push(performance.now() - began);
    }
    client.close();
  };
  const began = performance.now();
  await Promise.all([work(), work()]);
  const seconds = (performance.now() - began) / 1000;
  times.sort((a, b) => a - b);
  const at = (part: number): number => times[Math.floor(times.length * part)] ?? Number.NaN;
  return { perSecond: times.length / seconds, p50Ms: at(0.5), p99Ms: at(0.99) };
}

const show = ({ perSecond, p50Ms, p99Ms }: Service): string =>
  `${perSecond.toFixed(0)}/s, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`;

const HELLO = 'EHLO idle.test\r\n';
const TO_DATA = [HELLO, 'MAIL FROM:<slow@sender.test>\r\n', 'RCPT TO:<slow@one.test>\r\n', 'DATA\r\n'];
/** What the slow ones do: an endless command, an endless message, an endless chunk that nobody wants, nothing. */
const KINDS: readonly { readonly lines: readonly string[]; readonly drips: boolean; readonly seconds: number }[] = [
  { lines: [HELLO], drips: true, seconds: IDLE_TIME },
  { lines: TO_DATA, drips: true, seconds: DATA_TIMEOUT },
  { lines: [HELLO, 'BDAT 90000 LAST\r\nx'], drips: true, seconds: DATA_TIMEOUT },
  { lines: [], drips: false, seconds: IDLE_TIME },
];
const kindOf = (n: number) => KINDS[n % KINDS.length] ?? { lines: [], drips: false, seconds: IDLE_TIME };

describe('idle and slow clients', () => {
  const room = readFileLimit() - OTHER_FILES;
  const idle = Math.min(IDLE, Math.floor((room / 11) * 10));
  const slow = Math.min(SLOW, Math.floor(room / 11));
  const lack = idle < IDLE ? ` (${IDLE} and ${SLOW} need ulimit -n ${IDLE + SLOW + OTHER_FILES})` : '';

  it(`${idle} that wait and ${slow} that drip take nothing from the others${lack}`, { timeout: FULL ? 600_000 : 120_000 }, async () => {
    if (lack !== '') note(`no room for more than ${idle} idle connections${lack}`);
    await using sink = await startSink({ keep: false });
    const slowPort = await freePort();
    // At the same moment and with the same load on the machine, so that only the guests make a difference.
    const control = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: sink.port }) });
    onTestFinished(() => control.end());
    const daemon = await startDaemon({
      conf: (place) =>
        plainConf(place, { sinkPort: sink.port }).replace(
          'ESMTP_Listener {',
          `ESMTP_Listener { listen_backlog = 4096 Listen "127.0.0.1:${slowPort}" { idle_time = ${IDLE_TIME} data_timeout = ${DATA_TIMEOUT} }`,
        ),
    });
    onTestFinished(() => daemon.end());
    // Code is compiled and buffers have grown before anything is measured.
    const serveBoth = () => Promise.all([serve(daemon.port), serve(control.port)]);
    await serveBoth();

    const before = residentBytes(daemon.pid);
    const half = Math.floor(idle / 2);
    const guests = await gather(half, daemon.port, () => [HELLO]);
    await sleep(1000);
    const between = residentBytes(daemon.pid);
    guests.push(...(await gather(idle - half, daemon.port, () => [HELLO])));
    onTestFinished(() => {
      for (const { socket } of guests) socket.destroy();
    });
    await sleep(1000);
    const after = residentBytes(daemon.pid);
    // The first ones find room that the heap had left; the second half is what more of them cost.
    const bytesEach = Math.max((after - before) / idle, (after - between) / (idle - half));
    const withIdle = await serveBoth();

    // The chunk kind is answered only when it is complete or late: nobody waits for that one.
    const drippers: Guest[] = [];
    for (const [k, kind] of KINDS.entries()) {
      const count = Math.floor(slow / KINDS.length);
      const lines = kind.lines.slice(0, k === 2 ? 1 : undefined);
      const some = await gather(count, slowPort, () => lines);
      for (const guest of some) if (k === 2) guest.socket.write(kind.lines[1] ?? '');
      drippers.push(...some);
    }
    const perKind = drippers.length / KINDS.length;
    const kinds = drippers.map((_, n) => kindOf(Math.floor(n / perKind)));
    const drip = setInterval(() => {
      for (const [n, { socket, endedAt }] of drippers.entries()) if (endedAt === 0 && kinds[n]?.drips) socket.write('x');
    }, 1000);
    onTestFinished(() => clearInterval(drip));
    const withBoth = await serveBoth();
    await daemon.waitFor('the end of all slow ones', () => drippers.every(({ endedAt }) => endedAt > 0), (DATA_TIMEOUT + 20) * 1000);
    clearInterval(drip);

    const lateMs = drippers.map(({ openedAt, endedAt }, n) => endedAt - openedAt - (kinds[n]?.seconds ?? 0) * 1000);
    note(
      [
        `${idle} idle sessions: ${mib(before)} MiB resident before, ${mib(between)} with half, ${mib(after)} with all, ${(bytesEach / 1024).toFixed(1)} KiB each;`,
        `others ${show(withIdle[0])} (at the same time without guests ${show(withIdle[1])});`,
        `with ${drippers.length} that drip ${show(withBoth[0])} (${show(withBoth[1])}); these ended ${(Math.min(...lateMs) / 1000).toFixed(1)} to ${(Math.max(...lateMs) / 1000).toFixed(1)} s after their deadlines`,
      ].join(' '),
    );
    expect(drippers.map(({ last }) => last).filter((text) => !text.startsWith('421 4.4.2 '))).toEqual([]);
    expect(Math.min(...lateMs)).toBeGreaterThan(-500);
    expect(Math.max(...lateMs)).toBeLessThan(8000);
    expect(bytesEach).toBeLessThan(MOST_BYTES);
    for (const [crowded, free] of [withIdle, withBoth]) {
      expect(crowded.perSecond).toBeGreaterThan(free.perSecond / SLOWER);
      expect(crowded.p99Ms).toBeLessThan(SLOWER * Math.max(free.p99Ms, CALM_MS));
    }
    // Those who only wait are still there, and served.
    expect(guests.filter(({ endedAt }) => endedAt > 0)).toEqual([]);
    for (const guest of guests.slice(0, 50)) {
      guest.last = '';
      guest.socket.write('NOOP\r\n');
      await daemon.waitFor('an answer', () => guest.last.startsWith('250 '));
    }
  });
});
