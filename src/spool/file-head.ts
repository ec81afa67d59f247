/**
 * The head of every log file: what the file is, and the key of its frames. Each file has a random key of its own, so no octets that a
 * peer can put into a message pass for a frame, not even those of a frame of another file. The head stands twice, in two sectors.
 */
import { crc32 } from '../kernel/crc32.js';

/** Octets before the first frame. */
export const HEAD_BYTES = 1024;
/** Version of the spool: of its folders, and of everything inside log files. */
export const VERSION = 2;

const MAGIC = Buffer.from('CELERIS\n', 'latin1');
const COPY_BYTES = 36;
const SECOND = HEAD_BYTES - 64;

export const LOG = { accept: 1, outcome: 2 } as const;
export type LogKind = (typeof LOG)[keyof typeof LOG];

/** What marks the frames of a file. */
export interface FrameKey {
  /** First octets of every frame. */
  readonly magic: Buffer;
  /** What its checksums are crossed with. */
  readonly seed: number;
}

export interface FileHead {
  readonly version: number;
  readonly kind: LogKind;
  readonly part: number;
  readonly number: number;
  readonly key: FrameKey;
}

/** A key from 8 random octets. The first one is beyond ASCII: text is searched through quickly, and zeros are never a frame. */
export function keyFrom(octets: Buffer): FrameKey {
  const magic = Buffer.from(octets.subarray(0, 4));
  magic[0] = (magic[0] as number) | 0x80;
  return { magic, seed: octets.readUInt32BE(4) };
}

export function encodeFileHead({ version, kind, part, number, key }: FileHead): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  MAGIC.copy(head);
  head.writeUInt16BE(version, 8);
  head.writeUInt16BE(kind, 10);
  head.writeUInt32BE(part, 12);
  head.writeUIntBE(number, 16, 6);
  key.magic.copy(head, 24);
  head.writeUInt32BE(key.seed, 28);
  head.writeUInt32BE(crc32(head.subarray(0, COPY_BYTES - 4)), COPY_BYTES - 4);
  head.copy(head, SECOND, 0, COPY_BYTES);
  return head;
}

/** The head, from whichever of its two copies is whole; undefined when neither is. */
export function readFileHead(bytes: Buffer): FileHead | undefined {
  return readCopy(bytes, 0) ?? readCopy(bytes, SECOND);
}

function readCopy(bytes: Buffer, at: number): FileHead | undefined {
  if (bytes.length < at + COPY_BYTES || !bytes.subarray(at, at + MAGIC.length).equals(MAGIC)) return undefined;
  const copy = bytes.subarray(at, at + COPY_BYTES);
  if (crc32(copy.subarray(0, COPY_BYTES - 4)) !== copy.readUInt32BE(COPY_BYTES - 4)) return undefined;
  return {
    version: copy.readUInt16BE(8),
    kind: copy.readUInt16BE(10) as LogKind,
    part: copy.readUInt32BE(12),
    number: copy.readUIntBE(16, 6),
    key: keyFrom(copy.subarray(24, 32)),
  };
}
