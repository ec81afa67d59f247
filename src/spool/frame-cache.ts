/** Frames of several copies that were read a moment ago: their copies are asked for one after the other. */
import path from 'node:path';
import type { Disk } from '../kernel/disk.js';
import { DecodedReception } from './decode-reception.js';
import { FRAME_HEAD } from './frame.js';
import { FileBody, LARGE } from './large.js';
import { readFrame } from './read-frame.js';
import type { Segment } from './segment.js';

const MOST_FRAMES = 32;
const LARGEST_FRAME = 1 << 18;

export class FrameCache {
  readonly #disk: Disk;
  /** Promises, so that copies which are asked for at once share what they have in common. */
  readonly #frames = new Map<string, Promise<DecodedReception>>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** The frame at `offset`, checked; kept for a while when it is `shared` by several copies. Rejects with a coded problem when it is damaged. */
  read(segment: Segment, offset: number, shared: boolean): Promise<DecodedReception> {
    if (!shared) return this.#decode(segment, offset);
    const key = `${segment.part.number} ${segment.number} ${offset}`;
    const known = this.#frames.get(key);
    if (known) return known;
    const reading = this.#read(segment, offset, key);
    this.#frames.set(key, reading);
    const [oldest] = this.#frames.keys();
    if (this.#frames.size > MOST_FRAMES && oldest !== undefined) this.#frames.delete(oldest);
    return reading;
  }

  async #read(segment: Segment, offset: number, key: string): Promise<DecodedReception> {
    try {
      const frame = await this.#decode(segment, offset);
      if (frame.length > LARGEST_FRAME) this.#frames.delete(key);
      return frame;
    } catch (error) {
      this.#frames.delete(key);
      throw error;
    }
  }

  async #decode(segment: Segment, offset: number): Promise<DecodedReception> {
    const { head, bytes } = await readFrame(segment, offset);
    const dataAt = FRAME_HEAD + head.metaLength;
    const { folder, upkeep } = segment.part;
    return new DecodedReception(
      bytes.subarray(FRAME_HEAD, dataAt),
      bytes.subarray(dataAt),
      (file, facts) =>
        new FileBody(this.#disk, path.join(folder, LARGE, file), facts, (body) => upkeep.examineBody(body.file, () => body.isWhole())),
    );
  }
}
