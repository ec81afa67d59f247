/** Where octets go that cannot be read: kept as files, never deleted by the daemon. */
import path from 'node:path';
import type { Disk } from '../kernel/disk.js';
import { replaceFile } from './small-file.js';

export const QUARANTINE = 'quarantine';
/** Ends the names of bodies' files. */
export const BODY = '.body';
/** Ends the names of entries that are the torn end of a write. */
export const TORN = '.torn';
const PERMISSIONS = 0o600;

export class Quarantine {
  readonly #disk: Disk;
  readonly #folder: string;

  /** `folder` is the part's. */
  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = path.join(folder, QUARANTINE);
  }

  /** Keeps octets under a name; the same name again changes nothing, so that every start does not add a copy. */
  async keep(name: string, bytes: Uint8Array): Promise<void> {
    if (await this.#disk.exists(path.join(this.#folder, name))) return;
    await replaceFile(this.#disk, this.#folder, name, bytes, PERMISSIONS);
  }

  /** Takes a file as it is. */
  async take(file: string): Promise<void> {
    await this.#disk.rename(file, path.join(this.#folder, path.basename(file)));
    await this.#disk.syncFolder(this.#folder);
    await this.#disk.syncFolder(path.dirname(file));
  }

  /** Whether octets lie there that were more than the torn end of a write: damaged records may name bodies that look unused. */
  async hasHarm(): Promise<boolean> {
    return (await this.#disk.list(this.#folder)).some((name) => !name.endsWith(TORN) && !name.endsWith(BODY));
  }
}
