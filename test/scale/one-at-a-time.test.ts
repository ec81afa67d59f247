/** A place with a long line in front of its only permitted connection costs nothing: neither the others' CPU nor the daemon's sleep. */
import fs from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readTree } from '../bench/tree.js';
import { DEEDS, polite, startPeer } from '../chaos/peer.js';
import { summaryOf } from '../kill/drain.js';
import { compare, Lane, STOCKED, tellWindow } from './lane.js';

const FULL = process.env.SCALE === 'full';
const WAITING = FULL ? 100_000 : 5000;
const WINDOW = FULL ? 20_000 : 3000;
const PAIRS = FULL ? 12 : 5;
/** Short windows beside other suites vary; what grows with the line would cost tenfold. */
const CPU = FULL ? 1.05 : 2;
const REST_MS = FULL ? 10_000 : 2000;

/** How often the main thread went to sleep, which is how often it was woken. */
const wakeUps = (pid: number): number =>
  Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);

interface Rest {
  readonly wakeUps: number;
  readonly cpuMillis: number;
}

async function watchRest({ daemon }: Lane): Promise<Rest> {
  const [woken, cpu] = [wakeUps(daemon.pid), readTree(daemon.pid).cpuMicros];
  await new Promise((resolve) => setTimeout(resolve, REST_MS));
  return { wakeUps: wakeUps(daemon.pid) - woken, cpuMillis: (readTree(daemon.pid).cpuMicros - cpu) / 1000 };
}

describe('a place with a limit of one', () => {
  it(`and ${WAITING} waiting costs nothing`, { timeout: FULL ? 900_000 : 120_000 }, async () => {
    // It takes one message and never answers it, so that the permit is out all the time.
    const slow = await startPeer(polite({ answer: (verb) => (verb === 'MESSAGE' ? DEEDS.HANG : undefined) }));
    onTestFinished(() => slow.close());
    const more = `domain "slow.test" { gateway = "[127.0.0.1]" remote_smtp_port = ${slow.port} max_outbound_connections = 1 }\n`;
    await using plain = await Lane.start({ more });
    await using other = await Lane.start({ more, lots: [{ first: STOCKED, count: WAITING, domainOf: () => 'slow.test' }] });
    await other.daemon.waitFor('one connection to the slow one', () => slow.open === 1, 10_000);
    const found = await compare(plain, other, PAIRS, WINDOW);
    const [rest, rested] = await Promise.all([watchRest(plain), watchRest(other)]);
    process.stdout.write(
      `${WAITING} waiting for one connection: ${tellWindow(found.other)}, none: ${tellWindow(found.plain)}; CPU ${(found.cpu * 100).toFixed(0)} %; in ${REST_MS / 1000} s of rest ${rested.wakeUps} wake-ups and ${rested.cpuMillis.toFixed(1)} ms CPU, none: ${rest.wakeUps} and ${rest.cpuMillis.toFixed(1)} ms\n`,
    );
    expect(slow.accepted).toBe(1);
    expect((await summaryOf(other.daemon)).queued).toBe(WAITING);
    expect(other.ledger.missing(other.feeder.acknowledged)).toEqual([]);
    expect(found.cpu).toBeLessThanOrEqual(CPU);
    // Somewhat more for the one connection's own deadlines; anything per waiting message would be thousands.
    expect(rested.wakeUps).toBeLessThanOrEqual(rest.wakeUps + REST_MS / 20);
  });
});
