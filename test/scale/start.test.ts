/**
 * A daemon that starts on a big spool of which 99 % was delivered: it takes mail within a second, old mail moves within ten, nothing
 * comes again. SCALE=full takes a million messages (`npm run scale`), the usual run a twentieth.
 */
import fs from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startDaemon } from '../harness/daemon.js';
import { makePlace, plainConf } from '../harness/place.js';
import { drain, summaryOf } from '../kill/drain.js';
import { Feeder } from '../kill/feeder.js';
import { Ledger } from '../kill/ledger.js';
import { residentBytes } from '../soak/watch-process.js';

const FULL = process.env.SCALE === 'full';
const MESSAGES = Number(process.env.SCALE_MESSAGES ?? (FULL ? 1_000_000 : 50_000));
const OLD = MESSAGES / 100;
const ACCEPT_MS = 1000;
const FIRST_OLD_MS = 10_000;

const note = (text: string): void => void process.stdout.write(`${text}\n`);
const mib = (bytes: number): string => `${(bytes / (1 << 20)).toFixed(0)} MiB`;

describe('a start on a big spool', () => {
  it(`of ${MESSAGES}, 99 % of them delivered, serves at once`, { timeout: FULL ? 3_600_000 : 300_000 }, async () => {
    const place = await makePlace('celeris-scale');
    let isOld: (number: number) => boolean = () => false;
    let firstOldAt = 0;
    const ledger = await Ledger.start({
      host: '0.0.0.0',
      onMessage: (localPart) => {
        if (firstOldAt === 0 && isOld(Number(localPart.slice(1)))) firstOldAt = performance.now();
      },
    });
    const feeder = new Feeder();
    // Old mail has a next hop of its own, which the first daemon is told to leave alone.
    const conf = plainConf(place, { sinkPort: ledger.port, more: 'domain "old.test" { gateway = "[127.0.0.2]" }\n' });
    const first = await startDaemon({ conf, place });
    onTestFinished(() => first.end());
    await first.console('suspend domain old.test');
    await first.console('suspend domain [127.0.0.2]');
    const olds = new Set<number>();
    const began = performance.now();
    // The one in a hundred that stays lies among those that go, so that it keeps their segments alive until compaction comes.
    for (let round = 0; round < 10; round++) {
      const from = feeder.next;
      await feeder.feed({ port: first.port, domain: 'old.test', count: OLD / 10, connections: 10 });
      for (let number = from; number < feeder.next; number++) olds.add(number);
      await feeder.feed({ port: first.port, count: (MESSAGES - OLD) / 10 });
    }
    isOld = (number) => olds.has(number);
    await first.waitFor('99 % delivered', async () => (await summaryOf(first)).queued <= OLD, 600_000);
    const loadSeconds = (performance.now() - began) / 1000;
    expect((await summaryOf(first)).queued).toBe(OLD);
    expect(ledger.times.size).toBe(MESSAGES - OLD);
    const { spoolDiskBytes } = await summaryOf(first);
    const full = residentBytes(first.pid);
    await ledger.witness(() => first.kill());

    const startedAt = performance.now();
    let firstAnswerAt = 0;
    feeder.heard = () => (firstAnswerAt ||= performance.now());
    const second = await startDaemon({ conf, place, readyTimeoutMs: 30_000 });
    onTestFinished(() => second.end());
    const listeningAt = performance.now();
    await feeder.feed({ port: second.port, count: 1, connections: 1 });
    await second.waitFor('first old mail', () => firstOldAt > 0, 30_000);
    const atStart = residentBytes(second.pid);
    await drain(second, 120_000);
    note(
      [
        `${MESSAGES} messages through the daemon in ${loadSeconds.toFixed(0)} s (${(MESSAGES / loadSeconds).toFixed(0)}/s), spool ${mib(spoolDiskBytes)}, resident ${mib(full)};`,
        `start: listening after ${(listeningAt - startedAt).toFixed(0)} ms, first 250 after ${(firstAnswerAt - startedAt).toFixed(0)} ms,`,
        `first old mail after ${(firstOldAt - startedAt).toFixed(0)} ms, resident ${mib(atStart)}`,
      ].join(' '),
    );
    expect(ledger.missing(feeder.acknowledged)).toEqual([]);
    expect(ledger.repeats()).toEqual([]);
    expect(firstAnswerAt - startedAt).toBeLessThan(ACCEPT_MS * (FULL ? 1 : 2));
    expect(firstOldAt - startedAt).toBeLessThan(FIRST_OLD_MS);
    await second.end();
    await ledger.stop();
    fs.rmSync(place.dir, { recursive: true, force: true });
  });
});
