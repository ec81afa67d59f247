/** A file that holds room for outcomes and compaction on a full disk: it goes when they need it, and nothing is accepted until it is back. */
import path from 'node:path';
import type { Disk } from '../kernel/disk.js';

const CHUNK = 1 << 20;
/** Share of what is free that the reserve may take at most. */
const SHARE = 8;
const LEAST = 1024;
export const RESERVE = 'reserve';

export class Reserve {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #most: number;
  #bytes: number | undefined;
  readonly #permissions: number;
  #stands = false;

  constructor(disk: Disk, folder: string, bytes: number, permissions: number) {
    this.#disk = disk;
    this.#folder = folder;
    this.#most = bytes;
    this.#permissions = permissions;
  }

  /** Octets of it: a small part of what was free at the start, so that a small medium is of use. */
  get bytes(): number {
    return this.#bytes ?? this.#most;
  }

  get stands(): boolean {
    return this.#stands;
  }

  /** Makes the file when it is not there; answers whether it is now. Leaves as much again free, so that a disk at its edge is not taken for a good one. */
  async keep(): Promise<boolean> {
    if (this.#stands) return true;
    const file = path.join(this.#folder, RESERVE);
    try {
      if (await this.#disk.exists(file)) {
        const size = await this.#sizeOf(file);
        if (size >= LEAST && size <= this.#most && (this.#bytes === undefined || this.#bytes === size)) {
          this.#bytes = size;
          return (this.#stands = true);
        }
        await this.#disk.remove(file);
      }
      const free = await this.#disk.free(this.#folder);
      this.#bytes ??= Math.min(this.#most, Math.max(LEAST, Math.floor(free / SHARE)));
      if (free < 2 * this.#bytes) return false;
      await this.#make(file);
      this.#stands = true;
    } catch {
      await this.#disk.remove(file).catch(() => {});
    }
    return this.#stands;
  }

  /** Gives the room away; answers whether there was any. */
  async give(): Promise<boolean> {
    const stood = this.#stands;
    this.#stands = false;
    if (stood) await this.#disk.remove(path.join(this.#folder, RESERVE)).catch(() => {});
    return stood;
  }

  async #sizeOf(file: string): Promise<number> {
    const handle = await this.#disk.open(file, 'read');
    try {
      return await handle.size();
    } finally {
      await handle.close();
    }
  }

  async #make(file: string): Promise<void> {
    const handle = await this.#disk.open(file, 'append', this.#permissions);
    try {
      // Written octet by octet: a hole would hold no room.
      const zeros = Buffer.alloc(Math.min(CHUNK, this.bytes));
      for (let left = this.bytes; left > 0; left -= zeros.length) await handle.append([zeros.subarray(0, Math.min(left, zeros.length))]);
      await handle.datasync();
    } finally {
      await handle.close();
    }
  }
}
