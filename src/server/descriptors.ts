/** How many open files the system allows this process, against what the configuration asks for: Node cannot raise the limit itself. */
import fs from 'node:fs';
import type { Snapshot } from '../config/snapshot.js';

/** The soft limit of open files in the text of /proc/self/limits; undefined when it is unlimited or not told. */
export function readFileLimit(limits: string): number | undefined {
  const found = /^Max open files\s+(\d+)\s/m.exec(limits);
  return found?.[1] === undefined ? undefined : Number(found[1]);
}

/** A sentence when `server_max_file_descriptors` is written and the process may open fewer. `limits` reads the text. */
export function* judgeDescriptors(snapshot: Snapshot, limits: () => string = readLimits): IterableIterator<string> {
  if (!snapshot.config.root.settings.has('server_max_file_descriptors')) return;
  const asked = snapshot.global.server_max_file_descriptors;
  const allowed = readFileLimit(limits());
  if (allowed === undefined || allowed >= asked) return;
  yield `server_max_file_descriptors is ${asked}, but the system allows this process ${allowed} open files: write LimitNOFILE=${asked} into the systemd unit, or call "ulimit -n ${asked}" before the start`;
}

/** Nothing where the system does not tell. */
function readLimits(): string {
  try {
    return fs.readFileSync('/proc/self/limits', 'latin1');
  } catch {
    return '';
  }
}
