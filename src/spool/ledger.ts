/** What the outcome logs of a part tell about its accept log, gathered before anything old is told. */
import path from 'node:path';
import type { Disk } from '../kernel/disk.js';
import { readFileHead } from './file-head.js';
import { KIND } from './frame.js';
import { outcomeName } from './log-names.js';
import { countIndex, type OutcomeReader, readIndex, readOutcomes } from './outcome-reader.js';
import { type IndexEntry, type Spot, WHOLE } from './outcome-tags.js';
import { breathe, scanFrames } from './scan.js';
import { readWhole } from './small-file.js';
import { SpotIndex, spotKey } from './spot-index.js';
import { isBefore, isThere, type Sweep } from './sweep.js';
import { Words } from './words.js';

/** Frames from `from` up to `to`: exactly what the octets name is alive, in the state it had at `time`. */
interface Slice {
  readonly from: number;
  readonly to: number;
  readonly time: number;
  readonly octets: Buffer;
}

/** A change or move found behind an index: rows of columns, since there may be one for every message. */
class Rows {
  readonly #rows = new SpotIndex();
  readonly time: number[] = [];
  readonly attempts: number[] = [];
  readonly next: number[] = [];
  readonly word: number[] = [];

  put(key: number, time: number, attempts: number, next: number, word: number): void {
    const row = this.#rows.at(key) ?? this.time.length;
    this.#rows.set(key, row);
    this.time[row] = time;
    this.attempts[row] = attempts;
    this.next[row] = next;
    this.word[row] = word;
  }

  /** The row of a spot when it is newer than `time`. */
  after(key: number, time: number): number | undefined {
    const row = this.#rows.at(key);
    return row !== undefined && (this.time[row] as number) > time ? row : undefined;
  }
}

/** A record about a whole place, and when it was written. */
type DatedSweep = Sweep & { readonly time: number };

/** What is known of one segment. */
export class SegmentLedger {
  readonly #words: Words;
  readonly #number: number;
  /** Those of the whole part, oldest first. */
  readonly #sweeps: readonly DatedSweep[];
  /** Places that messages left for another one after a sweep, oldest first. */
  readonly #left = new Map<number, { readonly time: number; readonly word: number }[]>();
  readonly #gone = new SpotIndex();
  readonly #changes = new Rows();
  readonly #moves = new Rows();
  #slices: Slice[] = [];

  constructor(words: Words, number: number, sweeps: readonly DatedSweep[]) {
    this.#words = words;
    this.#number = number;
    this.#sweeps = sweeps;
  }

  gone(key: number): void {
    this.#gone.set(key, 1);
  }

  change(key: number, time: number, attempts: number, next: number, reply: string): void {
    this.#changes.put(key, time, attempts, next, this.#words.hold(reply));
  }

  move(key: number, time: number, place: string): void {
    const before = this.#sweeps.length === 0 ? undefined : this.#moves.after(key, -1);
    if (before !== undefined) {
      const left = this.#left.get(key) ?? [];
      left.push({ time: this.#moves.time[before] as number, word: this.#moves.word[before] as number });
      this.#left.set(key, left);
    }
    this.#moves.put(key, time, 0, 0, this.#words.hold(place));
  }

  /** A newer slice makes those needless that it covers. */
  slice(slice: Slice): void {
    this.#slices = this.#slices.filter(({ from, to }) => from < slice.from || to > slice.to);
    this.#slices.push(slice);
  }

  isGone(offset: number, index: number): boolean {
    return this.#gone.has(spotKey(offset, index));
  }

  /** Whether an index tells all about the frame at that offset. */
  covers(offset: number): boolean {
    return this.#slices.some(({ from, to }) => offset >= from && (offset < to || to === WHOLE));
  }

  /** Where the octets begin that no index tells of; WHOLE when every frame of a segment of that size is covered. */
  firstUncovered(begin: number, size: number): number {
    let at = begin;
    const slices = [...this.#slices].sort((a, b) => a.from - b.from);
    for (const { from, to } of slices) {
      // The first slice of a series begins at 0.
      if (from > at) break;
      if (to === WHOLE) return WHOLE;
      at = Math.max(at, to);
    }
    return at >= size ? WHOLE : at;
  }

  /** At most so many copies are in `entries`. */
  get most(): number {
    return this.#slices.reduce((sum, { octets }) => sum + countIndex(octets), 0);
  }

  /** The copies that indexes name and that did not end since, in their newest state. */
  *entries(): Generator<IndexEntry> {
    const newestFirst = [...this.#slices].reverse();
    for (const [i, slice] of newestFirst.entries()) {
      const newer = newestFirst.slice(0, i);
      for (const entry of readIndex(slice.octets)) {
        if (newer.some(({ from, to }) => entry.offset >= from && (entry.offset < to || to === WHOLE))) continue;
        if (!this.isGone(entry.offset, entry.index)) yield this.latest(entry, slice.time);
      }
    }
  }

  /** The entry with what was recorded about it after `time`. */
  latest(entry: IndexEntry, time: number): IndexEntry {
    const key = spotKey(entry.offset, entry.index);
    const change = this.#changes.after(key, time);
    const move = this.#moves.after(key, time);
    const changedAt = change === undefined ? time : (this.#changes.time[change] as number);
    const swept = this.#sweeps.length === 0 ? undefined : this.#sweptAfter(changedAt, entry, key, time);
    if (change === undefined && move === undefined && swept === undefined) return entry;
    return {
      ...entry,
      ...(change !== undefined && {
        attempts: this.#changes.attempts[change] as number,
        next: this.#changes.next[change] as number,
        reply: this.#words.at(this.#changes.word[change] as number),
      }),
      ...(swept && { next: swept.next, reply: swept.reply }),
      ...(move !== undefined && { place: this.#words.at(this.#moves.word[move] as number) }),
    };
  }

  /** The newest sweep behind `after` that concerns an entry whose state is that of `time`. */
  #sweptAfter(after: number, entry: IndexEntry, key: number, time: number): DatedSweep | undefined {
    for (let i = this.#sweeps.length - 1; i >= 0; i--) {
      const sweep = this.#sweeps[i] as DatedSweep;
      if (sweep.time <= after) return undefined;
      if (isBefore(sweep, this.#number, entry.offset) && isThere(sweep.where, this.#placeAt(sweep.time, entry, key, time))) return sweep;
    }
    return undefined;
  }

  /** Where the message was at some time after its entry. */
  #placeAt(moment: number, entry: IndexEntry, key: number, time: number): string {
    const move = this.#moves.after(key, time);
    if (move === undefined) return entry.place;
    if ((this.#moves.time[move] as number) <= moment) return this.#words.at(this.#moves.word[move] as number);
    const left = this.#left.get(key)?.findLast((each) => each.time <= moment && each.time > time);
    return left ? this.#words.at(left.word) : entry.place;
  }
}

/** Octets of an outcome file that could not be read. */
export interface DamagedOutcomes {
  readonly file: string;
  readonly from: number;
  readonly bytes: Buffer;
  readonly torn: boolean;
}

export class Ledger implements OutcomeReader {
  readonly #words = new Words();
  readonly #segments = new Map<number, SegmentLedger>();
  readonly #sweeps: DatedSweep[] = [];
  readonly dropped = new Set<number>();
  readonly damaged: DamagedOutcomes[] = [];
  #time = 0;

  of(segment: number): SegmentLedger {
    let ledger = this.#segments.get(segment);
    if (!ledger) {
      ledger = new SegmentLedger(this.#words, segment, this.#sweeps);
      this.#segments.set(segment, ledger);
    }
    return ledger;
  }

  /** At most so many copies are told by indexes. */
  get most(): number {
    let sum = 0;
    for (const ledger of this.#segments.values()) sum += ledger.most;
    return sum;
  }

  gone(segment: number, offset: number, index: number): void {
    this.of(segment).gone(spotKey(offset, index));
  }

  change({ segment, offset, index }: Spot, attempts: number, next: number, reply: string): void {
    this.of(segment).change(spotKey(offset, index), ++this.#time, attempts, next, reply);
  }

  move({ segment, offset, index }: Spot, place: string): void {
    this.of(segment).move(spotKey(offset, index), ++this.#time, place);
  }

  drop(segment: number): void {
    this.dropped.add(segment);
    this.#segments.delete(segment);
  }

  sweep(sweep: Sweep): void {
    this.#sweeps.push({ ...sweep, time: ++this.#time });
  }

  index(segment: number, from: number, to: number, octets: Buffer): void {
    // A copy of the octets, so that the whole file need not stay in memory.
    this.of(segment).slice({ from, to, time: ++this.#time, octets: Buffer.from(octets) });
  }
}

/**
 * Replays the outcome files of a part in order. Octets that are no whole frame are passed over and listed. With `unsynced` what was read
 * is durable (a daemon that was killed leaves octets that only the kernel has), and it is told when that fails.
 */
export async function readLedger(
  disk: Disk,
  folder: string,
  numbers: readonly number[],
  unsynced?: (error: unknown, file: string) => void,
): Promise<Ledger> {
  const ledger = new Ledger();
  for (const number of numbers) {
    const file = outcomeName(number);
    const bytes = await readWhole(disk, path.join(folder, file), unsynced);
    const head = readFileHead(bytes);
    if (!head) {
      if (bytes.length > 0) ledger.damaged.push({ file, from: 0, bytes, torn: true });
      continue;
    }
    await scanFrames(head.key, bytes, {
      frame(_offset, { kind }, meta) {
        if (kind !== KIND.outcomes) return true;
        try {
          readOutcomes(meta, ledger);
          return true;
        } catch {
          return false;
        }
      },
      damaged: (from, to, torn) => void ledger.damaged.push({ file, from, bytes: Buffer.from(bytes.subarray(from, to)), torn }),
    });
    await breathe();
  }
  return ledger;
}
