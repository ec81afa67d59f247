/** Which parts of the spool belong to which worker: the one place that says so. */
import fs from 'node:fs';
import path from 'node:path';

export interface OwnParts {
  /** Folder of the part it writes. */
  readonly own: string;
  /** Folders that nobody writes any more: what is in them is delivered, until they are empty. */
  readonly drained: readonly string[];
}

/**
 * Worker `number` of `workers`, from 0, writes the part of its number. Parts with a number that no worker has any more are spread
 * over the workers. Parts never overlap, and every part that exists is somebody's.
 */
export function partsOf(root: string, { number, workers }: { readonly number: number; readonly workers: number }): OwnParts {
  const inside = path.join(root, 'parts');
  const left = listNumbers(inside).filter((part) => part >= workers && part % workers === number);
  return { own: path.join(inside, String(number)), drained: left.map((part) => path.join(inside, String(part))) };
}

function listNumbers(folder: string): readonly number[] {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder)
    .filter((name) => /^\d{1,5}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}
