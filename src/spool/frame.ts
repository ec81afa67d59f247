/**
 * The frame around everything that is appended: magic, checksum, kind, two lengths. A frame whose checksum holds was
 * written whole: that is what commits a reception. After damage the next frame is found by its magic.
 */
import { crc32 } from '../kernel/crc32.js';
import type { FrameKey } from './file-head.js';

export const FRAME_HEAD = 20;

export const KIND = { reception: 1, outcomes: 2, aborted: 3 } as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

export interface FrameHead {
  readonly crc: number;
  readonly kind: number;
  readonly metaLength: number;
  readonly dataLength: number;
}

/**
 * Fills in the head of a frame, all but the marks of its file. `front` begins with FRAME_HEAD free octets and holds the meta part of
 * `metaLength` octets and the beginning of the data part; `rest` is the end of the data part. Answers the length of the frame.
 */
export function closeFrame(kind: Kind, front: Buffer, metaLength: number, rest: readonly Uint8Array[]): number {
  let length = front.length;
  for (const part of rest) length += part.length;
  front.writeUInt32BE(kind, 8);
  front.writeUInt32BE(metaLength, 12);
  front.writeUInt32BE(length - FRAME_HEAD - metaLength, 16);
  let crc = crc32(front.subarray(8));
  for (const part of rest) crc = crc32(part, crc);
  front.writeUInt32BE(crc, 4);
  return length;
}

/** Marks a closed frame as one of the file with that key. Once a frame: it is known only when it is written which file that is. */
export function markFrame(key: FrameKey, front: Buffer): void {
  key.magic.copy(front, 0);
  front.writeUInt32BE((front.readUInt32BE(4) ^ key.seed) >>> 0, 4);
}

/** The head at `at`, or undefined when there is none. */
export function readHead(key: FrameKey, bytes: Buffer, at: number): FrameHead | undefined {
  if (at + FRAME_HEAD > bytes.length || bytes.compare(key.magic, 0, 4, at, at + 4) !== 0) return undefined;
  return {
    crc: bytes.readUInt32BE(at + 4),
    kind: bytes.readUInt32BE(at + 8),
    metaLength: bytes.readUInt32BE(at + 12),
    dataLength: bytes.readUInt32BE(at + 16),
  };
}

export const lengthOf = (head: FrameHead): number => FRAME_HEAD + head.metaLength + head.dataLength;

/** Whether the frame that begins at `at` is all there and unharmed. */
export function isWhole(key: FrameKey, bytes: Buffer, at: number, head: FrameHead): boolean {
  const end = at + lengthOf(head);
  return end <= bytes.length && (crc32(bytes.subarray(at + 8, end)) ^ key.seed) >>> 0 === head.crc;
}

/** Where the next frame may begin, from `from` on; -1 when there is none. */
export const findMagic = (key: FrameKey, bytes: Buffer, from: number): number => bytes.indexOf(key.magic, from);
