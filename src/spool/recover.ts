/** From what lies in a part to a known queue: the outcome logs first, then what no index tells, newest segment first; then the messages are told. */
import path from 'node:path';
import { CodedError } from '../kernel/problems.js';
import type { Found } from '../module/spool.js';
import { HEAD_BYTES, LOG } from './file-head.js';
import { LARGE } from './large.js';
import { type Ledger, readLedger, type SegmentLedger } from './ledger.js';
import { liveEntries, type Scanned, scanFrom, scanSegment } from './live-copies.js';
import { readHeadOf } from './log-file.js';
import { acceptName } from './log-names.js';
import type { IndexEntry } from './outcome-tags.js';
import type { Part } from './part.js';
import { readPlace } from './place-names.js';
import { wordsFor } from './problems.js';
import { TORN } from './quarantine.js';
import { breathe } from './scan.js';
import { Segment } from './segment.js';
import { readWhole } from './small-file.js';
import { applyLate } from './sweep.js';
import { FLAG, readPriority } from './table.js';

/** After so many messages the loop gets its turn. */
const BREATHE_EVERY = 250;
/** So many messages leave garbage that is worth a pause. */
const COLLECT_EVERY = 100_000;

/** What a part's recovery came to. */
export interface Told {
  messages: number;
  quarantined: number;
  tornTails: number;
  /** Highest slot of an id. */
  highestSlot: number;
}

const idKey = (high: number, low: number): string => `${high} ${low}`;

/** A segment whose messages are still to be told. */
interface Untold {
  readonly segment: Segment;
  readonly known: SegmentLedger;
  readonly scanned: readonly IndexEntry[];
}

/** Recovers one part; made for one use. */
class Recovery {
  readonly part: Part;
  readonly #found: Found;
  readonly #signal: AbortSignal;
  readonly #progress: (share: number) => void;
  readonly #told: Told = { messages: 0, quarantined: 0, tornTails: 0, highestSlot: 0 };
  /** Copies that ended with a record of another message. */
  readonly #ended = new Set<string>();
  /** Where segments end that failed. */
  readonly #aborted = new Map<number, number>();
  /** Segments whose files are there and that were not dropped. */
  readonly #present: Set<number>;
  /** Torn ends of segments: they may name bodies. */
  readonly #torn: Buffer[] = [];
  #crippled = false;

  constructor(part: Part, found: Found, signal: AbortSignal, progress: (share: number) => void) {
    this.#progress = progress;
    this.part = part;
    this.#found = found;
    this.#signal = signal;
    this.#present = new Set(part.found.accept);
  }

  async run(): Promise<Told> {
    const { part } = this;
    const untold = await this.#open();
    // Only now is everything known that says a copy ended: newer segments may end copies of older ones.
    part.stock.table.reserve(untold.reduce((sum, { known, scanned }) => sum + known.most + scanned.length, 0));
    const all = untold.length;
    // What was told need not stay in memory.
    for (let next = untold.shift(); next && !this.#signal.aborted; next = untold.shift()) {
      await this.#tell(next);
      this.#progress(1 - (0.5 * untold.length) / all);
    }
    if (this.#signal.aborted) return this.#told;
    part.isTold = true;
    part.lateSweeps.length = 0;
    await this.#removeOrphans();
    part.upkeep.recovered(this.#crippled);
    return this.#told;
  }

  /** Reads the outcome logs, and of the segments what these do not tell. Nothing of it is held afterwards but what is still to be told. */
  async #open(): Promise<Untold[]> {
    const { part } = this;
    const ledger = await readLedger(part.options.disk, part.folder, part.found.outcome, this.#unsynced);
    await this.#reportOutcomes(ledger);
    await this.#removeDropped(ledger);
    if (ledger.most > COLLECT_EVERY) part.options.collectGarbage();
    const open: Untold[] = [];
    for (const [nth, number] of [...part.found.accept].reverse().entries()) {
      if (this.#signal.aborted) break;
      this.#progress((0.5 * nth) / part.found.accept.length);
      if (!this.#present.has(number)) continue;
      const known = ledger.of(number);
      try {
        const read = await this.#readSegment(number, known);
        if (read) open.push({ ...read, known });
      } catch (error) {
        if (error instanceof CodedError) throw error;
        this.#crippled = true;
        this.#told.quarantined++;
        part.options.log('error', `${acceptName(number)} cannot be read: ${wordsFor(error)}; its messages stay on disk and wait`);
      }
    }
    return open;
  }

  /** Segments that were dropped but whose files were not removed, or not durably: until they are, it is told again that they are dropped. */
  async #removeDropped(ledger: Ledger): Promise<void> {
    const { part } = this;
    const { disk } = part.options;
    const dropped = [...this.#present].filter((number) => ledger.dropped.has(number));
    for (const number of dropped) {
      this.#present.delete(number);
      part.upkeep.dropping.add(number);
    }
    try {
      for (const number of dropped) await disk.remove(path.join(part.folder, acceptName(number)));
      if (dropped.length > 0) await disk.syncFolder(part.folder);
      for (const number of dropped) part.upkeep.dropping.delete(number);
    } catch (error) {
      part.options.log('warning', `old segments could not be removed: ${wordsFor(error)}`);
    }
  }

  async #readSegment(number: number, known: SegmentLedger): Promise<{ segment: Segment; scanned: readonly IndexEntry[] } | undefined> {
    const { part } = this;
    const { disk } = part.options;
    const name = path.join(part.folder, acceptName(number));
    const file = await disk.open(name, 'read');
    let segment: Segment | undefined;
    try {
      const size = await file.size();
      const head = await readHeadOf(file, { kind: LOG.accept, part: part.number, number });
      if (!head) {
        await this.#setHeadless(name, size);
        return undefined;
      }
      const abortedFrom = this.#aborted.get(number) ?? Number.POSITIVE_INFINITY;
      segment = new Segment(part, number, head.key, file, Math.min(size, abortedFrom));
      segment.sealed = true;
      const from = scanFrom(known, segment.size);
      let scanned: Scanned | undefined;
      if (from !== undefined) {
        // A daemon that was killed leaves octets that only the kernel has; what is told of them from here on is durable.
        const bytes = await readWhole(disk, name, this.#unsynced);
        scanned = await scanSegment(head.key, bytes, from, known, { abortedFrom, stillThere: (n) => this.#present.has(n) });
        await this.#learn(segment, scanned, bytes);
      }
      part.add(segment);
      return { segment, scanned: scanned?.entries ?? [] };
    } finally {
      if (!segment || segment.slot < 0) await file.close().catch(() => {});
    }
  }

  readonly #unsynced = (error: unknown, file: string): void =>
    this.part.options.log('warning', `${path.basename(file)} could not be synced: ${wordsFor(error)}`);

  async #learn(segment: Segment, scanned: Scanned, bytes: Buffer): Promise<void> {
    segment.size = Math.max(HEAD_BYTES, scanned.size);
    for (const { high, low } of scanned.ends) this.#ended.add(idKey(high, low));
    for (const { segment: number, from } of scanned.aborted) this.#aborted.set(number, Math.min(from, this.#aborted.get(number) ?? from));
    for (const { from, to, torn } of scanned.damage) {
      const octets = bytes.subarray(from, to);
      if (torn) {
        this.#told.tornTails++;
        this.#torn.push(octets);
      } else this.#told.quarantined++;
      const name = acceptName(segment.number);
      const kept = await this.part.setAside(`${name}-${from}${torn ? TORN : ''}`, octets);
      if (!kept) {
        segment.pinned = true;
        this.#crippled = true;
      }
      this.part.options.log(
        'warning',
        `${octets.length} octets of ${name} at ${from} are ${torn ? 'the torn end of a write' : 'damaged'}${kept ? '; they are in quarantine' : ''}`,
      );
    }
  }

  /** A file without a readable head: its creation was never synced, or it was damaged; it is kept as a whole. */
  async #setHeadless(name: string, size: number): Promise<void> {
    if (size <= HEAD_BYTES) {
      await this.part.options.disk.remove(name);
      return;
    }
    this.#told.quarantined++;
    await this.part.quarantine.take(name);
    this.part.options.log('warning', `${path.basename(name)} has no readable head; the whole file is in quarantine`);
  }

  async #reportOutcomes(ledger: Ledger): Promise<void> {
    for (const { file, from, bytes, torn } of ledger.damaged) {
      // The end of a file is torn whenever the machine stops in the middle of a write; what stood there is written again or known lost.
      if (torn) continue;
      this.#told.quarantined++;
      await this.part.setAside(`${file}-${from}`, bytes);
      this.part.options.log(
        'warning',
        `${bytes.length} octets of ${file} at ${from} are damaged: mails may be tried once more than recorded`,
      );
    }
  }

  async #tell({ segment, known, scanned }: Untold): Promise<void> {
    const { stock, outcomes, folder } = this.part;
    let turn = 0;
    for (const told of liveEntries(known, scanned)) {
      const entry = this.part.lateSweeps.length === 0 ? told : applyLate(told, segment.number, this.part.lateSweeps);
      if (this.#signal.aborted) return;
      if (this.#ended.size > 0 && this.#ended.has(idKey(entry.idHigh, entry.idLow))) {
        // Recorded for itself now: the record that ended it may go before this copy does.
        outcomes.records.gone(segment.number, entry.offset, entry.index);
        outcomes.touch();
        continue;
      }
      const ticket = stock.adopt(segment, { ...entry, file: entry.file === undefined ? undefined : path.join(folder, LARGE, entry.file) });
      if (++this.#told.messages % COLLECT_EVERY === 0) this.part.options.collectGarbage();
      this.#told.highestSlot = Math.max(this.#told.highestSlot, entry.idHigh);
      const { attempts, next, receivedAt, flags } = entry;
      this.#found(ticket, readPlace(entry.place), attempts, next, receivedAt, readPriority(flags), (flags & FLAG.quarantined) !== 0);
      if (++turn % BREATHE_EVERY === 0) await breathe();
    }
  }

  /** Bodies that no message uses. Where a record is damaged any of them may be its, where one is torn those that it names: these are kept. */
  async #removeOrphans(): Promise<void> {
    const { folder, stock, quarantine, options } = this.part;
    const isHarmed = this.#told.quarantined > 0 || this.#crippled || (await quarantine.hasHarm().catch(() => true));
    for (const name of await options.disk.list(path.join(folder, LARGE))) {
      const file = path.join(folder, LARGE, name);
      if (stock.large.uses(file)) continue;
      const isWanted = isHarmed || this.#torn.some((octets) => octets.includes(name));
      await (isWanted ? quarantine.take(file) : options.disk.remove(file)).catch(() => {});
    }
  }
}

/** Reads a part and tells its messages; `progress` hears the share that is done. Rejects with a coded problem when a file is of a version we do not know. */
export const recoverPart = (part: Part, found: Found, signal: AbortSignal, progress: (share: number) => void): Promise<Told> =>
  new Recovery(part, found, signal, progress).run();
