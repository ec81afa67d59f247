/** A worker that dies or hangs: the others go on, its mail is delivered by its successor, its permits come back. */
import { describe, expect, it } from 'vitest';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';
import { drain } from '../kill/drain.js';
import { Feeder } from '../kill/feeder.js';
import { Ledger } from '../kill/ledger.js';
import { isRunning, Prober, untilBothServe, workersOf } from './team.js';

const CONNECTIONS = 3;

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

const panics = (daemon: Daemon): string => daemon.fileLines('paniclog.ec').join('\n');

/** Loads a daemon with connections that are opened again when their worker has died. */
async function loadFor(ms: number, daemon: Daemon, feeder: Feeder): Promise<void> {
  const end = performance.now() + ms;
  const lines = Array.from({ length: 8 }, async () => {
    while (performance.now() < end) await feeder.start({ port: daemon.port, connections: 1, count: 20 }).done;
  });
  await Promise.all(lines);
}

describe('a worker killed by -9 under load', () => {
  it('loses nothing, returns its leases, and nobody is refused a connection', { timeout: 60_000 }, async () => {
    const ledger = await Ledger.start();
    const feeder = new Feeder();
    await using daemon = await startDaemon({
      conf: (place) => plainConf(place, { sinkPort: ledger.port, more: `workers = 2\nmax_outbound_connections = ${CONNECTIONS}\n` }),
    });
    const before = workersOf(daemon);
    expect(before).toHaveLength(2);
    const prober = new Prober(daemon.port);
    const load = loadFor(6000, daemon, feeder);
    for (const number of [0, 1, 0]) {
      await sleep(1200);
      const victim = workersOf(daemon)[number];
      if (victim !== undefined) process.kill(victim, 'SIGKILL');
      await daemon.waitFor('a successor', () => workersOf(daemon).length === 2 && !workersOf(daemon).includes(victim ?? 0));
    }
    await load;
    await prober.stop();
    await untilBothServe(daemon);
    await drain(daemon);
    expect(prober.refused).toBe(0);
    expect(prober.greeted).toBeGreaterThan(100);
    expect(feeder.acknowledged.size).toBeGreaterThan(500);
    expect(ledger.missing(feeder.acknowledged)).toEqual([]);
    // Of each connection that a kill cut the last message, and the one whose answer was read with it, may come again.
    expect([...ledger.times.values()].filter((times) => times > 1).length).toBeLessThanOrEqual(3 * CONNECTIONS * 2);
    expect([...feeder.refused]).toEqual([]);
    expect(panics(daemon)).toMatch(/worker \d, pid \d+, ended \(SIGKILL\)/);
    expect(await daemon.stop()).toBe('0');
    await ledger.stop();
  });
});

describe('a worker that hangs', () => {
  it('is ended after watchdog_interval with a report, and its mail goes on', { timeout: 60_000 }, async () => {
    const ledger = await Ledger.start();
    const feeder = new Feeder();
    await using daemon = await startDaemon({
      conf: (place) => plainConf(place, { sinkPort: ledger.port, more: 'workers = 2\nwatchdog_interval = 2\n' }),
    });
    const [, victim = 0] = workersOf(daemon);
    process.kill(victim, 'SIGSTOP');
    await daemon.waitFor('a successor', () => workersOf(daemon).length === 2 && !workersOf(daemon).includes(victim), 15_000);
    expect(panics(daemon)).toMatch(/gave no sign of life for [23] s and is ended \(state T \(stopped\), memory \d+ kB/);
    await untilBothServe(daemon);
    await feeder.feed({ port: daemon.port, connections: 20, count: 200 });
    await drain(daemon);
    expect(ledger.missing(feeder.acknowledged)).toEqual([]);
    await ledger.stop();
  });
});

describe('a supervisor that is gone', () => {
  it('takes its workers with it in order: a message under way is finished', { timeout: 30_000 }, async () => {
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: 9, more: 'workers = 2\n' }) });
    const workers = workersOf(daemon);
    const client = await RawClient.connect(daemon.port);
    await client.expect(220);
    await client.command('EHLO client.test', 250);
    await client.command('MAIL FROM:<a@b.test>', 250);
    await client.command('RCPT TO:<c@d.test>', 250);
    await client.command('DATA', 354);
    client.send('Subject: x\r\n\r\n');
    process.kill(daemon.pid, 'SIGKILL');
    await sleep(300);
    client.send('the rest\r\n.\r\n');
    await client.expect(250);
    await client.command('NOOP', 421);
    await daemon.waitFor('their end', () => !workers.some(isRunning));
  });
});
