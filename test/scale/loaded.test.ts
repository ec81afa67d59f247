/** A start on a queue that is full: it listens and accepts at once, old mail moves soon, and every waiting mail costs little memory. */
import { describe, expect, it } from 'vitest';
import { mainFile, startDaemon } from '../harness/daemon.js';
import { makePlace, plainConf } from '../harness/place.js';
import { summaryOf } from '../kill/drain.js';
import { Feeder } from '../kill/feeder.js';
import { Ledger } from '../kill/ledger.js';
import { residentBytes } from '../soak/watch-process.js';
import { STOCKED } from './lane.js';
import { stockSpool } from './stock-spool.js';

const FULL = process.env.SCALE === 'full';
const MESSAGES = Number(process.env.SCALE_MESSAGES ?? (FULL ? 1_000_000 : 50_000));
const DOMAINS = MESSAGES / 10;
/** Mail that is due at the start, in as many domains. */
const DUE = 100;
const SERVE_MS = FULL ? 1000 : 2000;
/** Right after loading, with what loading left to the collector; and a while later, when some more mail has passed. */
const MOST_BYTES_AT_ONCE = FULL ? 350 << 20 : 280 << 20;
const MOST_BYTES = FULL ? 300_000_000 : 200 << 20;
const DAY_MS = 86_400_000;

const mib = (bytes: number): string => `${(bytes / (1 << 20)).toFixed(0)} MiB`;

describe('a start on a full queue', () => {
  it(`of ${MESSAGES} over ${DOMAINS} domains serves at once and is small`, { timeout: FULL ? 900_000 : 60_000 }, async () => {
    const place = await makePlace('celeris-loaded');
    let firstOldAt = 0;
    const ledger = await Ledger.start({
      onMessage: (localPart) => {
        if (firstOldAt === 0 && Number(localPart.slice(1)) >= STOCKED) firstOldAt = performance.now();
      },
    });
    const seconds = await stockSpool(place, [
      { first: STOCKED, count: MESSAGES - DUE, domainOf: (n) => `d${n % DOMAINS}.test`, nextAttempt: Date.now() + DAY_MS },
      { first: STOCKED + MESSAGES, count: DUE, domainOf: (n) => `d${n % DOMAINS}.test` },
    ]);
    const feeder = new Feeder();
    let firstAnswerAt = 0;
    feeder.heard = () => (firstAnswerAt ||= performance.now());

    mainFile();
    const startedAt = performance.now();
    await using daemon = await startDaemon({ place, conf: plainConf(place, { sinkPort: ledger.port }), readyTimeoutMs: 30_000 });
    const listeningAt = performance.now();
    await feeder.feed({ port: daemon.port, count: 1, connections: 1 });
    await daemon.waitFor('first old mail', () => firstOldAt > 0, 60_000);
    await daemon.waitFor('loaded queue', async () => (await summaryOf(daemon)).loadingPercent === 100, 60_000);
    const loadedAt = performance.now();
    await daemon.waitFor('all due mail', () => ledger.total === DUE + 1, 60_000);
    const atOnce = residentBytes(daemon.pid);
    // Some mail later: what loading left behind is collected, and what stays is the queue's.
    await feeder.feed({ port: daemon.port, count: 2000 });
    await daemon.waitFor('fresh mail', () => ledger.total === DUE + 2001, 60_000);
    await daemon.waitFor('a small daemon', () => residentBytes(daemon.pid) < MOST_BYTES, 30_000).catch(() => undefined);
    const settled = residentBytes(daemon.pid);
    const memory = (await daemon.consoleJson('memory')) as Record<string, number>;
    process.stdout.write(
      `${MESSAGES} queued over ${DOMAINS} domains (made in ${seconds.toFixed(1)} s): listening after ${(listeningAt - startedAt).toFixed(0)} ms, first 250 after ${(firstAnswerAt - startedAt).toFixed(0)} ms, first old mail after ${(firstOldAt - startedAt).toFixed(0)} ms, all loaded after ${(loadedAt - startedAt).toFixed(0)} ms; resident ${mib(atOnce)}, ${mib(settled)} after 2000 more (heap ${mib(memory.heapUsed ?? 0)}, arrays ${mib(memory.arrayBuffers ?? 0)}, queue's tables ${mib(memory.tableBytes ?? 0)})\n`,
    );
    expect(await summaryOf(daemon)).toMatchObject({ delayedQueueSize: MESSAGES - DUE, activeQueueSize: 0 });
    expect(ledger.repeats()).toEqual([]);
    expect(firstAnswerAt - startedAt).toBeLessThan(SERVE_MS);
    expect(firstOldAt - startedAt).toBeLessThan(FULL ? 10_000 : 5000);
    expect(atOnce).toBeLessThan(MOST_BYTES_AT_ONCE);
    expect(settled).toBeLessThan(MOST_BYTES);
    await ledger.stop();
  });
});
