/** One file of the accept log: how much of it counts and how much of that is alive. */
import type { DiskFile } from '../kernel/disk.js';

export const segmentName = (number: number): string => `accept-${String(number).padStart(10, '0')}.log`;
const NAME = /^accept-(\d{10})\.log$/;

/** Number of a segment file, or undefined when the name is none. */
export const segmentNumber = (name: string): number | undefined => {
  const found = NAME.exec(name);
  return found ? Number(found[1]) : undefined;
};

export class Segment {
  readonly number: number;
  readonly file: DiskFile;
  /** Octets that count; what lies behind was aborted. */
  size: number;
  copies = 0;
  live = 0;
  /** Nothing is appended any more. */
  sealed = false;
  /** Compaction is taking its copies elsewhere. */
  moving = false;
  /** Why the file must not go: copies that compaction put here and that still count where they came from, octets that found no other place. */
  pins = 0;
  /** Some of its copies cannot be read, so it cannot be emptied. */
  stuck = false;
  /** Reads under way; the file stays open for them. */
  readers = 0;

  constructor(number: number, file: DiskFile, size: number) {
    this.number = number;
    this.file = file;
    this.size = size;
  }
}
