/** Mail that waits for its next attempt costs the mail that passes it nothing: rates with and without a long delayed queue. */
import { describe, expect, it } from 'vitest';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';
import { summaryOf } from '../kill/drain.js';
import { Feeder } from '../kill/feeder.js';
import { Ledger } from '../kill/ledger.js';
import { residentBytes } from '../soak/watch-process.js';

const FULL = process.env.SCALE === 'full';
const DELAYED = Number(process.env.SCALE_MESSAGES ?? (FULL ? 1_000_000 : 20_000));
const ROUND = FULL ? 50_000 : 4000;
const PAIRS = FULL ? 7 : 5;
/** A machine that others use too gives rates that vary by more than the tenth the long form asks for. */
const SHARE = FULL ? 0.9 : 0.7;

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

describe('a long delayed queue', () => {
  it(`of ${DELAYED} leaves the rate at least ${SHARE * 100} % of the empty queue's`, { timeout: FULL ? 3_600_000 : 300_000 }, async () => {
    await using empty = await Bench.start();
    await using full = await Bench.start();
    await full.daemon.console('suspend domain old.test');
    await full.daemon.console('suspend domain [127.0.0.2]');
    await full.feeder.feed({ port: full.daemon.port, domain: 'old.test', count: DELAYED });
    await full.daemon.console('delay domain all 86400');
    expect(await summaryOf(full.daemon)).toMatchObject({ delayedQueueSize: DELAYED, activeQueueSize: 0 });

    const rates: { readonly empty: number; readonly full: number }[] = [];
    // The first pair warms both up.
    for (let pair = 0; pair <= PAIRS; pair++) {
      const pairRates = { empty: await empty.pass(), full: await full.pass() };
      if (pair > 0) rates.push(pairRates);
    }
    const share = median(rates.map((pair) => pair.full / pair.empty));
    process.stdout.write(
      `${DELAYED} delayed: ${median(rates.map((pair) => pair.full)).toFixed(0)}/s, empty: ${median(rates.map((pair) => pair.empty)).toFixed(0)}/s, share ${(share * 100).toFixed(0)} % (median of ${PAIRS} pairs), resident ${(residentBytes(full.daemon.pid) / (1 << 20)).toFixed(0)} and ${(residentBytes(empty.daemon.pid) / (1 << 20)).toFixed(0)} MiB\n`,
    );
    expect(await summaryOf(full.daemon)).toMatchObject({ delayedQueueSize: DELAYED });
    expect(full.ledger.missing(full.passed)).toEqual([]);
    expect(share).toBeGreaterThanOrEqual(SHARE);
  });
});

/** A daemon with a far end of its own, through which rounds of mail pass. */
class Bench implements AsyncDisposable {
  readonly daemon: Daemon;
  readonly ledger: Ledger;
  readonly feeder = new Feeder();
  /** Numbers that have to be at the far end. */
  readonly passed: number[] = [];

  private constructor(daemon: Daemon, ledger: Ledger) {
    this.daemon = daemon;
    this.ledger = ledger;
  }

  static async start(): Promise<Bench> {
    const ledger = await Ledger.start();
    const more = 'domain "old.test" { gateway = "[127.0.0.2]" }\n';
    return new Bench(await startDaemon({ conf: (place) => plainConf(place, { sinkPort: ledger.port, more }) }), ledger);
  }

  /** Messages a second from the first begun to the last arrived. */
  async pass(): Promise<number> {
    const from = this.feeder.next;
    const goal = this.ledger.total + ROUND;
    const began = performance.now();
    await this.feeder.feed({ port: this.daemon.port, count: ROUND });
    await this.daemon.waitFor('the round at its end', () => this.ledger.total >= goal, 120_000);
    for (let number = from; number < this.feeder.next; number++) this.passed.push(number);
    return (ROUND / (this.ledger.lastAt - began)) * 1000;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon.end();
    await this.ledger.stop();
  }
}
