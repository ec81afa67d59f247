/**
 * SIGKILL at random instants against the real daemon: what was acknowledged arrives, once unless its last answer was in flight.
 * Short by default; the long form takes its number of kills from KILLS (`npm run test:crash -- --long`).
 */
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { makePlace, type Place, plainConf } from '../harness/place.js';
import { drain, summaryOf } from './drain.js';
import { Feeder } from './feeder.js';
import { Ledger } from './ledger.js';

const KILLS = Number(process.env.KILLS ?? 8);
/** Longest time a daemon lives under load; an instant in it is drawn for every kill. */
const LIFE_MS = 600;
const BACKLOG = Number(process.env.KILL_BACKLOG ?? (KILLS > 8 ? 20_000 : 4000));
const BACKLOG_KILLS = Math.max(2, Math.round(KILLS / 10));

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const note = (text: string): void => void process.stdout.write(`${text}\n`);

/** A daemon that ends with the test, however that ends. */
async function start(conf: string, place: Place): Promise<Daemon> {
  const daemon = await startDaemon({ conf, place, readyTimeoutMs: 20_000 });
  onTestFinished(() => daemon.end());
  return daemon;
}

describe('a daemon killed under load', () => {
  it(`${KILLS} times loses nothing it acknowledged and repeats only what was in flight`, { timeout: 30_000 + KILLS * 6000 }, async () => {
    const place = await makePlace('celeris-kill');
    const ledger = await Ledger.start();
    const feeder = new Feeder();
    const conf = plainConf(place, { sinkPort: ledger.port });
    for (let kill = 0; kill < KILLS; kill++) {
      const daemon = await start(conf, place);
      const before = feeder.acknowledged.size;
      const feed = feeder.start({ port: daemon.port });
      await daemon.waitFor('first acknowledgement', () => feeder.acknowledged.size > before, 20_000);
      await sleep(Math.random() * LIFE_MS);
      await ledger.witness(() => daemon.kill());
      await feed.done;
    }
    const last = await start(conf, place);
    await drain(last);
    note(
      `${KILLS} kills: ${feeder.acknowledged.size} acknowledged of ${feeder.next} begun, ${ledger.times.size} arrived, ${ledger.excusedRepeats().length} twice (in flight at a kill)`,
    );
    expect(feeder.acknowledged.size).toBeGreaterThan(KILLS * 20);
    expect(ledger.missing(feeder.acknowledged)).toEqual([]);
    expect(ledger.repeats()).toEqual([]);
    expect([...ledger.notices]).toEqual([]);
    expect([...feeder.refused]).toEqual([]);
    expect(last.fileLines('paniclog.ec').filter((line) => line.includes('quarantine'))).toEqual([]);
    expect(await last.stop()).toBe('0');
    await last.end();
    await ledger.stop();
  });
});

describe('a daemon killed while it only delivers', () => {
  it(`${BACKLOG_KILLS} times, each in the middle of ${BACKLOG}, repeats only what was in flight`, {
    timeout: 30_000 + BACKLOG_KILLS * 20_000,
  }, async () => {
    const place = await makePlace('celeris-kill');
    const feeder = new Feeder();
    let reached: (() => void) | undefined;
    let goal = Number.POSITIVE_INFINITY;
    const ledger = await Ledger.start({
      onMessage: () => {
        if (ledger.total >= goal) reached?.();
      },
    });
    const conf = plainConf(place, { sinkPort: ledger.port });
    const rates: number[] = [];
    for (let kill = 0; kill < BACKLOG_KILLS; kill++) {
      const daemon = await start(conf, place);
      await drain(daemon);
      await daemon.console('suspend domain all');
      await feeder.feed({ port: daemon.port, count: BACKLOG });
      const waiting = (await summaryOf(daemon)).queued;
      expect(waiting).toBeGreaterThan(BACKLOG * 0.95);
      const before = ledger.total;
      goal = before + Math.round(waiting * (0.3 + Math.random() * 0.5));
      const half = new Promise<void>((resolve) => (reached = resolve));
      const began = performance.now();
      await daemon.console('resume domain all');
      await Promise.race([half, sleep(30_000)]);
      rates.push(((ledger.total - before) / (performance.now() - began)) * 1000);
      const delivered = ledger.total - before;
      await ledger.witness(() => daemon.kill());
      expect(delivered).toBeLessThan(waiting);
    }
    const last = await start(conf, place);
    await drain(last);
    const middle = rates.sort((a, b) => a - b)[Math.floor(rates.length / 2)] ?? 0;
    note(
      `${BACKLOG_KILLS} kills in delivery at ${middle.toFixed(0)} outcomes/s: ${ledger.times.size} arrived, ${ledger.excusedRepeats().length} twice (in flight at a kill)`,
    );
    expect(ledger.missing(feeder.acknowledged)).toEqual([]);
    expect(ledger.repeats()).toEqual([]);
    expect(await last.stop()).toBe('0');
    await last.end();
    await ledger.stop();
  });
});
