/**
 * The outcome log: handed to the kernel once at the end of every loop turn that had outcomes, synced within 100 ms, never behind
 * an accept sync. What is not known to be on the medium is kept in memory and written again into a fresh file when one fails.
 */
import type { Timer } from '../kernel/clock.js';
import { LOG } from './file-head.js';
import { closeFrame, FRAME_HEAD, KIND, markFrame } from './frame.js';
import { createLog, logPath, type OwnLog } from './log-file.js';
import { OutcomeWriter } from './outcome-writer.js';
import type { Part } from './part.js';
import { SyncQueue } from './sync-queue.js';

const SYNC_MS = 100;

/** What the log tells and asks its owner. */
export interface OutcomeEvents {
  /** Undefined when a write succeeded. */
  health(error: unknown): void;
  /** Answers whether room was made on a full disk, so that one more try makes sense. */
  makeRoom(error: unknown): Promise<boolean>;
}

export class OutcomeLog {
  readonly records = new OutcomeWriter();
  readonly #part: Part;
  readonly #events: OutcomeEvents;
  #log: OwnLog | undefined;
  #number = 0;
  #size = 0;
  /** Octets written since `grown` was last set to 0. */
  grown = 0;
  /** Frames that are not known to be on the medium; with a file, all of them were written to it. */
  #unsynced: Buffer[] = [];
  #scheduled = false;
  #opening: Promise<void> | undefined;
  #rotating: Promise<void> | undefined;
  readonly #syncs = new SyncQueue(() => this.#datasync());
  #timer: Timer | undefined;
  /** Files of earlier starts and earlier ones of this start. */
  #old: number[];
  #closed = false;

  constructor(part: Part, old: readonly number[], events: OutcomeEvents) {
    this.#part = part;
    this.#old = [...old];
    this.#events = events;
  }

  /** Files behind the current one. */
  get oldFiles(): number {
    return this.#old.length;
  }

  /** Something was put into `records`: it is written at the end of this turn. */
  touch(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    setImmediate(this.#turn);
  }

  /** Resolves when all records so far are on the medium; rejects when they cannot be. */
  async sync(): Promise<void> {
    this.#write();
    if (!this.#log && !this.#closed) await this.#reopen(undefined);
    if (this.#unsynced.length > 0) await this.#syncs.ask();
  }

  /** Opens the first file. Resolves also when that is not possible: the health says so then. */
  async begin(): Promise<void> {
    await this.#reopen(undefined).catch(() => {});
  }

  /** Goes on in a fresh file and answers its number: all records from now on stand there or later. */
  async rotate(): Promise<number> {
    await this.sync();
    await this.#rotating;
    await this.#goOn();
    return this.#number;
  }

  /** Removes the files before that number: all they tell is told again. */
  async forget(before: number): Promise<void> {
    const { folder, options } = this.#part;
    const needless = this.#old.filter((number) => number < before);
    for (const number of needless) await options.disk.remove(logPath(folder, LOG.outcome, number)).catch(() => {});
    this.#old = this.#old.filter((number) => number >= before);
    if (needless.length > 0) await options.disk.syncFolder(folder);
  }

  async close(): Promise<void> {
    try {
      await this.sync();
    } finally {
      this.#closed = true;
      this.#timer?.cancel();
      await Promise.allSettled([this.#opening, this.#rotating, this.#syncs.settled()]);
      await this.#log?.file.close();
      this.#log = undefined;
    }
  }

  readonly #turn = (): void => {
    this.#scheduled = false;
    this.#write();
  };

  /** Hands the records to the kernel; without a file they wait for one. */
  #write(): void {
    if (this.records.length === 0) return;
    const frame = this.records.take();
    this.#unsynced.push(frame);
    if (this.#log) this.#put(this.#log, [frame]);
    else this.#reopen(undefined).catch(() => {});
  }

  #put(log: OwnLog, frames: readonly Buffer[]): void {
    try {
      for (const frame of frames) {
        seal(frame);
        markFrame(log.key, frame);
      }
      log.file.appendNow(frames);
    } catch (error) {
      this.#abandon(log);
      this.#reopen(error).catch(() => {});
      return;
    }
    for (const { length } of frames) {
      this.#size += length;
      this.grown += length;
    }
    this.#timer ??= this.#part.options.clock.after(SYNC_MS, this.#syncDue);
    if (this.#size > this.#part.options.outcomeBytes) this.#rotateLater();
    this.#events.health(undefined);
  }

  readonly #syncDue = (): void => {
    this.#timer = undefined;
    if (!this.#closed) this.sync().catch(() => {});
  };

  /** The next file is made ready while records go on into this one. When it cannot be, this one simply grows. */
  #rotateLater(): void {
    this.#rotating ??= this.#goOn()
      .catch(() => {})
      .finally(() => {
        this.#rotating = undefined;
      });
  }

  async #goOn(): Promise<void> {
    const log = await this.#create([]);
    // What is not synced goes into the next file, too: as little as possible.
    await this.sync().catch(() => {});
    if (this.#log && this.#log.number > log.number) {
      // The file failed meanwhile and has a successor; records in this one would count as older than they are.
      this.#old.push(log.number);
      await log.file.close();
      return;
    }
    this.#take(log);
    if (this.#unsynced.length > 0) this.#put(log, this.#unsynced);
  }

  #take(log: OwnLog): void {
    if (this.#log) this.#abandon(this.#log);
    this.#log = log;
    this.#number = log.number;
    this.#size = log.size;
    this.grown += log.size;
  }

  async #create(frames: readonly Buffer[]): Promise<OwnLog> {
    const part = this.#part;
    const number = part.nextNumber();
    for (const frame of frames) seal(frame);
    try {
      return await createLog(part.options, part.folder, { kind: LOG.outcome, part: part.number, number }, frames);
    } catch (error) {
      this.#old.push(number);
      throw error;
    }
  }

  /** One at a time: a fresh file that begins with everything that is not synced. `cause` is why the last one failed. */
  #reopen(cause: unknown): Promise<void> {
    this.#opening ??= this.#open(cause).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(cause: unknown): Promise<void> {
    let trouble = cause;
    for (let tries = 0; tries < 2; tries++) {
      if (trouble !== undefined && !(await this.#events.makeRoom(trouble))) break;
      try {
        const known = this.#unsynced.length;
        const first = this.#unsynced[0];
        // Copies: a file that a rotation made ready meanwhile may get the same frames, with other marks.
        const log = await this.#create(this.#unsynced.map((frame) => Buffer.from(frame)));
        this.#take(log);
        if (this.#unsynced[0] === first) this.#unsynced.splice(0, known);
        this.#events.health(undefined);
        if (this.#unsynced.length > 0) this.#put(log, this.#unsynced);
        return;
      } catch (error) {
        trouble = error;
      }
    }
    this.#events.health(trouble);
    throw trouble;
  }

  async #datasync(): Promise<void> {
    const log = this.#log;
    const known = this.#unsynced.length;
    const first = this.#unsynced[0];
    if (known === 0) return;
    try {
      if (!log) throw new Error('the outcome log has no file');
      await log.file.datasync();
    } catch (error) {
      if (log) this.#abandon(log);
      this.#events.health(error);
      throw error;
    }
    // A fresh file that was opened meanwhile has synced them already.
    if (this.#unsynced[0] === first) this.#unsynced.splice(0, known);
  }

  /** The file is left for good: what it has of the unsynced frames does not count. */
  #abandon(log: OwnLog): void {
    if (this.#log !== log) return;
    this.#log = undefined;
    this.#old.push(log.number);
    // A sync of it may be under way.
    this.#syncs
      .settled()
      .then(() => log.file.close())
      .catch(() => {});
  }
}

/** Closes a frame, also one that was marked for a file that failed. */
const seal = (frame: Buffer): number => closeFrame(KIND.outcomes, frame, frame.length - FRAME_HEAD, []);
