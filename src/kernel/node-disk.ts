/** The real disk, over node's fs. Every call is asynchronous and complete: a short write goes on until all is written. */
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Disk, DiskFile, OpenMode } from './disk.js';

const FLAGS: Readonly<Record<OpenMode, number>> = {
  append: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_APPEND,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL | fs.constants.O_APPEND,
  place: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL,
  read: fs.constants.O_RDONLY,
  update: fs.constants.O_RDWR,
};

const open = promisify(fs.open);
const close = promisify(fs.close);
const fdatasync = promisify(fs.fdatasync);
const fstat = promisify(fs.fstat);
const ftruncate = promisify(fs.ftruncate);

class NodeFile implements DiskFile {
  readonly path: string;
  readonly #fd: number;
  /** The number of a descriptor that was closed may be another file's by now. */
  #isClosed = false;

  constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  append(buffers: readonly Uint8Array[]): Promise<void> {
    return this.#writeAll(buffers, undefined);
  }

  appendNow(buffers: readonly Uint8Array[]): void {
    if (this.#isClosed) throw this.#closedError();
    let rest: Uint8Array = buffers.length === 1 && buffers[0] ? buffers[0] : Buffer.concat(buffers as Uint8Array[]);
    while (rest.length > 0) rest = rest.subarray(fs.writeSync(this.#fd, rest));
  }

  writeAt(buffers: readonly Uint8Array[], position: number): Promise<void> {
    return this.#writeAll(buffers, position);
  }

  async readAt(into: Uint8Array, position: number): Promise<number> {
    let at = 0;
    while (at < into.length) {
      if (this.#isClosed) throw this.#closedError();
      const from = at;
      const n = await new Promise<number>((done, fail) =>
        fs.read(this.#fd, into, from, into.length - from, position + from, (error, read) => (error ? fail(error) : done(read))),
      );
      if (n === 0) break;
      at += n;
    }
    return at;
  }

  datasync(): Promise<void> {
    return this.#isClosed ? Promise.reject(this.#closedError()) : fdatasync(this.#fd);
  }

  async size(): Promise<number> {
    if (this.#isClosed) throw this.#closedError();
    return (await fstat(this.#fd)).size;
  }

  truncate(size: number): Promise<void> {
    return this.#isClosed ? Promise.reject(this.#closedError()) : ftruncate(this.#fd, size);
  }

  /** Closing twice is harmless. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await close(this.#fd);
  }

  /** At the end when there is no position. */
  #writeAll(buffers: readonly Uint8Array[], position: number | undefined): Promise<void> {
    return new Promise((done, fail) => {
      if (this.#isClosed) return fail(this.#closedError());
      let total = 0;
      for (const buffer of buffers) total += buffer.length;
      const told = (error: Error | null, written: number): void => {
        if (error) fail(error);
        else if (written === total) done();
        else this.#writeRest(Buffer.concat(buffers as Uint8Array[], total).subarray(written), onFrom(position, written), done, fail);
      };
      if (position === undefined) fs.writev(this.#fd, buffers, told);
      else fs.writev(this.#fd, buffers, position, told);
    });
  }

  #writeRest(rest: Uint8Array, position: number | undefined, done: () => void, fail: (error: Error) => void): void {
    if (this.#isClosed) {
      fail(this.#closedError());
      return;
    }
    fs.write(this.#fd, rest, 0, rest.length, position ?? null, (error, n) => {
      if (error) fail(error);
      else if (n === rest.length) done();
      else this.#writeRest(rest.subarray(n), onFrom(position, n), done, fail);
    });
  }

  #closedError(): Error {
    return Object.assign(new Error(`EBADF: ${this.path} is closed`), { code: 'EBADF', path: this.path });
  }
}

const onFrom = (position: number | undefined, octets: number): number | undefined =>
  position === undefined ? undefined : position + octets;

export const nodeDisk: Disk = {
  async open(file: string, mode: OpenMode, permissions = 0o640): Promise<DiskFile> {
    return new NodeFile(file, await open(file, FLAGS[mode], permissions));
  },
  list: (folder) => fs.promises.readdir(folder),
  async makeFolder(folder) {
    const first = await fs.promises.mkdir(folder, { recursive: true });
    if (first === undefined) return;
    // Each new folder is an entry of the one above it.
    const top = path.dirname(path.resolve(first));
    for (let at = path.dirname(path.resolve(folder)); at.length >= top.length; at = path.dirname(at)) {
      await nodeDisk.syncFolder(at);
      if (at === top) break;
    }
  },
  async syncFolder(folder) {
    const handle = await fs.promises.open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  rename: (from, to) => fs.promises.rename(from, to),
  remove: (path) => fs.promises.unlink(path),
  async exists(path) {
    try {
      await fs.promises.access(path);
      return true;
    } catch {
      return false;
    }
  },
  async free(path) {
    const { bavail, bsize } = await fs.promises.statfs(path);
    return bavail * bsize;
  },
};
