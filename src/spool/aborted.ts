/** The record at the beginning of a segment that says which octets of earlier ones were never acknowledged. */
import { FieldWriter, readFields } from './fields.js';
import { closeFrame, FRAME_HEAD, KIND } from './frame.js';

const RANGE = 1;

/** What lies in the segment from there on does not count. */
export interface Aborted {
  readonly segment: number;
  readonly from: number;
}

const writer = new FieldWriter();

/** A closed frame that says so. */
export function abortedFrame(ranges: readonly Aborted[]): Buffer {
  writer.clear(FRAME_HEAD);
  for (const { segment, from } of ranges) {
    const { bytes, at } = writer.space(RANGE, 10);
    bytes.writeUIntBE(segment, at, 6);
    bytes.writeUInt32BE(from, at + 6);
  }
  const front = writer.take();
  closeFrame(KIND.aborted, front, front.length - FRAME_HEAD, []);
  return front;
}

export function readAborted(meta: Buffer): Aborted[] {
  const ranges: Aborted[] = [];
  for (const { tag, from } of readFields(meta))
    if (tag === RANGE) ranges.push({ segment: meta.readUIntBE(from, 6), from: meta.readUInt32BE(from + 6) });
  return ranges;
}
