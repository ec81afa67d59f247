/**
 * The accept log: receptions are appended in groups. One group is being written and synced; everything that arrives
 * meanwhile is the next group, acknowledged together.
 */
import path from 'node:path';
import type { Disk } from '../kernel/disk.js';
import { encodeHead, FRAME_HEAD, KIND } from './frame.js';
import { problems } from './problems.js';
import type { EncodedReception } from './reception-record.js';
import { Segment, segmentName } from './segment.js';

export interface AcceptOptions {
  readonly disk: Disk;
  readonly folder: string;
  readonly segmentBytes: number;
  readonly permissions: number;
  /** Unsynced octets that may wait. */
  readonly backlogBytes: number;
  /** fdatasync before the acknowledgement; false only for spool_sync = none. */
  readonly sync: boolean;
}

const PROBE_BYTES = 4096;

/** Something that waits to be durable. */
export interface Entry {
  readonly record: EncodedReception;
  /** The octets lie there; called before `done`, in order. */
  placed(segment: Segment, offset: number): void;
  done(): void;
  failed(error: Error): void;
}

/** What the log tells its owner. */
export interface AcceptEvents {
  opened(segment: Segment): void;
  sealed(segment: Segment): Promise<void>;
  /** Octets from the segment's size on were not acknowledged, though they may be on the medium. */
  aborted(segment: Segment): void;
  health(error: Error | undefined): void;
}

export class AcceptLog {
  readonly #options: AcceptOptions;
  readonly #events: AcceptEvents;
  #segment: Segment | undefined;
  #next: number;
  #waiting: Entry[] = [];
  #waitingBytes = 0;
  #running: Promise<void> | undefined;
  #closed = false;

  /** `next` is the number of the first segment to be opened. */
  constructor(options: AcceptOptions, events: AcceptEvents, next: number) {
    this.#options = options;
    this.#events = events;
    this.#next = next;
  }

  /** Octets that wait for the disk. */
  get backlog(): number {
    return this.#waitingBytes;
  }

  /** The segment that is written now. */
  get current(): Segment | undefined {
    return this.#segment;
  }

  append(entry: Entry): void {
    if (this.#closed) {
      entry.failed(problems.CLOSED());
      return;
    }
    if (this.#waitingBytes > this.#options.backlogBytes) {
      entry.failed(problems.BEHIND(String(this.#waitingBytes)));
      return;
    }
    this.#waiting.push(entry);
    this.#waitingBytes += entry.record.length;
    this.#running ??= this.#run();
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.idle();
    await this.#segment?.file.close();
  }

  /** Tries whether the disk takes a write again, with the first octets of a fresh segment. */
  async probe(): Promise<void> {
    if (this.#running || this.#closed) return;
    this.#running = this.#open(true)
      .then(
        () => this.#events.health(undefined),
        (error: Error) => this.#events.health(error),
      )
      .finally(() => {
        this.#running = this.#waiting.length > 0 ? this.#run() : undefined;
      });
    await this.#running;
  }

  async #run(): Promise<void> {
    // One turn of the loop gathers what its sockets bring.
    await new Promise<void>((done) => setImmediate(done));
    while (this.#waiting.length > 0) await this.#writeGroup();
    this.#running = undefined;
  }

  async #writeGroup(): Promise<void> {
    const group = this.#waiting;
    this.#waiting = [];
    try {
      const segment = await this.#roomFor();
      const parts: Uint8Array[] = [];
      let length = 0;
      for (const { record } of group) {
        for (const part of record.parts) if (part.length > 0) parts.push(part);
        length += record.length;
      }
      await segment.file.append(parts);
      if (this.#options.sync) await segment.file.datasync();
      let offset = segment.size;
      segment.size += length;
      this.#waitingBytes -= length;
      for (const entry of group) {
        entry.placed(segment, offset);
        offset += entry.record.length;
      }
      for (const entry of group) entry.done();
    } catch (error) {
      await this.#abort(group, error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** The open segment, or a fresh one when it is full. */
  async #roomFor(): Promise<Segment> {
    const segment = this.#segment;
    if (segment && segment.size < this.#options.segmentBytes) return segment;
    if (segment) {
      segment.sealed = true;
      this.#segment = undefined;
      await this.#events.sealed(segment);
    }
    return this.#open(false);
  }

  async #open(probing: boolean): Promise<Segment> {
    const { disk, folder, permissions } = this.#options;
    const number = this.#next++;
    const name = path.join(folder, segmentName(number));
    const file = await disk.open(name, 'create', permissions);
    let size = 0;
    try {
      if (probing) {
        const blank = Buffer.alloc(PROBE_BYTES);
        await file.append([encodeHead(KIND.blank, Buffer.alloc(0), [blank]), blank]);
        size = FRAME_HEAD + PROBE_BYTES;
      }
      await file.datasync();
      await disk.syncFolder(folder);
    } catch (error) {
      await file.close().catch(() => {});
      await disk.remove(name).catch(() => {});
      throw error;
    }
    const segment = new Segment(number, file, size);
    this.#segment = segment;
    this.#events.opened(segment);
    return segment;
  }

  /** After a failed write or sync nothing is known about the segment's end: it is closed for good and everybody is told. */
  async #abort(group: readonly Entry[], error: Error): Promise<void> {
    const segment = this.#segment;
    this.#segment = undefined;
    const all = [...group, ...this.#waiting];
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (segment) {
      segment.sealed = true;
      this.#events.aborted(segment);
    }
    this.#events.health(error);
    const problem = problems.DISK.because(error, error.message);
    for (const entry of all) entry.failed(problem);
  }
}
