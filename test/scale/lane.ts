/** A daemon with a far end of its own, through which windows of mail pass; and the fair comparison of two of them. */
import { readTree } from '../bench/tree.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { makePlace, plainConf } from '../harness/place.js';
import { summaryOf } from '../kill/drain.js';
import { Feeder } from '../kill/feeder.js';
import { Ledger } from '../kill/ledger.js';
import { type Lot, stockSpool } from './stock-spool.js';

/** What one window of mail cost. */
export interface Window {
  /** Messages a second from the first begun to the last arrived. */
  readonly rate: number;
  /** Microseconds of CPU a message, all threads of the daemon. */
  readonly cpu: number;
}

export interface LaneWishes {
  /** Mail that lies in the spool before the start. */
  readonly lots?: readonly Lot[];
  /** Further lines of the configuration. */
  readonly more?: string;
}

/** Numbers of stocked mail begin here, so that a feeder's never meet them. */
export const STOCKED = 100_000_000;

export class Lane implements AsyncDisposable {
  readonly daemon: Daemon;
  readonly ledger: Ledger;
  readonly feeder = new Feeder();

  private constructor(daemon: Daemon, ledger: Ledger) {
    this.daemon = daemon;
    this.ledger = ledger;
  }

  /** Resolves when everything that was stocked is loaded. */
  static async start({ lots = [], more = '' }: LaneWishes = {}): Promise<Lane> {
    const ledger = await Ledger.start();
    const place = await makePlace('celeris-lane');
    if (lots.length > 0) await stockSpool(place, lots);
    const daemon = await startDaemon({ place, conf: plainConf(place, { sinkPort: ledger.port, more }), readyTimeoutMs: 60_000 });
    await daemon.waitFor('loaded queue', async () => (await summaryOf(daemon)).loadingPercent === 100, 120_000);
    return new Lane(daemon, ledger);
  }

  /** Sends `count` messages through and waits for them at the far end. */
  async pass(count: number): Promise<Window> {
    const goal = this.ledger.total + count;
    const before = readTree(this.daemon.pid).cpuMicros;
    const began = performance.now();
    await this.feeder.feed({ port: this.daemon.port, count });
    await this.daemon.waitFor('the window at its end', () => this.ledger.total >= goal, 120_000);
    const cpu = (readTree(this.daemon.pid).cpuMicros - before) / count;
    return { rate: (count / (this.ledger.lastAt - began)) * 1000, cpu };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon.end();
    await this.ledger.stop();
  }
}

export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

/** How `other` stands to `plain`, over windows of both by turns. */
export interface Comparison {
  /** Median of the pairs' ratios of rates: 1 when both are as fast. */
  readonly rate: number;
  /** Ratio of CPU a message, of the quarter of windows that were disturbed least; what others do to a machine only adds. */
  readonly cpu: number;
  readonly plain: Window;
  readonly other: Window;
}

/** Passes `count` messages through each by turns, `pairs` times behind one that warms up. */
export async function compare(plain: Lane, other: Lane, pairs: number, count: number): Promise<Comparison> {
  const windows: { readonly plain: Window; readonly other: Window }[] = [];
  for (let pair = 0; pair <= pairs; pair++) {
    // Who goes first changes, since the second of a pair meets a busier disk.
    const first = pair % 2 === 0 ? await plain.pass(count) : undefined;
    const second = await other.pass(count);
    const both = { plain: first ?? (await plain.pass(count)), other: second };
    if (pair > 0) windows.push(both);
  }
  const calm = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 2] ?? 0;
  const typical = (side: 'plain' | 'other'): Window => ({
    rate: median(windows.map((one) => one[side].rate)),
    cpu: calm(windows.map((one) => one[side].cpu)),
  });
  const sides = { plain: typical('plain'), other: typical('other') };
  return { ...sides, rate: median(windows.map((one) => one.other.rate / one.plain.rate)), cpu: sides.other.cpu / sides.plain.cpu };
}

export const tellWindow = ({ rate, cpu }: Window): string => `${rate.toFixed(0)}/s, ${cpu.toFixed(0)} µs CPU each`;
