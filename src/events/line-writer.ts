/** Whole lines to a file: gathered, written in one go, never torn, never waited for. A target that fails costs memory up to a bound, then lines, and says so. */
import fs from 'node:fs';
import type { Clock } from '../kernel/clock.js';
import type { LineWriter } from '../module/service.js';

export interface FileLines {
  readonly path: string;
  readonly permissions: number;
  readonly clock: Clock;
  /** Told once when the target begins to fail, and once when it works again. */
  readonly trouble: (error: Error | undefined) => void;
}

/** Lines wait at most this long for company. */
const GATHER_MS = 20;
/** So many characters are written without waiting for more. */
const ENOUGH = 1 << 16;
/** Beyond this many waiting characters new lines are dropped and counted. */
const MOST = 8 << 20;
/** A failed target is tried again after this time. */
const RETRY_MS = 1000;

const NEWLINES = /[\r\n]+/g;

export class FileLineWriter implements LineWriter {
  readonly #about: FileLines;
  #waiting = '';
  /** Characters handed to the system and not yet taken. */
  #leaving = 0;
  #scheduled = false;
  #running: Promise<void> | undefined;
  #descriptor: number | undefined;
  #failing = false;
  #closed = false;
  #reopening = false;
  dropped = 0;

  constructor(about: FileLines) {
    this.#about = about;
  }

  get waiting(): number {
    return this.#waiting.length + this.#leaving;
  }

  line(text: string): void {
    if (this.#closed || this.#waiting.length > MOST) {
      this.dropped++;
      return;
    }
    this.#waiting += `${text.includes('\n') || text.includes('\r') ? text.replace(NEWLINES, ' ') : text}\n`;
    this.#schedule();
  }

  raw(text: string): void {
    if (this.#closed || this.#waiting.length > MOST) {
      this.dropped++;
      return;
    }
    this.#waiting += text;
    this.#schedule();
  }

  async reopen(): Promise<void> {
    this.#reopening = true;
    await this.flush();
  }

  /** Resolves when everything queued before is written, or the target failed. */
  async flush(): Promise<void> {
    // One write at a time: two would each open the file.
    while (this.#running) await this.#running;
    await this.#begin();
  }

  async close(): Promise<void> {
    await this.flush();
    this.#closed = true;
    await this.#shut();
  }

  readonly #turn = (): void => {
    this.#scheduled = false;
    // Once closed, writing would open the file again.
    if (!this.#running && !this.#closed) void this.#begin();
  };

  #begin(): Promise<void> {
    this.#running = this.#write().finally(() => {
      this.#running = undefined;
      // Lines that came while the last ones were written.
      if (this.#waiting !== '' && !this.#failing) this.#schedule();
    });
    return this.#running;
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    if (this.#waiting.length >= ENOUGH) setImmediate(this.#turn);
    else this.#about.clock.after(this.#failing ? RETRY_MS : GATHER_MS, this.#turn);
  }

  async #write(): Promise<void> {
    try {
      if (this.#reopening) {
        this.#reopening = false;
        await this.#shut();
      }
      this.#descriptor ??= await this.#open();
      while (this.#waiting !== '') {
        const text = this.#waiting;
        this.#waiting = '';
        this.#leaving = text.length;
        const rest = await append(this.#descriptor, Buffer.from(text, 'utf8'));
        this.#leaving = 0;
        if (!rest) continue;
        this.#waiting = rest.unwritten.toString('utf8') + this.#waiting;
        throw rest.error;
      }
      if (this.#failing) {
        this.#failing = false;
        this.#about.trouble(undefined);
      }
    } catch (error) {
      await this.#shut();
      if (!this.#failing) {
        this.#failing = true;
        this.#about.trouble(error instanceof Error ? error : new Error(String(error)));
      }
      this.#schedule();
    }
  }

  async #open(): Promise<number> {
    const { path, permissions } = this.#about;
    return new Promise((done, fail) => fs.open(path, 'a', permissions, (error, fd) => (error ? fail(error) : done(fd))));
  }

  async #shut(): Promise<void> {
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    if (descriptor !== undefined) await new Promise<void>((done) => fs.close(descriptor, () => done()));
  }
}

/** Writes all bytes, or answers what is left and why. */
function append(descriptor: number, bytes: Buffer): Promise<{ unwritten: Buffer; error: Error } | undefined> {
  return new Promise((done) => {
    const go = (from: number): void => {
      fs.write(descriptor, bytes, from, bytes.length - from, null, (error, written) => {
        if (error) return done({ unwritten: bytes.subarray(from), error });
        if (from + written < bytes.length) return go(from + written);
        done(undefined);
      });
    };
    go(0);
  });
}
