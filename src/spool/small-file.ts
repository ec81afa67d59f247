/** Small files that are read whole and replaced whole: written aside, synced, renamed, folder synced. */
import path from 'node:path';
import type { Disk } from '../kernel/disk.js';

/** Files of this size are read into memory of their own. */
const LARGE = 1 << 20;
/**
 * glibc maps every piece above 32 MiB by itself and gives it back to the system as a whole; smaller ones leave holes in the heap of the
 * process for good. What is not touched costs nothing.
 */
const MAPPED = 33 << 20;

/** All octets of a file. With `unsynced` they are made durable first, and it is told when that fails. */
export async function readWhole(disk: Disk, file: string, unsynced?: (error: unknown, file: string) => void): Promise<Buffer> {
  const handle = await disk.open(file, 'read');
  try {
    if (unsynced) await handle.datasync().catch((error: unknown) => unsynced(error, file));
    const size = await handle.size();
    const bytes = size < LARGE ? Buffer.allocUnsafe(size) : Buffer.allocUnsafeSlow(Math.max(size, MAPPED)).subarray(0, size);
    return bytes.subarray(0, await handle.readAt(bytes, 0));
  } finally {
    await handle.close();
  }
}

/** The text of a small file without its line end; undefined when there is none. */
export async function readText(disk: Disk, file: string): Promise<string | undefined> {
  if (!(await disk.exists(file))) return undefined;
  return (await readWhole(disk, file)).toString('latin1').trim();
}

/** Afterwards the file has the new octets, on the medium; whenever the machine stops it has the old or the new ones. */
export async function replaceFile(disk: Disk, folder: string, name: string, bytes: Uint8Array, permissions: number): Promise<void> {
  const aside = path.join(folder, `${name}.new`);
  if (await disk.exists(aside)) await disk.remove(aside);
  const handle = await disk.open(aside, 'create', permissions);
  try {
    await handle.append([bytes]);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await disk.rename(aside, path.join(folder, name));
  await disk.syncFolder(folder);
}
