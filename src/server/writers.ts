/** The writers of log lines: one for each target, shared by all who write to it. */
import fs from 'node:fs';
import path from 'node:path';
import { FileLineWriter } from '../events/line-writer.js';
import type { Clock } from '../kernel/clock.js';
import { declareProblems } from '../kernel/problems.js';
import type { LineWriter } from '../module/service.js';
import type { Journal } from './journal.js';

export const problems = declareProblems('writer', {
  NO_SCHEME: {
    text: 'nothing writes to %s: no module offers the scheme "%s"',
    doc: 'Plain paths and file:// go to files; other schemes come with their modules.',
  },
  NO_FOLDER: { text: 'the folder of %s cannot be made', doc: 'The daemon needs a folder it may write to for each log.' },
});

const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;

interface Shared {
  readonly writer: FileLineWriter;
  users: number;
}

export class WriterBook {
  readonly #clock: Clock;
  readonly #journal: Journal;
  readonly #open = new Map<string, Shared>();
  /** Nobody writes to them any more, but their last lines may be on their way. */
  readonly #leaving = new Set<Promise<void>>();

  constructor(clock: Clock, journal: Journal) {
    this.#clock = clock;
    this.#journal = journal;
  }

  /** A writer for a path or file:// URI. Throws a coded problem when there is no way to write there. */
  open(uri: string, how: { readonly permissions: number; readonly owner: string }): LineWriter {
    const scheme = SCHEME.exec(uri)?.[1]?.toLowerCase();
    if (scheme !== undefined && scheme !== 'file') throw problems.NO_SCHEME(uri, scheme);
    const file = path.resolve(scheme === 'file' ? uri.slice('file://'.length) : uri);
    let shared = this.#open.get(file);
    if (!shared) {
      makeFolder(file);
      shared = { writer: this.#make(file, how), users: 0 };
      // The file is there from the start: a path that cannot be written shows at once, not with the first line.
      void shared.writer.flush();
      this.#open.set(file, shared);
    }
    shared.users++;
    return this.#handle(file, shared);
  }

  async flush(): Promise<void> {
    await Promise.all([...this.#leaving, ...Array.from(this.#open.values(), ({ writer }) => writer.flush())]);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#leaving, ...Array.from(this.#open.values(), ({ writer }) => writer.close())]);
    this.#open.clear();
  }

  #make(file: string, how: { readonly permissions: number; readonly owner: string }): FileLineWriter {
    return new FileLineWriter({
      path: file,
      permissions: how.permissions,
      clock: this.#clock,
      // Not to the `logged` hook: the panic log may be the very file that fails.
      trouble: (error) =>
        this.#journal.say(error ? 'warning' : 'notice', 'writers', error ? `${file} cannot be written` : `${file} is written again`, error),
    });
  }

  #handle(file: string, shared: Shared): LineWriter {
    const { writer } = shared;
    let closed = false;
    return {
      line: (text) => writer.line(text),
      raw: (text) => writer.raw(text),
      reopen: () => writer.reopen(),
      flush: () => writer.flush(),
      close: async () => {
        if (closed) return;
        closed = true;
        if (--shared.users > 0) return;
        this.#open.delete(file);
        const left = writer.close().finally(() => this.#leaving.delete(left));
        this.#leaving.add(left);
        await left;
      },
      get dropped() {
        return writer.dropped;
      },
      get waiting() {
        return writer.waiting;
      },
    };
  }
}

function makeFolder(file: string): void {
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true });
  } catch (error) {
    throw problems.NO_FOLDER.because(error, file);
  }
}
