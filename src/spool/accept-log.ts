/**
 * The accept log: receptions are appended in groups. One group is being written and synced; everything that arrives
 * meanwhile is the next group, acknowledged together.
 */
import { abortedFrame } from './aborted.js';
import { LOG } from './file-head.js';
import { markFrame } from './frame.js';
import { createLog } from './log-file.js';
import type { Part } from './part.js';
import type { Entry } from './pending-write.js';
import { problems, wordsFor } from './problems.js';
import { Segment } from './segment.js';
import type { LogEnd } from './sweep.js';

/** When the acknowledgement comes: after a sync for all that wait, after a sync of its own, without any. */
export type SyncMode = 'group' | 'every' | 'none';

/** What the log tells its owner. */
export interface AcceptEvents {
  opened(segment: Segment): void;
  /** Nothing will be appended any more. Octets behind the segment's size were not acknowledged, though they may be on the medium. */
  sealed(segment: Segment): void;
  health(error: unknown): void;
  /** The octets that wait became more or fewer. */
  backlog(): void;
}

export class AcceptLog {
  readonly #part: Part;
  readonly #events: AcceptEvents;
  #segment: Segment | undefined;
  #waiting: Entry[] = [];
  #waitingBytes = 0;
  #running: Promise<void> | undefined;
  #closed = false;
  /** Ends of segments that failed: the next one begins by saying so. */
  #aborted: { readonly segment: number; readonly from: number }[] = [];

  constructor(part: Part, events: AcceptEvents) {
    this.#part = part;
    this.#events = events;
  }

  /** Octets that wait for the disk. */
  get backlog(): number {
    return this.#waitingBytes;
  }

  /** Where the log ends that is durable; undefined when no segment is open. */
  get end(): LogEnd | undefined {
    const segment = this.#segment;
    return segment && { segment: segment.number, offset: segment.size };
  }

  append(entry: Entry): void {
    if (this.#closed) {
      entry.failed(problems.CLOSED());
      return;
    }
    this.#waiting.push(entry);
    this.#waitingBytes += entry.frame.length;
    this.#events.backlog();
    this.#running ??= this.#run();
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  /** Takes no more entries and resolves when what waited was written; the segment stays open for readers. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.idle();
    await this.#segment?.trim();
  }

  /** Tries whether the disk takes writes again, by opening a fresh segment. */
  async probe(): Promise<void> {
    if (this.#running || this.#closed || this.#segment) return;
    this.#running = this.#tryOpen();
    await this.#running;
  }

  async #tryOpen(): Promise<void> {
    try {
      await this.#open();
      this.#events.health(undefined);
    } catch (error) {
      this.#events.health(error);
    }
    this.#running = this.#waiting.length > 0 ? this.#run() : undefined;
  }

  async #run(): Promise<void> {
    // One turn of the loop gathers what its sockets bring.
    await new Promise<void>((done) => setImmediate(done));
    while (this.#waiting.length > 0) await this.#writeGroup();
    this.#running = undefined;
  }

  #takeGroup(): Entry[] {
    if (this.#part.options.sync === 'every') return this.#waiting.splice(0, 1);
    const group = this.#waiting;
    this.#waiting = [];
    return group;
  }

  async #writeGroup(): Promise<void> {
    const group = this.#takeGroup();
    try {
      const segment = await this.#roomFor();
      const parts: Uint8Array[] = [];
      let length = 0;
      for (const { frame } of group) {
        markFrame(segment.key, frame.front);
        parts.push(frame.front, ...frame.rest);
        length += frame.length;
      }
      await segment.write(parts, length);
      if (this.#part.options.sync !== 'none') await segment.datasync();
      let offset = segment.size;
      segment.size += length;
      this.#waitingBytes -= length;
      for (const entry of group) {
        entry.placed(segment, offset);
        offset += entry.frame.length;
      }
      for (const entry of group) entry.done();
      this.#events.health(undefined);
      this.#events.backlog();
    } catch (error) {
      this.#abort(group, error);
    }
  }

  /** The open segment, or a fresh one when it is full. */
  async #roomFor(): Promise<Segment> {
    const segment = this.#segment;
    if (segment && segment.size < this.#part.options.segmentBytes) return segment;
    if (segment) this.#seal(segment);
    return this.#open();
  }

  #seal(segment: Segment): void {
    this.#segment = undefined;
    segment.sealed = true;
    void segment.trim();
    this.#events.sealed(segment);
  }

  async #open(): Promise<Segment> {
    const part = this.#part;
    const place = { kind: LOG.accept, part: part.number, number: part.nextNumber() };
    const frames = this.#aborted.length === 0 ? [] : [abortedFrame(this.#aborted)];
    const { file, number, key, size } = await createLog(part.options, part.folder, place, frames);
    this.#aborted = [];
    const segment = new Segment(part, number, key, file, size);
    this.#segment = segment;
    this.#events.opened(segment);
    return segment;
  }

  /** After a failed write or sync nothing is known about the segment's end: it is closed for good and everybody is told. */
  #abort(group: readonly Entry[], error: unknown): void {
    const segment = this.#segment;
    const all = [...group, ...this.#waiting];
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (segment) {
      this.#aborted.push({ segment: segment.number, from: segment.size });
      this.#seal(segment);
    }
    this.#events.health(error);
    this.#events.backlog();
    const problem = problems.DISK.because(error, wordsFor(error));
    for (const entry of all) entry.failed(problem);
  }
}
