/** Reads a part without changing anything: for `celeris spool`, whether a daemon uses it or not. Files that go meanwhile are passed over. */
import path from 'node:path';
import type { Disk } from '../kernel/disk.js';
import { codeOf } from '../kernel/problems.js';
import { DecodedReception } from './decode-reception.js';
import { HEAD_BYTES, readFileHead } from './file-head.js';
import { FRAME_HEAD, isWhole, KIND, lengthOf, readHead } from './frame.js';
import { idText } from './id-octets.js';
import { checkFormat } from './incarnation.js';
import { FileBody, LARGE } from './large.js';
import { type Ledger, readLedger } from './ledger.js';
import { type Damage, scanSegment } from './live-copies.js';
import { acceptName, logNumbers } from './log-names.js';
import type { IndexEntry } from './outcome-tags.js';
import { listParts, partFolder } from './parts.js';
import { readWhole } from './small-file.js';

const TRIES = 5;

/** A live message and where it lies. */
export interface Kept {
  readonly part: number;
  /** Name of the segment's file. */
  readonly file: string;
  readonly number: number;
  readonly id: string;
  /** Its newest state. */
  readonly entry: IndexEntry;
  /** Its frame; throws a coded problem or RangeError when it cannot be understood. */
  decode(): DecodedReception;
}

/** What one segment holds. */
export interface SegmentView {
  readonly part: number;
  readonly file: string;
  readonly bytes: number;
  readonly kept: readonly Kept[];
  /** Copies that were written there, alive or not. */
  readonly copies: number;
  readonly damage: readonly Damage[];
  /** The file went away, the disk does not give it, or it has no head. */
  readonly unreadable: boolean;
}

/** Every segment under a root, part by part, newest first. */
export async function* readSegments(disk: Disk, root: string): AsyncGenerator<SegmentView> {
  await checkFormat(disk, root);
  for (const part of await listParts(disk, root)) yield* readPart(disk, partFolder(root, part), part);
}

async function* readPart(disk: Disk, folder: string, part: number): AsyncGenerator<SegmentView> {
  const { numbers, ledger } = await readLogs(disk, folder);
  const present = new Set(numbers.filter((number) => !ledger.dropped.has(number)));
  const aborted = new Map<number, number>();
  const ended = new Set<string>();
  for (const number of [...present].reverse()) {
    const file = acceptName(number);
    const bytes = await readWhole(disk, path.join(folder, file)).catch(passOver);
    if (!bytes) {
      yield { part, file, bytes: 0, kept: [], copies: 0, damage: [], unreadable: true };
      continue;
    }
    const head = readFileHead(bytes);
    if (!head) {
      yield { part, file, bytes: bytes.length, kept: [], copies: 0, damage: [], unreadable: bytes.length > HEAD_BYTES };
      continue;
    }
    const known = ledger.of(number);
    const rules = { abortedFrom: aborted.get(number) ?? Number.POSITIVE_INFINITY, stillThere: (n: number) => present.has(n) };
    const scanned = await scanSegment(head.key, bytes, HEAD_BYTES, known, rules);
    for (const { segment, from } of scanned.aborted) aborted.set(segment, from);
    for (const { high, low } of scanned.ends) ended.add(idText(high, low));
    const kept: Kept[] = [];
    for (const entry of [...known.entries(), ...scanned.entries]) {
      const id = idText(entry.idHigh, entry.idLow);
      if (!ended.has(id)) kept.push({ part, file, number, id, entry, decode: () => decodeAt(disk, folder, head.key, bytes, entry.offset) });
    }
    yield { part, file, bytes: bytes.length, kept, copies: scanned.copies, damage: scanned.damage, unreadable: false };
  }
}

/** Files come and go under a running daemon: the look begins anew when one went. */
async function readLogs(disk: Disk, folder: string): Promise<{ readonly numbers: readonly number[]; readonly ledger: Ledger }> {
  for (let tries = 1; ; tries++) {
    try {
      const names = await disk.list(folder);
      const ledger = await readLedger(disk, folder, logNumbers('outcome', names));
      return { numbers: logNumbers('accept', names), ledger };
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || tries === TRIES) throw error;
    }
  }
}

function decodeAt(disk: Disk, folder: string, key: Parameters<typeof readHead>[0], bytes: Buffer, offset: number): DecodedReception {
  const head = readHead(key, bytes, offset);
  if (head?.kind !== KIND.reception || !isWhole(key, bytes, offset, head)) throw new RangeError(`no whole record at ${offset}`);
  const dataAt = offset + FRAME_HEAD + head.metaLength;
  return new DecodedReception(
    bytes.subarray(offset + FRAME_HEAD, dataAt),
    bytes.subarray(dataAt, offset + lengthOf(head)),
    (file, facts) => new FileBody(disk, path.join(folder, LARGE, file), facts),
  );
}

/** Undefined for a file that is gone or that the disk does not give; other errors go on. */
export function passOver(error: unknown): undefined {
  if (!['ENOENT', 'EIO'].includes(codeOf(error))) throw error;
  return undefined;
}
