/** One hot destination that all workers deliver to: the limits are those of the daemon, not of each worker. */
import { describe, expect, it } from 'vitest';
import { startSink } from '../../src/tools/sink/sink.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';
import { Feeder } from '../kill/feeder.js';
import { startsOf } from './team.js';

const MAILS = 150;
const PER_SECOND = 40;
const CONNECTIONS = 3;
/** The sink's stamp comes after ours, the later the busier the machine is; the exact proof stands in leases.test.ts. */
const TOLERANCE_MS = 150;

/** Connections that come one after the other are spread over the workers; those of one moment may all be taken by one. */
async function feedAll(daemon: Daemon): Promise<void> {
  const feeder = new Feeder();
  const feeds: Promise<void>[] = [];
  for (let i = 0; i < MAILS / 5; i++) {
    feeds.push(feeder.start({ port: daemon.port, connections: 1, count: 5 }).done);
    await new Promise((done) => setTimeout(done, 8));
  }
  await Promise.all(feeds);
  expect(feeder.acknowledged.size).toBe(MAILS);
}

describe.each([1, 2, 4])('%i workers', (workers) => {
  it('keep a throttle and a connection limit exactly, and use them fully', { timeout: 60_000 }, async () => {
    const times: number[] = [];
    await using sink = await startSink({ keep: false, onMessage: () => void times.push(performance.now()) });
    await using daemon = await startDaemon({
      conf: (place) =>
        plainConf(place, {
          sinkPort: sink.port,
          more: [
            `outbound_throttle_messages = "${PER_SECOND}/1"`,
            `max_outbound_connections = ${CONNECTIONS}`,
            `workers = ${workers}\n`,
          ].join('\n'),
        }),
    });
    await feedAll(daemon);
    await sink.waitFor(MAILS, 30_000);
    expect(startsOf(daemon).size).toBe(workers);
    times.sort((a, b) => a - b);
    const gaps = times.slice(PER_SECOND).map((time, i) => time - (times[i] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(1000 - TOLERANCE_MS);
    expect(sink.mostConnections).toBeLessThanOrEqual(CONNECTIONS);
    // At 40 a second the last of 150 goes in the fourth second; leases may cost a part of it.
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeLessThan(5500);
    await daemon.waitFor('an empty queue', async () => ((await daemon.consoleJson('summary')) as { queued: number }).queued === 0);
    expect(await daemon.consoleJson('summary')).toMatchObject({ received: MAILS, successfullyDelivered: MAILS });
    expect(await daemon.stop()).toBe('0');
  });

  it('never have more connections than allowed while each of them wants all', { timeout: 60_000 }, async () => {
    await using sink = await startSink({ keep: false, greetingDelayMs: 20 });
    await using daemon = await startDaemon({
      conf: (place) => plainConf(place, { sinkPort: sink.port, more: `max_outbound_connections = 5\nworkers = ${workers}\n` }),
    });
    await new Feeder().feed({ port: daemon.port, connections: 40, count: 2000 });
    await sink.waitFor(2000, 30_000);
    expect(sink.mostConnections).toBeLessThanOrEqual(5);
    expect(sink.mostConnections).toBeGreaterThan(2);
  });
});
