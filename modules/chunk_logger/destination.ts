/** Whether a log file can be written where it is wanted, found out before the first text comes. */
import { constants } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';

const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;

/** The file a destination names; undefined for other schemes than file. */
export function fileOf(destination: string): string | undefined {
  const scheme = SCHEME.exec(destination)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'file') return undefined;
  return path.resolve(scheme === 'file' ? destination.slice('file://'.length) : destination);
}

/** Makes the folder of a file and says why nothing can be written there, as a sentence; undefined when it can. */
export async function findFileFault(file: string): Promise<string | undefined> {
  try {
    const there = await statIfThere(file);
    if (there?.isDirectory()) return `${file} is a folder, not a file`;
    if (!there) await makeFolder(path.dirname(file));
    await fs.access(there ? file : path.dirname(file), constants.W_OK);
    return undefined;
  } catch (error) {
    return `${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** One folder at a time: Node's own recursive mkdir never ends where a file system refuses with ENOENT, as /proc does. */
async function makeFolder(folder: string): Promise<void> {
  if (await statIfThere(folder)) return;
  await makeFolder(path.dirname(folder));
  await fs.mkdir(folder);
}

async function statIfThere(name: string) {
  try {
    return await fs.stat(name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
