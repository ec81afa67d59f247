/** Reads one frame of a segment and checks it; what is damaged is kept aside. */
import { FRAME_HEAD, type FrameHead, isWhole, lengthOf, readHead } from './frame.js';
import { acceptName } from './log-names.js';
import { problems } from './problems.js';
import type { Segment } from './segment.js';

const FIRST_BYTES = 8192;

export interface ReadFrame {
  readonly head: FrameHead;
  /** The whole frame. */
  readonly bytes: Buffer;
}

/** Throws a coded problem when no whole frame begins at `offset`. */
export async function readFrame(segment: Segment, offset: number): Promise<ReadFrame> {
  segment.beginReading();
  try {
    return await readWholeFrame(segment, offset);
  } finally {
    segment.endReading();
  }
}

async function readWholeFrame(segment: Segment, offset: number): Promise<ReadFrame> {
  const first = Buffer.allocUnsafe(Math.min(FIRST_BYTES, Math.max(0, segment.size - offset)));
  const got = await segment.readAt(first, offset);
  const head = readHead(segment.key, first.subarray(0, got), 0);
  if (!head || lengthOf(head) > segment.size - offset) throw await reportDamage(segment, offset, first.subarray(0, got));
  const length = lengthOf(head);
  let bytes = first.subarray(0, Math.min(got, length));
  if (length > got) {
    const whole = Buffer.allocUnsafe(length);
    first.copy(whole, 0, 0, got);
    bytes = whole.subarray(0, got + (await segment.readAt(whole.subarray(got), offset + got)));
  }
  if (bytes.length < FRAME_HEAD || !isWhole(segment.key, bytes, 0, head)) throw await reportDamage(segment, offset, bytes);
  return { head, bytes };
}

async function reportDamage(segment: Segment, offset: number, bytes: Buffer): Promise<Error> {
  const name = acceptName(segment.number);
  await segment.part.setAside(`${name}-${offset}`, bytes);
  return problems.DAMAGED(`at ${offset}`, name);
}
