/** Goes through the frames of a log file: every whole frame counts, what is damaged is handed out. */
import { type FrameKey, HEAD_BYTES } from './file-head.js';
import { FRAME_HEAD, type FrameHead, findMagic, isWhole, lengthOf, readHead } from './frame.js';

export interface ScanEvents {
  /** A whole frame; answers false when its meaning cannot be read though its checksum holds. */
  frame(offset: number, head: FrameHead, meta: Buffer): boolean;
  /** Octets that are no whole frame. `torn` when nothing but zeros follows in the file: they may never have been acknowledged. */
  damaged(from: number, to: number, torn: boolean): void;
}

/** Octets that are looked through before the loop gets its turn: a few milliseconds of small frames. */
const BREATHE_BYTES = 1 << 18;

export const breathe = (): Promise<void> => new Promise((done) => setImmediate(done));

/** Goes through the octets from `from` on; answers where the last whole frame ends. */
export async function scanFrames(key: FrameKey, bytes: Buffer, events: ScanEvents, from = HEAD_BYTES): Promise<number> {
  let at = from;
  let end = Math.min(from, bytes.length);
  let breath = at;
  while (at < bytes.length) {
    if (at - breath > BREATHE_BYTES) {
      await breathe();
      breath = at;
    }
    const head = readHead(key, bytes, at);
    if (head && isWhole(key, bytes, at, head) && events.frame(at, head, metaOf(bytes, at, head))) {
      at += lengthOf(head);
      end = at;
      continue;
    }
    const next = findMagic(key, bytes, at + 1);
    // Zeros at the end were written ahead, for octets that never came.
    const stop = next < 0 ? withoutZeros(bytes, at) : next;
    if (stop > at) events.damaged(at, stop, next < 0);
    at = next < 0 ? bytes.length : next;
  }
  return end;
}

/** Where the zeros begin that the octets end with; not before `from`. */
function withoutZeros(bytes: Buffer, from: number): number {
  let end = bytes.length;
  while (end > from && bytes[end - 1] === 0) end--;
  return end;
}

const metaOf = (bytes: Buffer, at: number, head: FrameHead): Buffer => bytes.subarray(at + FRAME_HEAD, at + FRAME_HEAD + head.metaLength);
