/** The parts under a spool's root. */
import path from 'node:path';
import type { Disk } from '../kernel/disk.js';

const PARTS = 'parts';

/** Numbers of the parts under a root, lowest first. */
export async function listParts(disk: Disk, root: string): Promise<number[]> {
  const folder = path.join(root, PARTS);
  if (!(await disk.exists(folder))) return [];
  return (await disk.list(folder))
    .filter((name) => /^\d{1,5}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/** Folder of a part. */
export const partFolder = (root: string, part: number): string => path.join(root, PARTS, String(part));
