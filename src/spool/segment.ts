/** One file of an accept log: how much of it counts and how much of that is alive. */
import type { DiskFile } from '../kernel/disk.js';
import { type FrameKey, HEAD_BYTES } from './file-head.js';
import type { Part } from './part.js';

/** Groups up to this size come from few sessions, each of which waits for its sync alone. */
const SMALL_BYTES = 1 << 16;
/** Written ahead of such groups. */
const ZEROS = Buffer.alloc(1 << 18);

export class Segment {
  readonly part: Part;
  readonly number: number;
  readonly key: FrameKey;
  readonly #file: DiskFile;
  /** Number of the segment in memory; SegmentSlots gives it. */
  slot = -1;
  /** Octets that count; what lies behind was aborted or torn. */
  size: number;
  /** Copies that are alive, and their shares of the octets. */
  live = 0;
  liveBytes = 0;
  /** Copies that compaction wrote here and has not taken over yet. */
  incoming = 0;
  /** Nothing is appended any more. */
  sealed = false;
  /** A start could not read all of it: it stays as it is, and no index is made of it. */
  pinned = false;
  /** A copy in it cannot be read: it is not written again elsewhere. */
  damaged = false;
  /** It is on its way out. */
  dropped = false;
  /** Octets of the file that have their place on the medium: writing there changes nothing but the octets. */
  #allocated: number;
  #readers = 0;
  #closing = false;

  constructor(part: Part, number: number, key: FrameKey, file: DiskFile, size: number) {
    this.part = part;
    this.number = number;
    this.key = key;
    this.#file = file;
    this.size = size;
    this.#allocated = size;
  }

  /** Less than half of it is alive. */
  get isMostlyDead(): boolean {
    return this.liveBytes * 2 < this.size - HEAD_BYTES;
  }

  /** Writes octets behind those that count. A few of them take zeros along, so that the next ones are synced in half the time. */
  write(parts: Uint8Array[], length: number): Promise<void> {
    const end = this.size + length;
    const { sync, segmentBytes } = this.part.options;
    if (end > this.#allocated) {
      const ahead = length > SMALL_BYTES || sync === 'none' ? 0 : Math.min(ZEROS.length, Math.max(0, segmentBytes - end));
      if (ahead > 0) parts.push(ZEROS.subarray(0, ahead));
      this.#allocated = end + ahead;
    }
    return this.#file.writeAt(parts, this.size);
  }

  /** Gives back the zeros behind what counts; needless, so a failure changes nothing. */
  async trim(): Promise<void> {
    if (this.#allocated <= this.size) return;
    this.#allocated = this.size;
    this.beginReading();
    await this.#file.truncate(this.size).catch(() => {});
    this.endReading();
  }

  datasync(): Promise<void> {
    return this.#file.datasync();
  }

  readAt(into: Buffer, offset: number): Promise<number> {
    return this.#file.readAt(into, offset);
  }

  /** The file stays open until `endReading`. */
  beginReading(): void {
    this.#readers++;
  }

  endReading(): void {
    if (--this.#readers === 0 && this.#closing) this.#file.close().catch(() => {});
  }

  /** Closes the file when nobody reads it any more. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    if (this.#readers === 0) await this.#file.close().catch(() => {});
  }
}

/** Gives segments numbers that stay small, so that a table needs four octets for them. */
export class SegmentSlots {
  readonly #slots: (Segment | undefined)[] = [];
  readonly #free: number[] = [];

  add(segment: Segment): void {
    segment.slot = this.#free.pop() ?? this.#slots.length;
    this.#slots[segment.slot] = segment;
  }

  at(slot: number): Segment | undefined {
    return this.#slots[slot];
  }

  /** The caller knows that no ticket names it any more. */
  remove(segment: Segment): void {
    this.#slots[segment.slot] = undefined;
    this.#free.push(segment.slot);
  }
}
