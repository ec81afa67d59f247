/** One numbered folder of the spool: its accept log, its outcome log, its files, and the work that keeps it small. */
import crypto from 'node:crypto';
import path from 'node:path';
import type { Clock } from '../kernel/clock.js';
import type { Disk } from '../kernel/disk.js';
import type { PlaceParts } from '../module/place.js';
import { AcceptLog, type SyncMode } from './accept-log.js';
import { LOG, VERSION } from './file-head.js';
import type { Health } from './health.js';
import { LARGE } from './large.js';
import { checkLogs } from './log-file.js';
import { findFormer, firstNumber, logNumbers } from './log-names.js';
import { OutcomeLog } from './outcome-log.js';
import type { Spot } from './outcome-tags.js';
import { explain, problems, wordsFor } from './problems.js';
import { QUARANTINE, Quarantine } from './quarantine.js';
import type { Segment } from './segment.js';
import type { Stock } from './stock.js';
import type { Sweep } from './sweep.js';
import { Trouble } from './trouble.js';
import { Upkeep } from './upkeep.js';

/** What every part of a spool is run with. */
export interface PartOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly segmentBytes: number;
  readonly outcomeBytes: number;
  readonly backlogBytes: number;
  readonly reserveBytes: number;
  readonly permissions: number;
  readonly sync: SyncMode;
  readonly random: (octets: number) => Buffer;
  /** Told of what operators should see. */
  readonly log: (level: 'warning' | 'error', text: string) => void;
  /** Asked for where a start, or an index of everything, has left tens of megabytes that nobody holds any more. */
  readonly collectGarbage: () => void;
}

/** Files that were there when the part was opened. */
export interface FoundFiles {
  readonly accept: readonly number[];
  readonly outcome: readonly number[];
}

export class Part {
  readonly folder: string;
  readonly number: number;
  readonly options: PartOptions;
  readonly stock: Stock;
  readonly quarantine: Quarantine;
  readonly accepts: AcceptLog;
  readonly outcomes: OutcomeLog;
  readonly upkeep: Upkeep;
  readonly segments = new Map<number, Segment>();
  /** Where copies lay that compaction is taking over, by ticket: until all of them are, their outcomes are recorded for that place, too. */
  readonly former = new Map<number, Spot>();
  readonly found: FoundFiles;
  /** Recovery has told all messages. */
  isTold = false;
  /** Sweeps since the start, for messages that recovery has still to tell. */
  readonly lateSweeps: Sweep[] = [];
  readonly #trouble: Trouble;
  #nextNumber: number;

  private constructor(stock: Stock, folder: string, options: PartOptions, found: FoundFiles) {
    this.stock = stock;
    this.folder = folder;
    this.number = numberOf(folder);
    this.options = options;
    this.found = found;
    this.#nextNumber = firstNumber([...found.accept, ...found.outcome]);
    this.quarantine = new Quarantine(options.disk, folder);
    this.upkeep = new Upkeep(this);
    this.#trouble = new Trouble(this);
    this.accepts = new AcceptLog(this, {
      opened: (segment) => this.add(segment),
      sealed: (segment) => this.upkeep.sealed(segment),
      health: (error) => this.#trouble.tellAccept(error),
      backlog: () => void this.health.setBehind(this.accepts.backlog > options.backlogBytes / 2),
    });
    this.outcomes = new OutcomeLog(this, found.outcome, {
      health: (error) => this.#trouble.tellOutcome(error),
      makeRoom: (error) => this.#trouble.makeRoom(error),
    });
  }

  /** Opens a part; what lies in it is read later. Throws a coded problem when the folder cannot be used. */
  static async open(stock: Stock, folder: string, options: PartOptions): Promise<Part> {
    const { disk } = options;
    try {
      for (const name of ['', LARGE, QUARANTINE]) await disk.makeFolder(path.join(folder, name));
      await disk.syncFolder(folder);
      const names = await disk.list(folder);
      const former = findFormer(names);
      if (former !== undefined) throw problems.WRONG_FORMAT(path.join(folder, former), '1', String(VERSION));
      const found = { accept: logNumbers('accept', names), outcome: logNumbers('outcome', names) };
      const part = numberOf(folder);
      await checkLogs(disk, folder, [
        ...found.accept.map((number) => ({ kind: LOG.accept, part, number })),
        ...found.outcome.map((number) => ({ kind: LOG.outcome, part, number })),
      ]);
      const opened = new Part(stock, folder, options, found);
      await opened.#trouble.keepRoom();
      // Before the first outcome: one that had to wait for its file would be lost with the process.
      await opened.outcomes.begin();
      return opened;
    } catch (error) {
      throw explain(folder, error);
    }
  }

  get health(): Health {
    return this.#trouble.health;
  }

  /** Records that all messages of a place have this next attempt and this last reply. Answers what was recorded. */
  sweep(where: PlaceParts, next: number, reply: string): Sweep {
    const sweep = { end: this.accepts.end ?? { segment: this.#nextNumber, offset: 0 }, where, next, reply };
    this.outcomes.records.sweep(sweep);
    this.outcomes.touch();
    if (!this.isTold) this.lateSweeps.push(sweep);
    return sweep;
  }

  nextNumber(): number {
    return this.#nextNumber++;
  }

  add(segment: Segment): void {
    this.segments.set(segment.number, segment);
    this.stock.slots.add(segment);
  }

  /** Keeps octets that cannot be read; answers false when even that fails. */
  async setAside(name: string, bytes: Uint8Array): Promise<boolean> {
    try {
      await this.quarantine.keep(name, bytes);
      return true;
    } catch (error) {
      this.options.log('error', `${name} could not be put into quarantine: ${wordsFor(error)}`);
      return false;
    }
  }

  async close(): Promise<void> {
    this.#trouble.close();
    this.upkeep.close();
    await this.accepts.close();
    await this.upkeep.idle();
    await this.outcomes
      .close()
      .catch((error: unknown) => this.options.log('error', `the last outcomes could not be written: ${wordsFor(error)}`));
    for (const segment of this.segments.values()) await segment.close();
  }
}

/** Number of a part from the name of its folder; 0 when that is none. */
export const numberOf = (folder: string): number => {
  const number = Number(path.basename(folder));
  return Number.isInteger(number) && number >= 0 && number <= 0xffff_ffff ? number : 0;
};

/** Random octets of the machine. */
export const randomOctets = (octets: number): Buffer => crypto.randomBytes(octets);
