/**
 * A queue of very many domains: what it takes of memory, how soon the daemon serves, and its purge, which a kill in the middle does
 * not undo. SCALE=full takes a million messages over 100,000 domains (`npm run scale`), the usual run a twentieth.
 */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/kernel/clock.js';
import { nodeDisk } from '../../src/kernel/node-disk.js';
import { SegmentSpool } from '../../src/spool/segment-spool.js';
import { startSink } from '../../src/tools/sink/sink.js';
import { makeCopies } from '../fixtures/copies.js';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { makePlace, plainConf } from '../harness/place.js';
import { summaryOf } from '../kill/drain.js';
import { residentBytes } from '../soak/watch-process.js';

const FULL = process.env.SCALE === 'full';
const MESSAGES = Number(process.env.SCALE_MESSAGES ?? (FULL ? 1_000_000 : 50_000));
const DOMAINS = MESSAGES / 10;
/** A hundred thousand domains take a third of it; a small run is mostly the daemon itself. */
const MOST_MIB = FULL ? 500 : 300;
const SERVES_MS = FULL ? 1000 : 4000;
const DAY_MS = 86_400_000;

/** Writes the spool as a daemon would have left it: all mail is due tomorrow. */
async function fill(folder: string): Promise<void> {
  const spool = await SegmentSpool.open({ disk: nodeDisk, clock: systemClock, folder, sync: false });
  await spool.recover(() => {}, new AbortController().signal);
  for (let at = 0; at < MESSAGES; ) {
    const group: Promise<void>[] = [];
    for (const end = Math.min(at + 500, MESSAGES); at < end; at++) {
      const copies = makeCopies([`u${at}@d${at % DOMAINS}.test`]);
      for (const copy of copies) copy.nextAttempt = Date.now() + DAY_MS;
      group.push(spool.write(copies));
    }
    await Promise.all(group);
  }
  await spool.close();
}

async function submit(daemon: Daemon): Promise<void> {
  const client = await RawClient.connect(daemon.port);
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  expect((await client.deliver('alice@sender.test', ['new@fresh.test'], 'Subject: x\r\n\r\nx\r\n')).code).toBe(250);
  await client.command('QUIT', 221);
}

/** Ids in the P lines, as often as they stand there. */
const purged = (daemon: Daemon): string[] =>
  daemon.fileLines('mainlog.ec').flatMap((line) => {
    const [, id = '', , , type] = line.split('@');
    return type === 'P' ? [id] : [];
  });

describe('a queue of many domains', () => {
  it(`of ${MESSAGES} messages over ${DOMAINS}: is small, is there at once, and goes at one word`, {
    timeout: FULL ? 3_600_000 : 300_000,
  }, async () => {
    await using sink = await startSink();
    const place = await makePlace('celeris-wide');
    onTestFinished(() => fs.rmSync(place.dir, { recursive: true, force: true }));
    await fill(path.join(place.dir, 'spool', 'parts', '0'));
    const conf = plainConf(place, { sinkPort: sink.port });

    const startedAt = performance.now();
    const first = await startDaemon({ conf, place, readyTimeoutMs: 30_000 });
    onTestFinished(() => first.kill().catch(() => {}));
    await submit(first);
    const servesMs = performance.now() - startedAt;
    await first.waitFor('all of it', async () => (await summaryOf(first)).loadingPercent === 100, 120_000);
    const loadedMs = performance.now() - startedAt;
    await sink.waitFor(1);
    expect(await summaryOf(first)).toMatchObject({ queued: MESSAGES, delayedQueueSize: MESSAGES });
    const residentMib = residentBytes(first.pid) / (1 << 20);

    const askedAt = performance.now();
    expect(await first.consoleJson('fail domain quiet all')).toMatchObject({ messages: MESSAGES });
    const purgedMs = performance.now() - askedAt;
    expect(await summaryOf(first)).toMatchObject({ activeQueueSize: 0, delayedQueueSize: 0 });
    // Some have ended when the daemon is killed, the rest has not.
    await first.waitFor('some P lines', () => purged(first).length > MESSAGES / 50, 60_000);
    await first.kill();
    const before = purged(first).length;

    const againAt = performance.now();
    const second = await startDaemon({ conf, place, readyTimeoutMs: 60_000 });
    onTestFinished(() => second.kill().catch(() => {}));
    const isOver = async (): Promise<boolean> => {
      const { loadingPercent, queued } = await summaryOf(second);
      return loadingPercent === 100 && queued === 0;
    };
    await second.waitFor('the rest', isOver, FULL ? 1_200_000 : 120_000);
    const endsPerSecond = (MESSAGES - before) / ((performance.now() - againAt) / 1000);
    await second.stop('SIGTERM', 60_000);
    const lines = purged(second);
    const told = new Set(lines).size;
    process.stdout.write(
      `${MESSAGES} over ${DOMAINS} domains: first 250 after ${servesMs.toFixed(0)} ms, all known after ${loadedMs.toFixed(0)} ms, resident ${residentMib.toFixed(0)} MiB; purge answered after ${purgedMs.toFixed(0)} ms, killed after ${before} ends, the rest at ${endsPerSecond.toFixed(0)}/s; ${MESSAGES - told} ends without a line, ${lines.length - told} lines twice\n`,
    );
    // A line is written behind the end it tells of: those of the last moment before the kill may be missing, or stand there twice.
    expect(MESSAGES - told).toBeLessThan(600);
    expect(lines.length - told).toBeLessThan(600);
    expect(sink.received).toHaveLength(1);
    expect(residentMib).toBeLessThan(MOST_MIB);
    expect(servesMs).toBeLessThan(SERVES_MS);
  });
});
