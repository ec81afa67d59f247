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

/** Why nothing can be written to this file, as a sentence; undefined when it can. Folders that are not there yet can be made. */
export async function findFileFault(file: string): Promise<string | undefined> {
  let folder = path.dirname(file);
  try {
    const there = await statIfThere(file);
    if (there?.isDirectory()) return `${file} is a folder, not a file`;
    if (there) {
      await fs.access(file, constants.W_OK);
      return undefined;
    }
    for (;;) {
      const found = await statIfThere(folder);
      if (found?.isDirectory()) break;
      if (found) return `${folder} is no folder`;
      folder = path.dirname(folder);
    }
    await fs.access(folder, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return `${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`;
  }
}

async function statIfThere(name: string) {
  try {
    return await fs.stat(name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
