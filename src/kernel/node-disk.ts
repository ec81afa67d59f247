/** The real disk, over node's fs. Every call is asynchronous and complete: a short write goes on until all is written. */
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Disk, DiskFile, OpenMode } from './disk.js';

const FLAGS: Readonly<Record<OpenMode, number>> = {
  append: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_APPEND,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL | fs.constants.O_APPEND,
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
  #isClosed = false;

  constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  append(buffers: readonly Uint8Array[]): Promise<void> {
    return new Promise((done, fail) => {
      let total = 0;
      for (const buffer of buffers) total += buffer.length;
      fs.writev(this.#fd, buffers, (error, written) => {
        if (error) fail(error);
        else if (written === total) done();
        else this.#appendRest(Buffer.concat(buffers as Uint8Array[], total).subarray(written), done, fail);
      });
    });
  }

  appendNow(buffers: readonly Uint8Array[]): void {
    if (this.#isClosed) throw Object.assign(new Error(`EBADF: ${this.path} is closed`), { code: 'EBADF' });
    let rest: Uint8Array = buffers.length === 1 && buffers[0] ? buffers[0] : Buffer.concat(buffers as Uint8Array[]);
    while (rest.length > 0) rest = rest.subarray(fs.writeSync(this.#fd, rest));
  }

  async writeAt(bytes: Uint8Array, position: number): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const from = at;
      at += await new Promise<number>((done, fail) =>
        fs.write(this.#fd, bytes, from, bytes.length - from, position + from, (error, n) => (error ? fail(error) : done(n))),
      );
    }
  }

  async readAt(into: Uint8Array, position: number): Promise<number> {
    let at = 0;
    while (at < into.length) {
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
    return fdatasync(this.#fd);
  }

  async size(): Promise<number> {
    return (await fstat(this.#fd)).size;
  }

  truncate(size: number): Promise<void> {
    return ftruncate(this.#fd, size);
  }

  /** Closing twice is harmless: the second time the number behind it may be another file's. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await close(this.#fd);
  }

  #appendRest(rest: Uint8Array, done: () => void, fail: (error: Error) => void): void {
    fs.write(this.#fd, rest, 0, rest.length, null, (error, n) => {
      if (error) fail(error);
      else if (n === rest.length) done();
      else this.#appendRest(rest.subarray(n), done, fail);
    });
  }
}

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
