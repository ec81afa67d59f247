/** What lies in a spool, read without changing anything, also while a daemon works on it. */
import path from 'node:path';
import type { Disk } from '../kernel/disk.js';
import { formatId } from '../kernel/ids.js';
import { codeOf } from '../kernel/problems.js';
import type { Copy } from '../module/copy.js';
import { FRAME_HEAD, isWhole, lengthOf, readHead } from './frame.js';
import { FileBody } from './large.js';
import { type Ledger, readLedger, readWhole, type SegmentLedger } from './ledger.js';
import { outcomeNumber } from './outcome-log.js';
import type { IndexEntry } from './outcome-record.js';
import { decodeReception, readPlace } from './reception-record.js';
import { addEntries } from './recover.js';
import { scanSegment } from './scan.js';
import { segmentName, segmentNumber } from './segment.js';

/** Files come and go under a running daemon: so often the look begins anew. */
const TRIES = 5;

/** What is alive in one part. */
export interface Survey {
  readonly part: string;
  readonly folder: string;
  /** Numbers of the segments that count, newest first. */
  readonly segments: readonly number[];
  readonly ledger: Ledger;
}

/** Folders of the parts under a spool's root, in order. */
export async function listParts(disk: Disk, root: string): Promise<readonly string[]> {
  const inside = path.join(root, 'parts');
  if (!(await disk.exists(inside))) return [];
  return [...(await disk.list(inside))].sort((a, b) => Number(a) - Number(b));
}

/** Reads the logs of one part. Rejects when the disk does not give them. */
export async function surveyPart(disk: Disk, root: string, part: string): Promise<Survey> {
  const folder = path.join(root, 'parts', part);
  for (let tries = 1; ; tries++) {
    try {
      return await look(disk, part, folder);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || tries === TRIES) throw error;
    }
  }
}

async function look(disk: Disk, part: string, folder: string): Promise<Survey> {
  const names = await disk.list(folder);
  const numbers = (of: (name: string) => number | undefined): number[] => names.map(of).filter((n) => n !== undefined);
  const ledger = await readLedger(disk, folder, numbers(outcomeNumber));
  const segments = numbers(segmentNumber)
    .filter((number) => !ledger.dropped.has(number))
    .sort((a, b) => b - a);
  const present = new Set(segments);
  for (const number of segments) {
    const known = ledger.of(number);
    const size = await sizeOf(disk, path.join(folder, segmentName(number)));
    if (known.upTo >= size) continue;
    const bytes = await readWhole(disk, path.join(folder, segmentName(number)));
    scanSegment(bytes, known.upTo, {
      reception: (offset, sketch) => addEntries(offset, sketch, known, ledger, present),
      damaged: () => {},
    });
  }
  return { part, folder, segments, ledger };
}

/** Octets of a file. */
export async function sizeOf(disk: Disk, file: string): Promise<number> {
  const handle = await disk.open(file, 'read');
  try {
    return await handle.size();
  } finally {
    await handle.close();
  }
}

/** Id of an index entry as text. */
export const idOf = ({ idHigh, idLow }: IndexEntry): string =>
  formatId({ slot: idHigh, incarnation: idLow >>> 16, counter: idLow & 0xffff });

/** The copy an entry stands for, with its newest state; undefined when its octets cannot be read. */
export function readEntry(
  disk: Disk,
  folder: string,
  bytes: Buffer,
  key: number,
  entry: IndexEntry,
  known: SegmentLedger,
): Copy | undefined {
  const head = readHead(bytes, entry.offset);
  if (!head || !isWhole(bytes, entry.offset, head)) return undefined;
  const dataAt = entry.offset + FRAME_HEAD + head.metaLength;
  const copy = decodeReception(
    bytes.subarray(entry.offset + FRAME_HEAD, dataAt),
    bytes.subarray(dataAt, entry.offset + lengthOf(head)),
    (file, size, dots, eightBit) => new FileBody(disk, path.join(folder, 'large'), file, size, dots, eightBit),
  )[entry.index];
  if (copy?.id !== idOf(entry)) return undefined;
  const change = known.changes.get(key);
  copy.attempts = change?.attempts ?? entry.attempts;
  copy.nextAttempt = change?.next ?? entry.next;
  copy.lastReply = change?.reply ?? entry.reply;
  copy.place = { ...(known.moves.get(key) ?? readPlace(entry.place)), index: -1 };
  return copy;
}
