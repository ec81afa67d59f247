/**
 * The frame around everything that is appended: magic, two lengths, checksum. A frame whose checksum holds was written
 * whole; that is what commits a reception. After damage the next frame is found by its magic.
 */
import { crc32 } from '../kernel/crc32.js';

export const FRAME_HEAD = 20;
const MAGIC = 0xce1e5f01;
const MAGIC_BYTES = Buffer.from([0xce, 0x1e, 0x5f, 0x01]);

/** What a frame holds. `blank` means nothing: written to see whether the disk takes it. */
export const KIND = { reception: 1, blank: 2, outcomes: 3, checkpoint: 4 } as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

export interface FrameHead {
  readonly kind: number;
  readonly metaLength: number;
  readonly dataLength: number;
  readonly crc: number;
}

/** Head of a frame over its meta and data parts. */
export function encodeHead(kind: Kind, meta: Uint8Array, data: readonly Uint8Array[]): Buffer {
  const head = Buffer.allocUnsafe(FRAME_HEAD);
  let dataLength = 0;
  for (const part of data) dataLength += part.length;
  head.writeUInt32BE(MAGIC, 0);
  head.writeUInt32BE(kind, 4);
  head.writeUInt32BE(meta.length, 8);
  head.writeUInt32BE(dataLength, 12);
  let crc = crc32(meta, crc32(head.subarray(4, 16)));
  for (const part of data) crc = crc32(part, crc);
  head.writeUInt32BE(crc, 16);
  return head;
}

/** The head at `at`, or undefined when there is none. */
export function readHead(bytes: Buffer, at: number): FrameHead | undefined {
  if (at + FRAME_HEAD > bytes.length || bytes.readUInt32BE(at) !== MAGIC) return undefined;
  return {
    kind: bytes.readUInt32BE(at + 4),
    metaLength: bytes.readUInt32BE(at + 8),
    dataLength: bytes.readUInt32BE(at + 12),
    crc: bytes.readUInt32BE(at + 16),
  };
}

export const lengthOf = (head: FrameHead): number => FRAME_HEAD + head.metaLength + head.dataLength;

/** Whether the frame that begins at `at` is all there and unharmed. */
export function isWhole(bytes: Buffer, at: number, head: FrameHead): boolean {
  const end = at + lengthOf(head);
  if (end > bytes.length) return false;
  return crc32(bytes.subarray(at + FRAME_HEAD, end), crc32(bytes.subarray(at + 4, at + 16))) === head.crc;
}

/** Where the next frame may begin, from `from` on; -1 when there is none. */
export const findMagic = (bytes: Buffer, from: number): number => bytes.indexOf(MAGIC_BYTES, from);
