/** Bodies above large_message_threshold: each in a file of its own, durable before the record that names it. */
import path from 'node:path';
import { crc32 } from '../kernel/crc32.js';
import type { Disk, DiskFile } from '../kernel/disk.js';
import type { Body } from '../module/message.js';
import type { LargeBody } from '../module/spool.js';
import { problems, wordsFor } from './problems.js';

const READ_BYTES = 1 << 18;
/** Chunks are joined up to this size before they are written. */
const GATHER_BYTES = 1 << 18;

export const LARGE = 'large';

/** What a record knows of a body in a file. */
export type BodyFacts = Pick<Body, 'size' | 'dots' | 'eightBit'> & { readonly crc: number };

/** A body in a file, read anew each time. */
export class FileBody implements Body {
  readonly size: number;
  readonly dots: boolean;
  readonly eightBit: boolean;
  readonly resident = undefined;
  readonly file: string;
  /** Checksum of all its octets. */
  readonly crc: number;
  readonly #disk: Disk;
  readonly #damaged: (body: FileBody) => void;

  /** `damaged` is told when the file is not what was written. */
  constructor(disk: Disk, file: string, { size, dots, eightBit, crc }: BodyFacts, damaged: (body: FileBody) => void = () => {}) {
    this.#disk = disk;
    this.file = file;
    this.size = size;
    this.dots = dots;
    this.eightBit = eightBit;
    this.crc = crc;
    this.#damaged = damaged;
  }

  /** Reads all of it and compares its checksum. Rejects when the disk does not give it. */
  async isWhole(): Promise<boolean> {
    const handle = await this.#disk.open(this.file, 'read');
    try {
      let crc = 0;
      const chunk = Buffer.allocUnsafe(Math.min(READ_BYTES, this.size));
      for (let at = 0; at < this.size; ) {
        const n = await handle.readAt(chunk.subarray(0, Math.min(chunk.length, this.size - at)), at);
        if (n === 0) return false;
        crc = crc32(chunk.subarray(0, n), crc);
        at += n;
      }
      return crc === this.crc;
    } finally {
      await handle.close();
    }
  }

  /** Throws a coded problem before the last octets when the file is not what was written: nobody takes half a body for a whole one. */
  async *read(): AsyncIterable<Uint8Array> {
    const handle = await this.#disk.open(this.file, 'read');
    try {
      let crc = 0;
      for (let at = 0; at < this.size; ) {
        const chunk = Buffer.allocUnsafe(Math.min(READ_BYTES, this.size - at));
        const isShort = (await handle.readAt(chunk, at)) < chunk.length;
        crc = crc32(chunk, crc);
        at += chunk.length;
        if (isShort || (at === this.size && crc !== this.crc)) {
          this.#damaged(this);
          throw problems.DAMAGED('of a large body', this.file);
        }
        yield chunk;
      }
    } finally {
      await handle.close();
    }
  }
}

/** Writes one large body. */
export class LargeWriter implements LargeBody {
  readonly #disk: Disk;
  readonly #file: DiskFile;
  readonly #ended: (file: string) => void;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #size = 0;
  #crc = 0;
  #writing: Promise<void> = Promise.resolve();
  readonly #damaged: (body: FileBody) => void;

  /** `ended` is told when the body was abandoned; `damaged` when it is read later with other octets. */
  constructor(disk: Disk, file: DiskFile, ended: (file: string) => void, damaged: (body: FileBody) => void) {
    this.#disk = disk;
    this.#file = file;
    this.#ended = ended;
    this.#damaged = damaged;
  }

  write(chunk: Uint8Array): Promise<void> | void {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    this.#size += chunk.length;
    this.#crc = crc32(chunk, this.#crc);
    if (this.#heldBytes >= GATHER_BYTES) return this.#flush();
  }

  async finish(facts: { readonly dots: boolean; readonly eightBit: boolean }): Promise<Body> {
    const { path: file } = this.#file;
    try {
      await this.#flush();
      await this.#file.datasync();
      await this.#file.close();
      await this.#disk.syncFolder(path.dirname(file));
    } catch (error) {
      await this.abandon();
      throw problems.DISK.because(error, wordsFor(error));
    }
    return new FileBody(this.#disk, file, { ...facts, size: this.#size, crc: this.#crc }, this.#damaged);
  }

  async abandon(): Promise<void> {
    this.#held = [];
    await this.#writing.catch(() => {});
    await this.#file.close().catch(() => {});
    await this.#disk.remove(this.#file.path).catch(() => {});
    this.#ended(this.#file.path);
  }

  #flush(): Promise<void> {
    const parts = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    this.#writing = this.#writing.then(() => (parts.length > 0 ? this.#file.append(parts) : undefined));
    // Whoever does not wait for this chunk hears of its failure at the next one, or at the end.
    this.#writing.catch(() => {});
    return this.#writing;
  }
}

/** Which body files are in use, and by how many copies. Files are named by their paths. */
export class LargeFiles {
  readonly #users = new Map<string, number>();
  readonly #byTicket = new Map<number, string>();
  /** Bodies that are being written, or wait for their message. */
  readonly #pending = new Set<string>();

  expect(file: string): void {
    this.#pending.add(file);
  }

  forget(file: string): void {
    this.#pending.delete(file);
  }

  hold(ticket: number, file: string): void {
    this.#pending.delete(file);
    this.#byTicket.set(ticket, file);
    this.#users.set(file, (this.#users.get(file) ?? 0) + 1);
  }

  of(ticket: number): string | undefined {
    return this.#byTicket.size === 0 ? undefined : this.#byTicket.get(ticket);
  }

  /** Answers the file when this was its last copy. */
  release(ticket: number): string | undefined {
    const file = this.of(ticket);
    if (file === undefined) return undefined;
    this.#byTicket.delete(ticket);
    const left = (this.#users.get(file) as number) - 1;
    if (left > 0) this.#users.set(file, left);
    else this.#users.delete(file);
    return left > 0 ? undefined : file;
  }

  uses(file: string): boolean {
    return this.#users.has(file) || this.#pending.has(file);
  }
}
