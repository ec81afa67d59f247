/** What the outcome logs tell about the accept log, gathered before anything old is scheduled. */
import path from 'node:path';
import type { Disk } from '../kernel/disk.js';
import { FRAME_HEAD, findMagic, isWhole, KIND, lengthOf, readHead } from './frame.js';
import { outcomeName } from './outcome-log.js';
import { type IndexEntry, type OutcomeReader, readOutcomes, type Spot, WHOLE } from './outcome-record.js';
import type { PlaceNames } from './reception-record.js';

/** After so many records the loop gets its turn. */
const BREATHE_EVERY = 2000;

/** The newest retry state of a copy. */
export interface Change {
  readonly attempts: number;
  readonly next: number;
  readonly reply: string;
}

/** Offset and number in the frame as one number. */
export const keyOf = (offset: number, index: number): number => offset * 0x10000 + index;

export class SegmentLedger {
  /** Below this offset only `entries` are alive. */
  upTo = 0;
  readonly entries = new Map<number, IndexEntry>();
  readonly gone = new Set<number>();
  readonly changes = new Map<number, Change>();
  readonly moves = new Map<number, PlaceNames>();
}

export class Ledger implements OutcomeReader {
  readonly segments = new Map<number, SegmentLedger>();
  readonly dropped = new Set<number>();

  of(segment: number): SegmentLedger {
    let ledger = this.segments.get(segment);
    if (!ledger) this.segments.set(segment, (ledger = new SegmentLedger()));
    return ledger;
  }

  /** A checkpoint begins: what was read before is part of it. */
  clear(): void {
    this.segments.clear();
    this.dropped.clear();
  }

  gone({ segment, offset, index }: Spot): void {
    const ledger = this.of(segment);
    const key = keyOf(offset, index);
    if (!ledger.entries.delete(key)) ledger.gone.add(key);
    ledger.changes.delete(key);
  }

  change({ segment, offset, index }: Spot, attempts: number, next: number, reply: string): void {
    this.of(segment).changes.set(keyOf(offset, index), { attempts, next, reply });
  }

  move({ segment, offset, index }: Spot, place: PlaceNames): void {
    this.of(segment).moves.set(keyOf(offset, index), place);
  }

  drop(segment: number): void {
    this.dropped.add(segment);
    this.segments.delete(segment);
  }

  index(segment: number, upTo: number): void {
    const ledger = this.of(segment);
    ledger.upTo = upTo;
    ledger.entries.clear();
    // An index is made from what is known: earlier records about what it covers are in it.
    for (const set of [ledger.gone, ledger.changes, ledger.moves])
      for (const key of set.keys()) if (upTo === WHOLE || key < keyOf(upTo, 0)) set.delete(key);
  }

  entry(segment: number, entry: IndexEntry): void {
    this.of(segment).entries.set(keyOf(entry.offset, entry.index), entry);
  }
}

/** Replays the outcome files in order. A torn end of a file is passed over; what a later checkpoint tells again is not needed. */
export async function readLedger(disk: Disk, folder: string, numbers: readonly number[]): Promise<Ledger> {
  const ledger = new Ledger();
  let records = 0;
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const bytes = await readWhole(disk, path.join(folder, outcomeName(number)));
    for (let at = 0; at >= 0 && at < bytes.length; ) {
      const head = readHead(bytes, at);
      if (!head || !isWhole(bytes, at, head)) {
        at = findMagic(bytes, at + 1);
        continue;
      }
      if (head.kind === KIND.checkpoint) ledger.clear();
      for (const _ of readOutcomes(bytes.subarray(at + FRAME_HEAD, at + FRAME_HEAD + head.metaLength), ledger))
        if (++records % BREATHE_EVERY === 0) await new Promise<void>((done) => setImmediate(done));
      at += lengthOf(head);
    }
  }
  return ledger;
}

/** All octets of a file. */
export async function readWhole(disk: Disk, file: string): Promise<Buffer> {
  const handle = await disk.open(file, 'read');
  try {
    const bytes = Buffer.allocUnsafe(await handle.size());
    const n = await handle.readAt(bytes, 0);
    return bytes.subarray(0, n);
  } finally {
    await handle.close();
  }
}
