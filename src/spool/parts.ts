/** The parts under a spool's root, and which of them a worker reads: its own, and those that no worker writes any more. */
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

/**
 * Folders for `SegmentSpool.open({ folders })`: the worker's own part first, then those it drains. Worker `n` of `workers` (from 0)
 * writes part `n`; a part above the last worker's, left by a time with more of them, belongs to worker `part modulo workers`. So every
 * part has exactly one reader, whatever `workers` was before. The caller holds the lock of the root.
 */
export async function findFolders(disk: Disk, root: string, worker = 0, workers = 1): Promise<readonly string[]> {
  const others = (await listParts(disk, root)).filter((part) => part >= workers && part % workers === worker);
  return [worker, ...others].map((part) => partFolder(root, part));
}
