/** How many messages are in memory only, in a small file: a start after a kill tells from it how many are lost. */
import path from 'node:path';
import type { DiskFile } from '../kernel/disk.js';
import type { Part } from './part.js';
import { readText } from './small-file.js';
import { SyncQueue } from './sync-queue.js';

const NAME = 'unspooled';
const DIGITS = 12;

export class HeldCount {
  readonly #part: Pick<Part, 'folder' | 'options'>;
  readonly #count: () => number;
  readonly #writes = new SyncQueue(() => this.#write());
  #file: DiskFile | undefined;
  #asked = false;

  /** `count` is asked for whenever the file is written. */
  constructor(part: Pick<Part, 'folder' | 'options'>, count: () => number) {
    this.#part = part;
    this.#count = count;
  }

  /** Resolves when the file tells at least the count of now: the kernel has it, so that only a machine that stops forgets it. */
  tell(): Promise<void> {
    return this.#writes.ask();
  }

  /** The count became less: the file follows soon. */
  tellLater(): void {
    if (this.#asked) return;
    this.#asked = true;
    this.tell().catch(() => {});
  }

  /** Nothing is lost: the file goes when the count is 0. */
  async close(): Promise<void> {
    if (!this.#file) return;
    await this.tell().catch(() => {});
    await this.#file.close();
    if (this.#count() === 0) await this.#part.options.disk.remove(path.join(this.#part.folder, NAME)).catch(() => {});
    this.#file = undefined;
  }

  async #write(): Promise<void> {
    const { disk, permissions } = this.#part.options;
    const name = path.join(this.#part.folder, NAME);
    if (!this.#file) this.#file = await disk.open(name, (await disk.exists(name)) ? 'update' : 'place', permissions);
    this.#asked = false;
    await this.#file.writeAt([Buffer.from(`${String(this.#count()).padStart(DIGITS, '0')}\n`, 'latin1')], 0);
  }
}

/** How many messages the last daemon on a part had in memory only when it ended without a word. */
export async function readLost({ folder, options: { disk } }: Pick<Part, 'folder' | 'options'>): Promise<number> {
  const count = Number(await readText(disk, path.join(folder, NAME)).catch(() => undefined));
  return Number.isInteger(count) && count > 0 ? count : 0;
}

/** Removes the file of a part once it was told. */
export const forgetLost = ({ folder, options: { disk } }: Pick<Part, 'folder' | 'options'>): Promise<void> =>
  disk.remove(path.join(folder, NAME));
