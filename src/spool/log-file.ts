/** Log files: made with a head and a key of their own; opened again only when their head says that we may. */
import path from 'node:path';
import type { Disk, DiskFile, OpenMode } from '../kernel/disk.js';
import { CodedError, codeOf } from '../kernel/problems.js';
import {
  encodeFileHead,
  type FileHead,
  type FrameKey,
  HEAD_BYTES,
  keyFrom,
  LOG,
  type LogKind,
  readFileHead,
  VERSION,
} from './file-head.js';
import { markFrame } from './frame.js';
import { acceptName, outcomeName } from './log-names.js';
import { problems } from './problems.js';

/** What a log file says of itself. */
export type LogPlace = Pick<FileHead, 'kind' | 'part' | 'number'>;

/** A log file that this start writes. */
export interface OwnLog {
  readonly file: DiskFile;
  readonly number: number;
  readonly key: FrameKey;
  /** Octets that are on the medium. */
  readonly size: number;
}

/** What making a log file takes. */
export interface LogMaker {
  readonly disk: Disk;
  readonly permissions: number;
  readonly random: (octets: number) => Buffer;
}

const MODES: Readonly<Record<LogKind, OpenMode>> = { [LOG.accept]: 'place', [LOG.outcome]: 'create' };

export const logPath = (folder: string, kind: LogKind, number: number): string =>
  path.join(folder, kind === LOG.accept ? acceptName(number) : outcomeName(number));

/** A fresh file that begins with these closed frames, all on the medium. When it cannot be, as little as possible is left of it. */
export async function createLog(
  { disk, permissions, random }: LogMaker,
  folder: string,
  place: LogPlace,
  frames: readonly Buffer[],
): Promise<OwnLog> {
  const name = logPath(folder, place.kind, place.number);
  const key = keyFrom(random(8));
  const file = await disk.open(name, MODES[place.kind], permissions);
  try {
    for (const frame of frames) markFrame(key, frame);
    const parts = [encodeFileHead({ version: VERSION, ...place, key }), ...frames];
    if (place.kind === LOG.accept) await file.writeAt(parts, 0);
    else await file.append(parts);
    await file.datasync();
    await disk.syncFolder(folder);
    return { file, number: place.number, key, size: parts.reduce((sum, { length }) => sum + length, 0) };
  } catch (error) {
    await file.close().catch(() => {});
    await disk.remove(name).catch(() => {});
    throw error;
  }
}

/** The head of a log file; undefined when it has none that is whole. Throws a coded problem when the file is not what its place says. */
export async function readHeadOf(file: DiskFile, place: LogPlace): Promise<FileHead | undefined> {
  const octets = Buffer.alloc(HEAD_BYTES);
  const head = readFileHead(octets.subarray(0, await file.readAt(octets, 0)));
  if (!head) return undefined;
  if (head.version !== VERSION) throw problems.WRONG_FORMAT(file.path, String(head.version), String(VERSION));
  if (head.part !== place.part) throw problems.WRONG_PART(file.path, String(head.part), String(place.part));
  if (head.kind !== place.kind || head.number !== place.number)
    throw problems.WRONG_NAME(file.path, path.basename(logPath('', head.kind, head.number)));
  return head;
}

/** Throws when one of the files is not for this version, this part or this user. A file that cannot be read is recovery's to tell. */
export async function checkLogs(disk: Disk, folder: string, places: readonly LogPlace[]): Promise<void> {
  for (const place of places) {
    let file: DiskFile | undefined;
    try {
      file = await disk.open(logPath(folder, place.kind, place.number), 'read');
      await readHeadOf(file, place);
    } catch (error) {
      if (error instanceof CodedError || ['EACCES', 'EPERM'].includes(codeOf(error))) throw error;
    } finally {
      await file?.close();
    }
  }
}
