/** Mail that waits for its next attempt costs the mail that passes it nothing: windows with and without a long delayed queue. */
import { describe, expect, it } from 'vitest';
import { summaryOf } from '../kill/drain.js';
import { residentBytes } from '../soak/watch-process.js';
import { compare, Lane, STOCKED, tellWindow } from './lane.js';

const FULL = process.env.SCALE === 'full';
const DELAYED = Number(process.env.SCALE_MESSAGES ?? (FULL ? 1_000_000 : 50_000));
const WINDOW = FULL ? 20_000 : 3000;
const PAIRS = FULL ? 12 : 5;
/** The goal, said as CPU: at 90 % of the rate a message costs a ninth more. Short windows beside other suites vary by much more; what grows with the queue would cost tenfold. */
const CPU = FULL ? 1 / 0.9 : 2;
const DAY_MS = 86_400_000;

describe('a long delayed queue', () => {
  it(`of ${DELAYED} costs the mail that passes it nothing`, { timeout: FULL ? 1_800_000 : 120_000 }, async () => {
    const lots = [
      { first: STOCKED, count: DELAYED, domainOf: (n: number) => `d${n % (DELAYED / 10)}.test`, nextAttempt: Date.now() + DAY_MS },
    ];
    await using empty = await Lane.start();
    await using full = await Lane.start({ lots });
    expect(await summaryOf(full.daemon)).toMatchObject({ delayedQueueSize: DELAYED, activeQueueSize: 0 });
    const found = await compare(empty, full, PAIRS, WINDOW);
    process.stdout.write(
      `${DELAYED} delayed: ${tellWindow(found.other)}, empty: ${tellWindow(found.plain)}; rate ${(found.rate * 100).toFixed(0)} %, CPU ${(found.cpu * 100).toFixed(0)} % (${PAIRS} pairs of ${WINDOW}), resident ${(residentBytes(full.daemon.pid) / (1 << 20)).toFixed(0)} and ${(residentBytes(empty.daemon.pid) / (1 << 20)).toFixed(0)} MiB\n`,
    );
    expect(await summaryOf(full.daemon)).toMatchObject({ delayedQueueSize: DELAYED });
    expect(full.ledger.missing(full.feeder.acknowledged)).toEqual([]);
    expect(found.cpu).toBeLessThanOrEqual(CPU);
    if (FULL) expect(found.rate).toBeGreaterThanOrEqual(0.9);
  });
});
