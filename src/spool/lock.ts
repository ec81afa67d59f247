/** One daemon a spool: a lock on an open file that ends with the last process that inherited its descriptor. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { problems } from './problems.js';

/** Holds the lock until `release` or the end of the process. Throws a coded problem when another daemon has it. */
export function lockSpool(root: string): { readonly descriptor: number; release(): void } {
  const file = path.join(root, 'lock');
  let descriptor: number;
  try {
    fs.mkdirSync(root, { recursive: true });
    descriptor = fs.openSync(file, 'a', 0o600);
  } catch (error) {
    throw problems.UNUSABLE.because(error, root, error instanceof Error ? error.message : String(error));
  }
  // Node has no locks; flock(1) locks the open file behind descriptor 3, which is ours as well.
  const tried = spawnSync('flock', ['--nonblock', '3'], { stdio: ['ignore', 'ignore', 'ignore', descriptor] });
  if (tried.error || tried.status !== 0) {
    fs.closeSync(descriptor);
    throw tried.error ? problems.NO_LOCKS.because(tried.error, root) : problems.LOCKED(root);
  }
  return { descriptor, release: () => fs.closeSync(descriptor) };
}
