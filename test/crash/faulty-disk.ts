/** A disk whose calls fail or take long while a test wants it. */
import type { Disk, DiskFile, OpenMode } from '../../src/kernel/disk.js';

/** `append` stands for both kinds of writes. */
export type Call = 'open' | 'openToRead' | 'append' | 'datasync' | 'syncFolder' | 'remove' | 'readAt';

/** An error as the system gives it. */
export const systemError = (code: string): Error => Object.assign(new Error(`${code}: injected`), { code });

export class FaultyDisk implements Disk {
  /** Asked before each call; throws to let it fail, answers a promise to let it wait. */
  fault: (call: Call, path: string) => Promise<void> | void = () => {};
  freeBytes: number | undefined;
  readonly #disk: Disk;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  async open(path: string, mode: OpenMode, permissions?: number): Promise<DiskFile> {
    await this.fault(mode === 'read' ? 'openToRead' : 'open', path);
    return this.#wrap(await this.#disk.open(path, mode, permissions));
  }

  list(folder: string): Promise<readonly string[]> {
    return this.#disk.list(folder);
  }

  makeFolder(folder: string): Promise<void> {
    return this.#disk.makeFolder(folder);
  }

  async syncFolder(folder: string): Promise<void> {
    await this.fault('syncFolder', folder);
    return this.#disk.syncFolder(folder);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#disk.rename(from, to);
  }

  async remove(path: string): Promise<void> {
    await this.fault('remove', path);
    return this.#disk.remove(path);
  }

  exists(path: string): Promise<boolean> {
    return this.#disk.exists(path);
  }

  async free(path: string): Promise<number> {
    return this.freeBytes ?? this.#disk.free(path);
  }

  #wrap(file: DiskFile): DiskFile {
    const { path } = file;
    return {
      path,
      append: async (buffers) => {
        await this.fault('append', path);
        return file.append(buffers);
      },
      // A call that cannot wait only fails or does not.
      appendNow: (buffers) => {
        void this.fault('append', path);
        file.appendNow(buffers);
      },
      writeAt: async (buffers, position) => {
        await this.fault('append', path);
        return file.writeAt(buffers, position);
      },
      readAt: async (into, position) => {
        await this.fault('readAt', path);
        return file.readAt(into, position);
      },
      datasync: async () => {
        await this.fault('datasync', path);
        return file.datasync();
      },
      size: () => file.size(),
      truncate: (size) => file.truncate(size),
      close: () => file.close(),
    };
  }
}
