/**
 * The outcome log: written once at the end of every loop turn that had outcomes, also while a sync is under way, and synced
 * within 100 ms, never behind an accept sync. A file that begins with a checkpoint tells all that is known, so the files
 * before it can go; the first file of a start only goes on where the last one ended, since what lies on disk is read later.
 */
import path from 'node:path';
import type { Clock } from '../kernel/clock.js';
import type { Disk, DiskFile } from '../kernel/disk.js';
import { encodeHead, FRAME_HEAD, KIND } from './frame.js';
import { OutcomeWriter } from './outcome-record.js';

const SYNC_MS = 100;

/** Name of the outcome file with a number. */
export const outcomeName = (number: number): string => `outcome-${String(number).padStart(10, '0')}.log`;
const NAME = /^outcome-(\d{10})\.log$/;
/** Number of an outcome file, or undefined when the name is none. */
export const outcomeNumber = (name: string): number | undefined => {
  const found = NAME.exec(name);
  return found ? Number(found[1]) : undefined;
};

export interface OutcomeOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly folder: string;
  readonly permissions: number;
  /** Octets of records behind a checkpoint that bring the next one. */
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
  /** Octets behind the checkpoint, and of it. */
  #grown = 0;
  #base = 0;
  /** Records that are not known to be on the medium: a file that fails takes them with it. */
  #unsynced: Buffer[] = [];
  /** While a checkpoint becomes durable: the file it is in, and what was appended behind it. */
  #next: { readonly file: DiskFile; readonly since: Buffer[]; failure: Error | undefined } | undefined;
  #scheduled = false;
  #writing: Promise<void> | undefined;
  #syncing: Promise<void> | undefined;
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

  /** Opens the first file, before there is an outcome: those of a start that is killed at once are kept, too. */
  begin(): Promise<void> {
    return this.#exclusive(() => this.#write(true));
  }

  /** Everything that lay on disk at the start is known now: from here on files begin with a checkpoint. */
  async complete(): Promise<void> {
    this.#complete = true;
    await this.#exclusive(() => this.#write(true));
  }

  /** Something was put into `records`: it is written at the end of this turn. */
  touch(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    setImmediate(this.#turn);
  }

  /** Resolves when all records so far are on the medium. Rejects when they cannot be. */
  async sync(): Promise<void> {
    if (this.#closed) return;
    await this.#exclusive(() => this.#write(false));
    // A sync that began before the last record was written does not count for it.
    while (this.#syncing) await this.#syncing;
    if (this.#unsynced.length === 0) return;
    this.#syncing = this.#syncFile().finally(() => {
      this.#syncing = undefined;
    });
    await this.#syncing;
  }

  async close(): Promise<void> {
    await this.sync();
    this.#closed = true;
    await this.#file?.close();
    this.#file = undefined;
  }

  /** A failed log is tried again; a fresh file tells everything the failed one may have lost. */
  async probe(): Promise<void> {
    await this.sync().catch(() => {});
  }

  async #exclusive(work: () => Promise<void>): Promise<void> {
    while (this.#writing) await this.#writing.catch(() => {});
    this.#writing = work().finally(() => {
      this.#writing = undefined;
    });
    await this.#writing;
  }

  readonly #turn = (): void => {
    this.#scheduled = false;
    const file = this.#file;
    if (!file) {
      if (this.#writing) void this.#writing.catch(() => {}).then(() => this.touch());
      else if (this.records.length > 0) void this.#exclusive(() => this.#write(false)).catch(() => {});
      return;
    }
    if (this.records.length === 0) return;
    // Before the next turn can bring an answer on the same connection: what a SIGKILL then repeats was in flight.
    try {
      this.#append(file, this.records.take());
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (!this.#writing && this.#isFull()) void this.#exclusive(() => this.#write(false)).catch(() => {});
  };

  async #write(afresh: boolean): Promise<void> {
    const file = this.#file;
    try {
      if (!file || this.#isFull() || afresh) await this.#rotate();
      if (this.#file && this.records.length > 0) this.#append(this.#file, this.records.take());
      if (this.#file) this.#options.health(undefined);
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #isFull(): boolean {
    return this.#complete && this.#grown > Math.max(this.#options.rotateBytes, this.#base);
  }

  #append(file: DiskFile, meta: Buffer): void {
    this.#unsynced.push(meta);
    const frame = [encodeHead(KIND.outcomes, meta, []), meta];
    file.appendNow(frame);
    this.#appendNext(frame, meta);
    this.#grown += FRAME_HEAD + meta.length;
    this.#scheduleSync();
  }

  /** A file that fails before it is in use only ends the change to it. */
  #appendNext(frame: readonly Uint8Array[], meta: Buffer): void {
    const next = this.#next;
    if (!next || next.failure) return;
    try {
      next.file.appendNow(frame);
      next.since.push(meta);
    } catch (error) {
      next.failure = error instanceof Error ? error : new Error(String(error));
    }
  }

  async #syncFile(): Promise<void> {
    const file = this.#file;
    const count = this.#unsynced.length;
    try {
      if (!file) throw new Error('the outcome log has no file');
      await file.datasync();
      this.#unsynced.splice(0, count);
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** Nothing is known about the file's end: it is left for good, and closed when nobody uses it. */
  #fail(error: unknown): Error {
    const file = this.#file;
    this.#file = undefined;
    if (file) void this.#leave(file);
    const told = error instanceof Error ? error : new Error(String(error));
    this.#options.health(told);
    return told;
  }

  async #leave(file: DiskFile): Promise<void> {
    while (this.#syncing || this.#writing) await Promise.allSettled([this.#syncing, this.#writing]);
    await file.close().catch(() => {});
  }

  #scheduleSync(): void {
    if (this.#syncDue) return;
    this.#syncDue = true;
    this.#options.clock.after(SYNC_MS, () => {
      this.#syncDue = false;
      if (this.#unsynced.length > 0 && !this.#closed) void this.sync().catch(() => {});
    });
  }

  async #settleSync(): Promise<void> {
    while (this.#syncing) await this.#syncing.catch(() => {});
  }

  async #rotate(): Promise<void> {
    const { disk, folder, permissions } = this.#options;
    const complete = this.#complete;
    // The file must not be closed under a sync.
    await this.#settleSync();
    const last = this.#file;
    const number = this.#number++;
    const file = await disk.open(path.join(folder, outcomeName(number)), 'create', permissions);
    let base = 0;
    try {
      if (complete) {
        // What waits in `records` is part of what the checkpoint tells; a kill before that is written must not forget it.
        if (last && this.#file === last && this.records.length > 0) this.#append(last, this.records.take());
        this.records.take();
        this.#options.checkpoint(this.records);
        const meta = this.records.take();
        // In one turn: whatever comes after the checkpoint goes to both files, so either of them tells all of it.
        file.appendNow([encodeHead(KIND.checkpoint, meta, []), meta]);
        const since: Buffer[] = [];
        this.#next = { file, since, failure: undefined };
        base = FRAME_HEAD + meta.length;
        await file.datasync();
        await disk.syncFolder(folder);
        // A sync of the last file must not end in the middle of the change.
        await this.#settleSync();
        if (this.#next.failure) throw this.#next.failure;
        this.#unsynced = since;
      } else {
        // Without a checkpoint it is good from its first record on: outcomes need not wait for its syncs.
        for (const meta of this.#unsynced) file.appendNow([encodeHead(KIND.outcomes, meta, []), meta]);
        this.#file = file;
        await disk.syncFolder(folder);
        // A turn that could not append to it meanwhile has left it.
        if (this.#file !== file) throw new Error('the outcome log could not be written');
      }
    } catch (error) {
      await file.close().catch(() => {});
      this.#old.push(number);
      throw error;
    } finally {
      this.#next = undefined;
    }
    if (this.#unsynced.length > 0) this.#scheduleSync();
    this.#grown = 0;
    this.#base = base;
    this.#file = file;
    await last?.close().catch(() => {});
    const needless = complete ? this.#old : [];
    this.#old = complete ? [number] : [...this.#old, number];
    for (const old of needless) await disk.remove(path.join(folder, outcomeName(old))).catch(() => {});
  }
}
