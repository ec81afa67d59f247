/** Finds the lines of a message in the main logs, the rotated ones too, as long as they are not packed. */
import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Snapshot } from '../config/snapshot.js';

const CHUNK = 1 << 20;
/** A line longer than this is none of ours. */
const LONGEST = 1 << 20;

/** Main logs of all loggers that are configured. */
export const mainLogsOf = (snapshot: Snapshot): readonly string[] =>
  snapshot.modules().flatMap(({ name, options }) => (name === 'ec_logger' && typeof options.mainlog === 'string' ? [options.mainlog] : []));

/** These logs with their rotated predecessors, as far as they are there. */
export async function findLogFiles(logs: readonly string[]): Promise<readonly string[]> {
  const files = new Set<string>();
  for (const log of logs) {
    const main = path.resolve(log.replace(/^file:\/\//, ''));
    const names = await readdir(path.dirname(main)).catch(() => []);
    const base = path.basename(main);
    for (const each of names) {
      const rotated = each.startsWith(`${base}.`) || each.startsWith(`${base}-`);
      if (each === base || (rotated && !/\.(?:gz|xz|zst|bz2)$/.test(each))) files.add(path.join(path.dirname(main), each));
    }
  }
  return [...files].sort();
}

/** Lines of a file that hold a text. A file that cannot be read has none; `signal` ends the search. */
export async function* findLogLines(file: string, text: string, signal: AbortSignal): AsyncGenerator<string> {
  const needle = Buffer.from(text);
  const handle = await open(file).catch(() => undefined);
  if (!handle) return;
  try {
    const chunk = Buffer.alloc(CHUNK);
    let rest: Buffer = Buffer.alloc(0);
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await handle.read(chunk, 0, CHUNK, null);
      const bytes = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
      const end = bytesRead === 0 ? bytes.length : bytes.lastIndexOf(10) + 1;
      yield* linesWith(bytes.subarray(0, end), needle);
      if (bytesRead === 0) return;
      rest = bytes.length - end > LONGEST ? Buffer.alloc(0) : Buffer.from(bytes.subarray(end));
    }
  } finally {
    await handle.close();
  }
}

function* linesWith(bytes: Buffer, needle: Buffer): Generator<string> {
  for (let at = bytes.indexOf(needle); at >= 0; ) {
    const begin = at === 0 ? 0 : bytes.lastIndexOf(10, at) + 1;
    const stop = bytes.indexOf(10, at);
    const end = stop < 0 ? bytes.length : stop;
    yield bytes.toString('utf8', begin, end);
    at = bytes.indexOf(needle, end);
  }
}
