/** What a spool is opened with, and what holds where nothing is said. */
import type { SyncMode } from './accept-log.js';
import { type PartOptions, randomOctets } from './part.js';

export type SpoolOptions = Pick<PartOptions, 'disk' | 'clock'> & {
  /** Folder of our own part; its name is the part's number. The first of `folders` when it is not given. */
  readonly folder?: string;
  /** Folders of the parts that are ours (parts.ts finds them): the messages of all of them, while new ones go to our own only. */
  readonly folders?: readonly string[];
  /** `true` means in groups, `false` never. */
  readonly sync?: SyncMode | boolean;
} & { readonly [K in keyof Omit<PartOptions, 'disk' | 'clock' | 'sync'>]?: PartOptions[K] | undefined };

const SEGMENT_BYTES = 64 << 20;
const OUTCOME_BYTES = 32 << 20;
const BACKLOG_BYTES = 64 << 20;
const RESERVE_BYTES = 8 << 20;

export function fillOptions(given: SpoolOptions): PartOptions {
  const { disk, clock, sync = true, segmentBytes = SEGMENT_BYTES } = given;
  return {
    disk,
    clock,
    segmentBytes,
    outcomeBytes: given.outcomeBytes ?? OUTCOME_BYTES,
    backlogBytes: given.backlogBytes ?? BACKLOG_BYTES,
    reserveBytes: given.reserveBytes ?? Math.min(RESERVE_BYTES, segmentBytes >>> 1),
    permissions: given.permissions ?? 0o640,
    sync: sync === true ? 'group' : sync === false ? 'none' : sync,
    random: given.random ?? randomOctets,
    log: given.log ?? (() => {}),
    collectGarbage: given.collectGarbage ?? (() => {}),
  };
}

/** Our own folder first, then the others; each once. */
export function foldersOf({ folder, folders = [] }: SpoolOptions): readonly [string, ...string[]] {
  const [own, ...others] = new Set(folder === undefined ? folders : [folder, ...folders]);
  if (own === undefined) throw new RangeError('a spool without a folder');
  return [own, ...others];
}
