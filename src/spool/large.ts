/** Bodies above large_message_threshold: each in a file of its own, durable before the record that names it. */
import path from 'node:path';
import type { Disk, DiskFile } from '../kernel/disk.js';
import type { Body } from '../module/message.js';
import type { LargeBody } from '../module/spool.js';
import { problems } from './problems.js';

const READ_BYTES = 1 << 18;
/** Chunks are joined up to this size before they are written. */
const GATHER_BYTES = 1 << 18;

/** A body in a file, read anew each time. */
export class FileBody implements Body {
  readonly size: number;
  readonly dots: boolean;
  readonly eightBit: boolean;
  readonly resident = undefined;
  /** Name in the folder of large bodies. */
  readonly file: string;
  readonly #disk: Disk;
  readonly #path: string;

  constructor(disk: Disk, folder: string, file: string, size: number, dots: boolean, eightBit: boolean) {
    this.#disk = disk;
    this.#path = path.join(folder, file);
    this.file = file;
    this.size = size;
    this.dots = dots;
    this.eightBit = eightBit;
  }

  async *read(): AsyncIterable<Uint8Array> {
    const handle = await this.#disk.open(this.#path, 'read');
    try {
      for (let at = 0; at < this.size; ) {
        const chunk = Buffer.allocUnsafe(Math.min(READ_BYTES, this.size - at));
        const n = await handle.readAt(chunk, at);
        // Half a message must never pass for a whole one.
        if (n === 0) throw problems.DAMAGED(this.file, this.#path);
        yield chunk.subarray(0, n);
        at += n;
      }
    } finally {
      await handle.close();
    }
  }
}

/** Writes one large body. */
export class LargeWriter implements LargeBody {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #name: string;
  readonly #file: DiskFile;
  readonly #abandoned: () => void;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #size = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(disk: Disk, folder: string, name: string, file: DiskFile, abandoned: () => void) {
    this.#disk = disk;
    this.#folder = folder;
    this.#name = name;
    this.#file = file;
    this.#abandoned = abandoned;
  }

  write(chunk: Uint8Array): Promise<void> | void {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    this.#size += chunk.length;
    return this.#heldBytes >= GATHER_BYTES ? this.#flush() : undefined;
  }

  async finish(facts: { readonly dots: boolean; readonly eightBit: boolean }): Promise<Body> {
    await this.#flush();
    await this.#file.datasync();
    await this.#file.close();
    await this.#disk.syncFolder(this.#folder);
    return new FileBody(this.#disk, this.#folder, this.#name, this.#size, facts.dots, facts.eightBit);
  }

  async abandon(): Promise<void> {
    this.#held = [];
    await this.#writing.catch(() => {});
    await this.#file.close().catch(() => {});
    await this.#disk.remove(path.join(this.#folder, this.#name)).catch(() => {});
    this.#abandoned();
  }

  #flush(): Promise<void> {
    const parts = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    this.#writing = this.#writing.then(() => (parts.length > 0 ? this.#file.append(parts) : undefined));
    return this.#writing;
  }
}

/** Which body files are in use, and by how many copies. */
export class LargeFiles {
  readonly #users = new Map<string, number>();
  readonly #byTicket = new Map<number, string>();

  hold(ticket: number, file: string): void {
    this.#byTicket.set(ticket, file);
    this.#users.set(file, (this.#users.get(file) ?? 0) + 1);
  }

  /** Answers the file's name when this was its last copy. */
  release(ticket: number): string | undefined {
    const file = this.#byTicket.get(ticket);
    if (file === undefined) return undefined;
    this.#byTicket.delete(ticket);
    return this.#leave(file);
  }

  #leave(file: string): string | undefined {
    const left = (this.#users.get(file) ?? 1) - 1;
    if (left > 0) this.#users.set(file, left);
    else this.#users.delete(file);
    return left > 0 ? undefined : file;
  }

  uses(file: string): boolean {
    return this.#users.has(file);
  }
}
