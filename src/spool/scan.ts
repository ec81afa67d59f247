/** Reads a segment that has no index: every whole frame counts, what is damaged is handed out octet by octet. */
import { FRAME_HEAD, findMagic, isWhole, KIND, lengthOf, readHead } from './frame.js';
import { type ReceptionSketch, sketchReception } from './reception-record.js';

export interface ScanEvents {
  reception(offset: number, sketch: ReceptionSketch): void;
  /** Octets that are no whole frame. `torn` when they are the end of the file and may never have been acknowledged. */
  damaged(offset: number, bytes: Buffer, torn: boolean): void;
}

/** Goes through the octets from `from` on; answers where the last whole frame ends. */
export function scanSegment(bytes: Buffer, from: number, events: ScanEvents): number {
  let last = from;
  for (const end of walkSegment(bytes, from, events)) last = end;
  return last;
}

/** The same in steps, so that the caller may breathe: after each frame or damaged place it tells where the last whole frame ends. */
export function* walkSegment(bytes: Buffer, from: number, events: ScanEvents): Generator<number> {
  let at = from;
  let end = from;
  yield end;
  while (at < bytes.length) {
    const head = readHead(bytes, at);
    if (head && isWhole(bytes, at, head) && take(bytes, at, head.kind, head.metaLength, events)) {
      at += lengthOf(head);
      end = at;
      yield end;
      continue;
    }
    const next = findMagic(bytes, at + 1);
    const stop = next < 0 ? bytes.length : next;
    events.damaged(at, bytes.subarray(at, stop), next < 0);
    at = stop;
    yield end;
  }
}

/** Hands a frame on; false when its meaning cannot be read though its checksum holds. */
function take(bytes: Buffer, at: number, kind: number, metaLength: number, events: ScanEvents): boolean {
  if (kind !== KIND.reception) return true;
  try {
    events.reception(at, sketchReception(bytes.subarray(at + FRAME_HEAD, at + FRAME_HEAD + metaLength)));
    return true;
  } catch {
    return false;
  }
}
