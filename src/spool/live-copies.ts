/** Which copies of a segment are alive: from its indexes where there are some, else from its frames. Recovery and `celeris spool` share it. */
import { type Aborted, readAborted } from './aborted.js';
import type { IdNumbers } from './encode-reception.js';
import { type FrameKey, HEAD_BYTES } from './file-head.js';
import { KIND, lengthOf } from './frame.js';
import type { SegmentLedger } from './ledger.js';
import { type IndexEntry, WHOLE } from './outcome-tags.js';
import { scanFrames } from './scan.js';
import { type ReceptionSketch, sketchReception } from './sketch-reception.js';

/** Octets that are no whole frame. */
export interface Damage {
  readonly from: number;
  readonly to: number;
  /** They end the file, and may never have been acknowledged. */
  readonly torn: boolean;
}

/** What the frames of a segment tell that its indexes do not. */
export interface Scanned {
  /** Live copies, in their newest state. */
  readonly entries: readonly IndexEntry[];
  readonly ends: readonly IdNumbers[];
  readonly aborted: readonly Aborted[];
  readonly damage: readonly Damage[];
  /** Where the last whole frame ends. */
  readonly size: number;
  /** Copies that were read, alive or not. */
  readonly copies: number;
}

export interface ScanRules {
  /** What lies behind this was never acknowledged. */
  readonly abortedFrom: number;
  /** Whether the copies that compaction took from a segment still stand there. */
  stillThere(segment: number): boolean;
}

/** Reads the frames from `from` on. */
export async function scanSegment(
  key: FrameKey,
  bytes: Buffer,
  from: number,
  known: SegmentLedger,
  { abortedFrom, stillThere }: ScanRules,
): Promise<Scanned> {
  const entries: IndexEntry[] = [];
  const ends: IdNumbers[] = [];
  const aborted: Aborted[] = [];
  const damage: Damage[] = [];
  let copies = 0;
  const counted = bytes.subarray(0, Math.min(bytes.length, abortedFrom));
  const size = await scanFrames(
    key,
    counted,
    {
      frame(offset, head, meta) {
        try {
          if (head.kind === KIND.aborted) aborted.push(...readAborted(meta));
          if (head.kind !== KIND.reception) return true;
          const sketch = sketchReception(meta);
          ends.push(...sketch.ends);
          // Compaction that did not finish: the copies still stand where they came from.
          if (sketch.movedFrom !== undefined && stillThere(sketch.movedFrom)) return true;
          copies += sketch.copies.length;
          takeLive(sketch, offset, lengthOf(head), known, entries);
          return true;
        } catch {
          return false;
        }
      },
      damaged: (at, to, torn) => void damage.push({ from: at, to, torn }),
    },
    Math.max(from, HEAD_BYTES),
  );
  return { entries, ends, aborted, damage, size, copies };
}

function takeLive(sketch: ReceptionSketch, offset: number, length: number, known: SegmentLedger, entries: IndexEntry[]): void {
  const weight = Math.ceil(length / Math.max(1, sketch.copies.length));
  sketch.copies.forEach((copy, index) => {
    if (known.isGone(offset, index) || known.covers(offset)) return;
    entries.push(known.latest({ ...copy, offset, index, weight }, -1));
  });
}

/** Every live copy of a segment: those of its indexes and those of its frames. */
export function* liveEntries(known: SegmentLedger, scanned: readonly IndexEntry[]): Generator<IndexEntry> {
  yield* known.entries();
  yield* scanned;
}

/** Where reading a segment has to begin, or undefined when its indexes tell all. */
export function scanFrom(known: SegmentLedger, size: number): number | undefined {
  const from = known.firstUncovered(HEAD_BYTES, size);
  return from === WHOLE ? undefined : from;
}
