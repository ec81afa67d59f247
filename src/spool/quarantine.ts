/** Where octets go that cannot be read: kept as files, never deleted by the daemon. */
import path from 'node:path';
import type { Disk } from '../kernel/disk.js';
import { readWhole } from './ledger.js';

/** End of the name of an entry that may be a write which was cut. */
export const TORN = '.torn';

export class Quarantine {
  readonly #disk: Disk;
  readonly #folder: string;

  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  /** Keeps octets under a name; the same name again changes nothing, so that every start does not add a copy. */
  async keep(name: string, bytes: Buffer): Promise<void> {
    const file = path.join(this.#folder, name.replaceAll('/', '_'));
    if (await this.#disk.exists(file)) return;
    const handle = await this.#disk.open(file, 'append', 0o600);
    try {
      await handle.append([bytes]);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await this.#disk.syncFolder(this.#folder);
  }

  /** Which of the words stand in some entry. */
  async named(words: readonly string[]): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    for (const name of await this.names()) {
      const bytes = await readWhole(this.#disk, path.join(this.#folder, name));
      for (const word of words) if (bytes.includes(word, 0, 'latin1')) found.add(word);
    }
    return found;
  }

  /** Whether something else than torn ends lies here. */
  async harm(): Promise<boolean> {
    return (await this.names()).some((name) => !name.endsWith(TORN));
  }

  names(): Promise<readonly string[]> {
    return this.#disk.list(this.#folder);
  }
}
