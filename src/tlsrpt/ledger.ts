/**
 * Counts of TLS sessions by UTC day, on disk: what was added in a minute becomes one write, and a crash costs that minute at most.
 * All workers append to one file.
 */
import path from 'node:path';
import type { Clock, Timer } from '../kernel/clock.js';
import type { Disk } from '../kernel/disk.js';
import { codeOf } from '../kernel/problems.js';
import type { TlsOutcome } from '../module/tls-demand.js';
import { addEntry, type DomainTally, entriesOf, entryOf, readEntry } from './tally.js';

export interface LedgerPorts {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly folder: string;
  log(level: 'warning' | 'error', text: string, cause?: unknown): void;
}

const FLUSH_MS = 60_000;
/** A day is over for reports this much later: by then what other workers counted in its last minute is on disk, too. */
export const SETTLED_MS = 5 * FLUSH_MS;
/** Domains counted between two writes, and octets of one day; what is beyond is not counted. */
const MOST_DOMAINS = 50_000;
const MOST_BYTES = 256 << 20;

/** The UTC day of a wall time: 2026-11-23. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

export class Ledger {
  readonly #ports: LedgerPorts;
  /** Added since the last write, all of one day. */
  #added = new Map<string, DomainTally>();
  #day: string;
  #timer: Timer | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(ports: LedgerPorts) {
    this.#ports = ports;
    this.#day = dayOf(ports.clock.now());
  }

  /** Counts one connection. */
  count(outcome: TlsOutcome): void {
    const day = dayOf(this.#ports.clock.now());
    if (day !== this.#day) {
      void this.flush();
      this.#day = day;
    }
    let tallies = this.#added.get(outcome.domain);
    if (!tallies) {
      if (this.#added.size >= MOST_DOMAINS) return;
      tallies = new Map();
      this.#added.set(outcome.domain, tallies);
    }
    addEntry(tallies, entryOf(outcome));
    this.#timer ??= this.#ports.clock.after(FLUSH_MS, () => void this.flush());
  }

  /** Writes what was added; resolves when all of it is on the medium, or could not be brought there. */
  flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    const added = this.#added;
    if (added.size === 0) return this.#writing;
    this.#added = new Map();
    const name = this.#fileOf(this.#day);
    this.#writing = this.#writing
      .then(() => this.#append(name, added))
      .catch((error: unknown) => this.#ports.log('error', `counts for TLS reports could not be written (${codeOf(error)})`, error));
    return this.#writing;
  }

  /** Days that have counts and to which no worker adds any more. */
  async pastDays(): Promise<readonly string[]> {
    const { clock, disk, folder } = this.#ports;
    if (!(await disk.exists(folder))) return [];
    const first = dayOf(clock.now() - SETTLED_MS);
    return (await disk.list(folder))
      .flatMap((name) => /^(\d{4}-\d{2}-\d{2})\.counts$/.exec(name)?.[1] ?? [])
      .filter((day) => day < first)
      .sort();
  }

  /** All counts of a day by domain. Torn and odd lines are passed over. */
  async read(day: string): Promise<ReadonlyMap<string, DomainTally>> {
    await this.flush();
    const domains = new Map<string, DomainTally>();
    for (const line of (await this.#text(this.#fileOf(day))).split('\n')) {
      const entry = line === '' ? undefined : readEntry(line);
      if (!entry) continue;
      const tallies = domains.get(entry.domain) ?? new Map();
      domains.set(entry.domain, tallies);
      addEntry(tallies, entry);
    }
    return domains;
  }

  /** Domains of a day whose report has gone out. */
  async reported(day: string): Promise<ReadonlySet<string>> {
    return new Set((await this.#text(this.#fileOf(day, 'sent'))).split('\n').slice(0, -1));
  }

  /** The domain's report has gone out, or will never: a restart does not send it again. */
  async markReported(day: string, domain: string): Promise<void> {
    await this.#write(this.#fileOf(day, 'sent'), Buffer.from(`${domain}\n`));
  }

  /** All reports of the day are done. */
  async forget(day: string): Promise<void> {
    const { disk } = this.#ports;
    for (const name of [this.#fileOf(day), this.#fileOf(day, 'sent')]) if (await disk.exists(name)) await disk.remove(name);
  }

  #fileOf(day: string, what: 'counts' | 'sent' = 'counts'): string {
    return path.join(this.#ports.folder, `${day}.${what}`);
  }

  async #append(name: string, added: ReadonlyMap<string, DomainTally>): Promise<void> {
    const lines: string[] = [];
    for (const [domain, tallies] of added) for (const entry of entriesOf(domain, tallies)) lines.push(JSON.stringify(entry));
    await this.#write(name, Buffer.from(`${lines.join('\n')}\n`));
  }

  async #write(name: string, bytes: Buffer): Promise<void> {
    const { disk, folder, log } = this.#ports;
    await disk.makeFolder(folder);
    const file = await disk.open(name, 'append', 0o640);
    try {
      const size = await file.size();
      if (size + bytes.length > MOST_BYTES) return log('warning', `${name} is full: nothing more is counted in it`);
      // After a torn line the next one begins on a line of its own.
      await file.append([(await endsTorn(file, size)) ? Buffer.concat([LINE_END, bytes]) : bytes]);
      await file.datasync();
    } finally {
      await file.close();
    }
  }

  async #text(name: string): Promise<string> {
    const { disk } = this.#ports;
    if (!(await disk.exists(name))) return '';
    const file = await disk.open(name, 'read');
    try {
      const bytes = Buffer.alloc(Math.min(await file.size(), MOST_BYTES));
      await file.readAt(bytes, 0);
      return bytes.toString();
    } finally {
      await file.close();
    }
  }
}

const LINE_END = Buffer.from('\n');

async function endsTorn(file: { readAt(into: Uint8Array, position: number): Promise<number> }, size: number): Promise<boolean> {
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  await file.readAt(last, size - 1);
  return last[0] !== 0x0a;
}
