/**
 * The outcome log: written once at the end of every loop turn that had outcomes, synced within 100 ms, never behind an
 * accept sync. A file that begins with a checkpoint tells all that is known, so the files before it can go; the first file
 * of a start only goes on where the last one ended, since what lies on disk is read later.
 */
import path from 'node:path';
import type { Clock } from '../kernel/clock.js';
import type { Disk, DiskFile } from '../kernel/disk.js';
import { encodeHead, FRAME_HEAD, KIND } from './frame.js';
import { OutcomeWriter } from './outcome-record.js';

const SYNC_MS = 100;

export const outcomeName = (number: number): string => `outcome-${String(number).padStart(10, '0')}.log`;
const NAME = /^outcome-(\d{10})\.log$/;
export const outcomeNumber = (name: string): number | undefined => {
  const found = NAME.exec(name);
  return found ? Number(found[1]) : undefined;
};

export interface OutcomeOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly folder: string;
  readonly permissions: number;
  readonly rotateBytes: number;
  /** Writes everything that is known; what it writes makes all earlier files needless. */
  readonly checkpoint: (into: OutcomeWriter) => void;
  readonly health: (error: Error | undefined) => void;
}

export class OutcomeLog {
  readonly records = new OutcomeWriter();
  readonly #options: OutcomeOptions;
  #file: DiskFile | undefined;
  #number: number;
  #size = 0;
  /** Records that are not known to be on the medium: a file that fails takes them with it. */
  #unsynced: Buffer[] = [];
  #scheduled = false;
  #running: Promise<void> | undefined;
  #syncDue = false;
  #closed = false;
  /** Files that the next checkpoint makes needless. */
  #old: number[];
  /** A checkpoint may be written: everything on disk is known. */
  #complete = false;

  constructor(options: OutcomeOptions, next: number, old: readonly number[]) {
    this.#options = options;
    this.#number = next;
    this.#old = [...old];
  }

  /** Everything that lay on disk at the start is known now: from here on files may begin with a checkpoint. */
  async complete(): Promise<void> {
    this.#complete = true;
    await this.#exclusive(() => this.#rotate());
  }

  /** Something was put into `records`: it is written at the end of this turn. */
  touch(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    setImmediate(this.#turn);
  }

  /** Resolves when all records so far are on the medium. Rejects when they cannot be. */
  async sync(): Promise<void> {
    await this.#exclusive(() => this.#write(true));
  }

  async #exclusive(work: () => Promise<void>): Promise<void> {
    while (this.#running) await this.#running.catch(() => {});
    this.#running = work().finally(() => {
      this.#running = undefined;
    });
    await this.#running;
  }

  async close(): Promise<void> {
    await this.sync();
    this.#closed = true;
    await this.#file?.close();
    this.#file = undefined;
  }

  /** A failed log is tried again; a fresh file with a checkpoint tells everything the failed one may have lost. */
  async probe(): Promise<void> {
    await this.sync().catch(() => {});
  }

  readonly #turn = (): void => {
    this.#scheduled = false;
    if (this.#running) {
      void this.#running.catch(() => {}).then(() => this.touch());
      return;
    }
    this.#running = this.#write(false)
      .catch(() => {})
      .finally(() => {
        this.#running = undefined;
      });
  };

  async #write(sync: boolean): Promise<void> {
    try {
      if (!this.#file || (this.#complete && this.#size > this.#options.rotateBytes)) await this.#rotate();
      const file = this.#file;
      if (!file) return;
      if (this.records.length > 0) await this.#append(file, this.records.take());
      if (sync && this.#unsynced.length > 0) {
        await file.datasync();
        this.#unsynced = [];
      }
      this.#options.health(undefined);
    } catch (error) {
      await this.#file?.close().catch(() => {});
      this.#file = undefined;
      this.#options.health(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  }

  async #append(file: DiskFile, meta: Buffer): Promise<void> {
    this.#unsynced.push(meta);
    await file.append([encodeHead(KIND.outcomes, meta, []), meta]);
    this.#size += FRAME_HEAD + meta.length;
    this.#scheduleSync();
  }

  #scheduleSync(): void {
    if (this.#syncDue) return;
    this.#syncDue = true;
    this.#options.clock.after(SYNC_MS, () => {
      this.#syncDue = false;
      if (this.#unsynced.length > 0 && !this.#closed) void this.sync().catch(() => {});
    });
  }

  async #rotate(): Promise<void> {
    const { disk, folder, permissions } = this.#options;
    const last = this.#file;
    this.#file = undefined;
    const number = this.#number++;
    const file = await disk.open(path.join(folder, outcomeName(number)), 'create', permissions);
    try {
      this.#size = 0;
      if (this.#complete) {
        // What waits in `records` is part of what the checkpoint tells.
        this.records.take();
        this.#options.checkpoint(this.records);
        const meta = this.records.take();
        await file.append([encodeHead(KIND.checkpoint, meta, []), meta]);
        this.#size = FRAME_HEAD + meta.length;
      } else {
        for (const meta of this.#unsynced) await file.append([encodeHead(KIND.outcomes, meta, []), meta]);
      }
      await file.datasync();
      await disk.syncFolder(folder);
      this.#unsynced = [];
    } catch (error) {
      await file.close().catch(() => {});
      this.#old.push(number);
      throw error;
    }
    this.#file = file;
    await last?.close().catch(() => {});
    const needless = this.#complete ? this.#old : [];
    this.#old = this.#complete ? [number] : [...this.#old, number];
    for (const old of needless) await disk.remove(path.join(folder, outcomeName(old))).catch(() => {});
  }
}
