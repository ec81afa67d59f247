/** Bundles on disk: a folder for each version, put in place whole, and the files that others read. */
import fs from 'node:fs/promises';
import path from 'node:path';

/** A bundle's files by name, manifest and signature included. */
export type Files = ReadonlyMap<string, Buffer>;

const VERSION = /^v(\d{1,15})$/;

export class Store {
  readonly #folder: string;

  /** `folder` is made when it is not there. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Versions that are there, newest first. */
  async list(): Promise<readonly number[]> {
    const names = await fs.readdir(this.#folder).catch(() => []);
    return names
      .flatMap((name) => {
        const found = VERSION.exec(name);
        return found ? [Number(found[1])] : [];
      })
      .sort((a, b) => b - a);
  }

  read(version: number, name: string): Promise<Buffer> {
    return fs.readFile(path.join(this.#folder, `v${version}`, name));
  }

  /** Writes a version beside its place, syncs it, and moves it there: it is there whole or not at all. */
  async put(version: number, files: Files): Promise<void> {
    const place = path.join(this.#folder, `v${version}`);
    const beside = path.join(this.#folder, `new-v${version}`);
    await fs.rm(beside, { recursive: true, force: true });
    await fs.mkdir(beside, { recursive: true });
    for (const [name, bytes] of files) await writeDurably(path.join(beside, name), bytes);
    await syncFolder(beside);
    await fs.rm(place, { recursive: true, force: true });
    await fs.rename(beside, place);
    await syncFolder(this.#folder);
  }

  /** Puts a file where others look for it; it is never seen half written. */
  async expose(name: string, bytes: Buffer): Promise<void> {
    const file = path.join(this.#folder, name);
    await writeDurably(`${file}.new`, bytes);
    await fs.rename(`${file}.new`, file);
    await syncFolder(this.#folder);
  }

  async remove(version: number): Promise<void> {
    await fs.rm(path.join(this.#folder, `v${version}`), { recursive: true, force: true });
  }
}

async function writeDurably(file: string, bytes: Buffer): Promise<void> {
  const handle = await fs.open(file, 'w', 0o644);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await fs.open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
