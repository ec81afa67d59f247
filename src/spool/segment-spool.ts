/**
 * The spool on disk.
 *
 * | state of a copy      | where it is                                        | when the daemon dies now                  |
 * |----------------------|----------------------------------------------------|-------------------------------------------|
 * | arriving             | memory only                                        | gone; the client heard nothing            |
 * | written              | accept log, not synced                             | gone or kept; the client heard nothing    |
 * | **accepted**         | accept log, synced: `write` resolves, 250 is said  | kept                                      |
 * | being delivered      | as accepted                                        | tried again; a duplicate if 250 was heard |
 * | changed              | outcome log, synced within 100 ms                  | kept, perhaps with its older retry count  |
 * | ended                | outcome log, synced within 100 ms                  | gone; within those 100 ms tried again     |
 * | failed with a notice | accept log: notice and end in one frame            | both or neither                           |
 * | moved by compaction  | both segments until the drop record is synced      | counted once: the frame names its origin  |
 *
 * The acceptance instant is the return of fdatasync on the segment (accept-log.ts). Long: the one place where logs, table,
 * segments and health meet; each of them has a file of its own.
 */
import path from 'node:path';
import type { Clock, Timer } from '../kernel/clock.js';
import type { Disk } from '../kernel/disk.js';
import { formatId, parseId } from '../kernel/ids.js';
import { codeOf } from '../kernel/problems.js';
import type { Copy } from '../module/copy.js';
import type { Body } from '../module/message.js';
import type { Found, LargeBody, RecoveryReport, Spool } from '../module/spool.js';
import { AcceptLog } from './accept-log.js';
import { compactSegment } from './compact.js';
import { FRAME_HEAD, isWhole, lengthOf, readHead } from './frame.js';
import { FileBody, LargeFiles, LargeWriter } from './large.js';
import { OutcomeLog, outcomeNumber } from './outcome-log.js';
import { type OutcomeWriter, type Spot, WHOLE } from './outcome-record.js';
import { problems } from './problems.js';
import { Quarantine } from './quarantine.js';
import { decodeReception, encodeReception, type PlaceNames, readPlace } from './reception-record.js';
import { recoverSpool } from './recover.js';
import { Removals } from './removals.js';
import { type Segment, segmentName, segmentNumber } from './segment.js';
import { FLAG, Table } from './table.js';
import { Words } from './words.js';

export interface SpoolOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  /** Folder of this part. */
  readonly folder: string;
  readonly segmentBytes?: number;
  readonly outcomeBytes?: number;
  readonly backlogBytes?: number;
  readonly permissions?: number;
  readonly sync?: boolean;
  /** Told of what operators should see. */
  readonly log?: (level: 'warning' | 'error', text: string) => void;
}

const RETRY_MS = 1000;
const CACHED_FRAMES = 32;
const LARGEST_CACHED = 1 << 18;
const RESERVE_BYTES = 8 << 20;

const placeText = ({ group, binding, domain }: PlaceNames): string => `${group}\n${binding}\n${domain}`;

/** Copies by the body they carry: nearly always one group. */
function groupByContent(copies: readonly Copy[]): readonly (readonly Copy[])[] {
  const [first] = copies;
  if (!first || copies.every(({ content }) => content === first.content)) return [copies];
  const groups = new Map<unknown, Copy[]>();
  for (const copy of copies) {
    const group = groups.get(copy.content);
    if (group) group.push(copy);
    else groups.set(copy.content, [copy]);
  }
  return [...groups.values()];
}

export class SegmentSpool implements Spool {
  readonly options: Required<SpoolOptions>;
  readonly table = new Table();
  readonly places = new Words();
  readonly replies = new Words();
  readonly segments = new Map<number, Segment>();
  readonly large = new LargeFiles();
  readonly quarantine: Quarantine;
  readonly outcomes: OutcomeLog;
  readonly accepts: AcceptLog;
  /** Segments that hold nothing any more, until their removal is on the medium. */
  readonly dropping = new Set<number>();
  /** Tickets that end with a group that is not durable yet: compaction leaves them where they are. */
  readonly replacing = new Set<number>();
  readonly #foundAtStart: { readonly segments: readonly number[]; readonly outcomes: readonly number[] };
  readonly #frames = new Map<number, readonly Copy[]>();
  readonly #listeners = new Set<() => void>();
  #acceptTrouble: string | undefined;
  #outcomeTrouble: string | undefined;
  #retry: Timer | undefined;
  #largeNumber = 0;
  readonly #openLarge = new Set<string>();
  /** A record that names a body of its own could not be read at the start. */
  #unreadable = false;
  /** Share of what lay on disk at the start that is known by now, 0 to 1. */
  progress = 0;
  #recovered = false;
  #compacting: Promise<void> | undefined;
  readonly #removals: Removals;
  /** Number of the newest segment that has a file; that file stays, so that its number is never given out again. */
  #newest: number;
  /** The newest segment when it holds nothing: its file goes when the next one is there. */
  #emptied: (() => void) | undefined;
  /** The reserve went to the outcomes; mail is accepted when it is back. */
  #reserveIsGone = false;
  #closed = false;

  private constructor(options: Required<SpoolOptions>, segments: readonly number[], outcomes: readonly number[]) {
    this.options = options;
    this.#foundAtStart = { segments, outcomes };
    this.quarantine = new Quarantine(options.disk, path.join(options.folder, 'quarantine'));
    const { disk, folder, permissions, clock } = options;
    this.#newest = Math.max(0, ...segments);
    this.#removals = new Removals(
      () => this.outcomes.sync(),
      (error) => options.log('warning', `a file of the spool could not be removed: ${codeOf(error)}`),
    );
    this.outcomes = new OutcomeLog(
      {
        disk,
        clock,
        folder,
        permissions,
        rotateBytes: options.outcomeBytes,
        checkpoint: (into) => this.#checkpoint(into),
        health: (error) => this.#outcomeHealth(error),
      },
      Math.max(0, ...outcomes) + 1,
      outcomes,
    );
    this.accepts = new AcceptLog(
      { disk, folder, segmentBytes: options.segmentBytes, permissions, backlogBytes: options.backlogBytes, sync: options.sync },
      {
        opened: (segment) => this.#opened(segment),
        sealed: async (segment) => this.#seal(segment),
        aborted: (segment) => this.#seal(segment),
        health: (error) => this.#acceptHealth(error),
      },
      this.#newest + 1,
    );
  }

  /** Opens a part; what lies in it is read by `recover`. Throws a coded problem when the folder cannot be used. */
  static async open(given: SpoolOptions): Promise<SegmentSpool> {
    const options: Required<SpoolOptions> = {
      segmentBytes: 64 << 20,
      outcomeBytes: 32 << 20,
      backlogBytes: 64 << 20,
      permissions: 0o640,
      sync: true,
      log: () => {},
      ...given,
    };
    const { disk, folder } = options;
    try {
      for (const name of ['', 'large', 'quarantine']) await disk.makeFolder(path.join(folder, name));
      await disk.syncFolder(folder);
      const names = await disk.list(folder);
      const numbers = (of: (name: string) => number | undefined): number[] => names.map(of).filter((n) => n !== undefined);
      const spool = new SegmentSpool(options, numbers(segmentNumber), numbers(outcomeNumber));
      // A disk that takes no write now is a matter of health: what lies on it can still be read.
      await spool.outcomes.begin().catch(() => {});
      await spool.#keepReserve(4);
      return spool;
    } catch (error) {
      throw problems.UNUSABLE.because(error, folder, error instanceof Error ? error.message : String(error));
    }
  }

  write(copies: readonly Copy[]): Promise<void> {
    const [first, ...others] = groupByContent(copies);
    if (!first || others.length === 0) return this.#append(copies, [], () => {});
    return this.#writeApart([first, ...others]);
  }

  /** A handler gave some copies a body of their own: a frame for each body, all in one group of the log, and all or none. */
  async #writeApart(groups: readonly (readonly Copy[])[]): Promise<void> {
    const results = await Promise.allSettled(groups.map((group) => this.#append(group, [], () => {})));
    const failure = results.find((result) => result.status === 'rejected');
    if (!failure) return;
    for (const [n, result] of results.entries())
      if (result.status === 'fulfilled') for (const { ticket } of groups[n] ?? []) this.gone(ticket);
    throw failure.reason;
  }

  async replace(gone: readonly number[], given: readonly Copy[]): Promise<void> {
    const groups = groupByContent(given);
    // The end goes with the last body; a crash before it repeats a notice and loses none.
    const copies = groups.at(-1) ?? [];
    if (groups.length > 1) await this.#writeApart(groups.slice(0, -1));
    const ending = gone.filter((ticket) => this.table.has(ticket));
    const ids = ending.map((ticket) => this.id(ticket));
    for (const ticket of ending) this.replacing.add(ticket);
    try {
      await this.#append(
        copies,
        ending.map((ticket) => this.spotOf(ticket)),
        () => {
          // Somebody else may have ended it meanwhile, and its ticket may be another message's.
          for (const [n, ticket] of ending.entries()) if (this.table.has(ticket) && this.id(ticket) === ids[n]) this.gone(ticket);
        },
      );
    } finally {
      for (const ticket of ending) this.replacing.delete(ticket);
    }
  }

  async read(ticket: number): Promise<Copy> {
    if (!this.table.has(ticket)) throw problems.GONE(String(ticket));
    const { segment: number, offset, index } = this.spotOf(ticket);
    const id = this.id(ticket);
    const copies = await this.readFrame(number, offset);
    const copy = copies[index];
    if (copy?.id !== id) throw problems.DAMAGED(id, segmentName(number));
    if (!this.table.has(ticket)) throw problems.GONE(String(ticket));
    copy.ticket = ticket;
    copy.attempts = this.table.attempts[ticket] as number;
    copy.nextAttempt = this.table.next[ticket] as number;
    copy.lastReply = this.replies.at(this.table.reply[ticket] as number);
    copy.place = { ...readPlace(this.places.at(this.table.place[ticket] as number)), index: -1 };
    return copy;
  }

  change(ticket: number, attempts: number, nextAttempt: number, lastReply: string): void {
    const { table } = this;
    if (!table.has(ticket)) return;
    table.attempts[ticket] = Math.min(attempts, 0xffff);
    table.next[ticket] = nextAttempt;
    this.replies.release(table.reply[ticket] as number);
    table.reply[ticket] = this.replies.hold(lastReply);
    const { segment, offset, index } = this.spotOf(ticket);
    this.outcomes.records.change(segment, offset, index, attempts, nextAttempt, lastReply);
    this.outcomes.touch();
  }

  gone(ticket: number): void {
    if (!this.table.has(ticket)) return;
    const { segment, offset, index } = this.spotOf(ticket);
    this.outcomes.records.gone(segment, offset, index);
    this.outcomes.touch();
    this.#forget(ticket);
  }

  async purge(tickets: readonly number[]): Promise<void> {
    for (const ticket of tickets) this.gone(ticket);
    await this.outcomes.sync();
  }

  move(ticket: number, place: PlaceNames): void {
    const { table } = this;
    if (!table.has(ticket)) return;
    this.places.release(table.place[ticket] as number);
    table.place[ticket] = this.places.hold(placeText(place));
    const { segment, offset, index } = this.spotOf(ticket);
    this.outcomes.records.move(segment, offset, index, place);
    this.outcomes.touch();
  }

  id(ticket: number): string {
    const low = this.table.idLow[ticket] as number;
    return formatId({ slot: this.table.idHigh[ticket] as number, incarnation: low >>> 16, counter: low & 0xffff });
  }

  find(id: string): number | undefined {
    const parts = parseId(id);
    if (!parts) return undefined;
    const low = ((parts.incarnation << 16) | parts.counter) >>> 0;
    const { idHigh, idLow, used, size } = this.table;
    for (let ticket = 0; ticket < size; ticket++)
      if (idLow[ticket] === low && idHigh[ticket] === parts.slot && used[ticket] === 1) return ticket;
    return undefined;
  }

  async openLarge(): Promise<LargeBody> {
    const { disk, folder, clock, permissions } = this.options;
    const name = `${clock.now().toString(36)}-${process.pid.toString(36)}-${(this.#largeNumber++).toString(36)}.body`;
    this.#openLarge.add(name);
    const inside = path.join(folder, 'large');
    try {
      const file = await disk.open(path.join(inside, name), 'create', permissions);
      return new LargeWriter(disk, inside, name, file, () => void this.#openLarge.delete(name));
    } catch (error) {
      this.#openLarge.delete(name);
      throw problems.DISK.because(error, error instanceof Error ? error.message : String(error));
    }
  }

  forget({ file }: Body): void {
    if (file === undefined || this.large.uses(file)) return;
    this.#openLarge.delete(file);
    this.options.disk.remove(path.join(this.options.folder, 'large', file)).catch(() => {});
  }

  get refusing(): string | undefined {
    if (this.#acceptTrouble !== undefined) return this.#acceptTrouble;
    if (this.#outcomeTrouble !== undefined) return this.#outcomeTrouble;
    return this.accepts.backlog > this.options.backlogBytes / 2 ? 'the disk is behind' : undefined;
  }

  get blocked(): string | undefined {
    return this.#outcomeTrouble;
  }

  onHealth(changed: () => void): void {
    this.#listeners.add(changed);
  }

  async recover(found: Found, signal: AbortSignal): Promise<RecoveryReport> {
    const began = this.options.clock.mono();
    const told = await recoverSpool(this, this.#foundAtStart, found, signal);
    if (!signal.aborted) {
      this.progress = 1;
      // What is said about a segment that could not be read must stay. Fails when the disk does: the log has told so, and tries again.
      const complete =
        told.unreadable === 0 &&
        (await this.outcomes.complete().then(
          () => true,
          () => false,
        ));
      this.#recovered = true;
      if (complete) await this.#removeOrphans();
      this.#compactLater();
    }
    return { ...told, milliseconds: this.options.clock.mono() - began };
  }

  stats(): { readonly messages: number; readonly liveBytes: number; readonly diskBytes: number; readonly segments: number } {
    let liveBytes = 0;
    let diskBytes = 0;
    for (const { size, live, copies } of this.segments.values()) {
      diskBytes += size;
      liveBytes += copies === 0 ? 0 : Math.round((size * live) / copies);
    }
    return { messages: this.table.count, liveBytes, diskBytes, segments: this.segments.size };
  }

  flush(): Promise<void> {
    return this.outcomes.sync();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#retry?.cancel();
    await this.accepts.idle();
    await this.#compacting;
    await this.outcomes.sync().catch(() => {});
    await this.#removals.idle();
    await this.accepts.close();
    await this.outcomes.close().catch(() => {});
    for (const segment of this.segments.values()) if (segment !== this.accepts.current) await segment.file.close().catch(() => {});
  }

  /** Where a ticket's copy lies now. */
  spotOf(ticket: number): Spot {
    return {
      segment: this.table.segment[ticket] as number,
      offset: this.table.offset[ticket] as number,
      index: this.table.index[ticket] as number,
    };
  }

  /** All copies of the frame at a place, read and checked. Throws a coded problem when it is damaged; its octets are kept aside. */
  async readFrame(number: number, offset: number): Promise<readonly Copy[]> {
    const key = number * 0x1_0000_0000 + offset;
    const known = this.#frames.get(key);
    if (known) return known;
    const segment = this.segments.get(number);
    if (!segment) throw problems.DAMAGED('', segmentName(number));
    segment.readers++;
    try {
      return await this.#readFrame(segment, offset, key);
    } finally {
      segment.readers--;
    }
  }

  async #readFrame(segment: Segment, offset: number, key: number): Promise<readonly Copy[]> {
    const first = Buffer.allocUnsafe(8192);
    const got = await segment.file.readAt(first, offset);
    const head = readHead(first.subarray(0, got), 0);
    if (!head || lengthOf(head) > segment.size - offset) throw await this.#damaged(segment, offset, first.subarray(0, got));
    const length = lengthOf(head);
    let bytes = first.subarray(0, Math.min(got, length));
    if (length > got) {
      const whole = Buffer.allocUnsafe(length);
      first.copy(whole, 0, 0, got);
      const rest = await segment.file.readAt(whole.subarray(got), offset + got);
      bytes = whole.subarray(0, got + rest);
    }
    if (!isWhole(bytes, 0, head)) throw await this.#damaged(segment, offset, bytes);
    const dataAt = FRAME_HEAD + head.metaLength;
    const { disk, folder } = this.options;
    const copies = decodeReception(
      bytes.subarray(FRAME_HEAD, dataAt),
      bytes.subarray(dataAt, length),
      (file, size, dots, eightBit) => new FileBody(disk, path.join(folder, 'large'), file, size, dots, eightBit),
    );
    if (length <= LARGEST_CACHED && copies.length > 1) this.#keepFrame(key, copies);
    return copies;
  }

  /** A recovered copy has a body with a file of its own; the index does not name it, so the frame is asked. */
  async holdLarge(ticket: number, segment: number, offset: number): Promise<void> {
    try {
      const [copy] = await this.readFrame(segment, offset);
      if (copy?.content.file !== undefined) this.large.hold(ticket, copy.content.file);
    } catch {
      // Reading it for delivery says so; its body stays where it is.
      this.#unreadable = true;
    }
  }

  /** Puts a message into the table: it is durable at this place. */
  adopt(
    spot: Spot,
    about: {
      idHigh: number;
      idLow: number;
      receivedAt: number;
      attempts: number;
      next: number;
      flags: number;
      place: string;
      reply: string;
    },
  ): number {
    const { table } = this;
    const ticket = table.take();
    table.segment[ticket] = spot.segment;
    table.offset[ticket] = spot.offset;
    table.index[ticket] = spot.index;
    table.idHigh[ticket] = about.idHigh;
    table.idLow[ticket] = about.idLow;
    table.received[ticket] = about.receivedAt;
    table.attempts[ticket] = about.attempts;
    table.next[ticket] = about.next;
    table.flags[ticket] = about.flags;
    table.place[ticket] = this.places.hold(about.place);
    table.reply[ticket] = this.replies.hold(about.reply);
    const segment = this.segments.get(spot.segment);
    if (segment) segment.live++;
    return ticket;
  }

  /** Writes the index of a segment into the outcome log: from here on it need not be read to be known. */
  indexSegment(segment: Segment, into: OutcomeWriter, tickets: readonly number[]): void {
    const at = into.beginIndex(segment.number, segment.sealed ? WHOLE : segment.size);
    for (const ticket of tickets) {
      into.addEntry({
        offset: this.table.offset[ticket] as number,
        index: this.table.index[ticket] as number,
        idHigh: this.table.idHigh[ticket] as number,
        idLow: this.table.idLow[ticket] as number,
        receivedAt: this.table.received[ticket] as number,
        attempts: this.table.attempts[ticket] as number,
        next: this.table.next[ticket] as number,
        flags: this.table.flags[ticket] as number,
        place: this.places.at(this.table.place[ticket] as number),
        reply: this.replies.at(this.table.reply[ticket] as number),
      });
    }
    into.endIndex(at);
  }

  /** Live tickets of one segment. */
  ticketsOf(number: number): number[] {
    const found: number[] = [];
    const { used, segment, size } = this.table;
    for (let ticket = 0; ticket < size; ticket++) if (segment[ticket] === number && used[ticket] === 1) found.push(ticket);
    return found;
  }

  /** Live tickets of every segment. */
  ticketsBySegment(): Map<number, number[]> {
    const all = new Map<number, number[]>();
    const { used, segment, size } = this.table;
    for (let ticket = 0; ticket < size; ticket++) {
      if (used[ticket] !== 1) continue;
      const number = segment[ticket] as number;
      const list = all.get(number);
      if (list) list.push(ticket);
      else all.set(number, [ticket]);
    }
    return all;
  }

  /** A segment with nothing alive goes away, once everything said about it is on the medium. */
  dropSegment(segment: Segment): void {
    if (this.dropping.has(segment.number) || segment.pins > 0) return;
    this.segments.delete(segment.number);
    this.outcomes.records.drop(segment.number);
    this.outcomes.touch();
    this.dropFile(segment.number, segment);
  }

  /** Removes the file of a segment that the log has dropped. */
  dropFile(number: number, segment?: Segment): void {
    this.dropping.add(number);
    const { disk, folder } = this.options;
    const remove = (): void =>
      this.#removals.add(async () => {
        while (segment && segment.readers > 0) await new Promise<void>((done) => setImmediate(done));
        await segment?.file.close().catch(() => {});
        await disk.remove(path.join(folder, segmentName(number)));
        await disk.syncFolder(folder);
        this.dropping.delete(number);
      });
    if (number === this.#newest) this.#emptied = remove;
    else remove();
  }

  #opened(segment: Segment): void {
    this.segments.set(segment.number, segment);
    this.#newest = segment.number;
    this.#emptied?.();
    this.#emptied = undefined;
  }

  /** `ended` runs as soon as the octets are durable, before anything else is told of their segment. */
  #append(copies: readonly Copy[], ends: readonly Spot[], ended: () => void): Promise<void> {
    return new Promise((done, fail) => {
      if (this.#acceptTrouble !== undefined) {
        this.#abandonBodies(copies);
        return fail(problems.DISK(this.#acceptTrouble));
      }
      try {
        const record = encodeReception(copies, ends.length > 0 ? { ends } : {});
        this.accepts.append({
          record,
          placed: (segment, offset) => {
            ended();
            this.#place(copies, segment, offset);
          },
          done,
          failed: (error) => {
            this.#abandonBodies(copies);
            fail(error);
          },
        });
      } catch (error) {
        this.#abandonBodies(copies);
        fail(error);
      }
    });
  }

  /** None of the copies exists: neither does a body of theirs that has a file. */
  #abandonBodies(copies: readonly Copy[]): void {
    const { disk, folder } = this.options;
    for (const file of new Set(copies.map(({ content }) => content.file))) {
      if (file === undefined || this.large.uses(file)) continue;
      this.#openLarge.delete(file);
      // The record may be on the medium though nobody was told so; a start finds the body missing then, and nobody misses the mail.
      disk.remove(path.join(folder, 'large', file)).catch(() => {});
    }
  }

  #place(copies: readonly Copy[], segment: Segment, offset: number): void {
    segment.copies += copies.length;
    for (let index = 0; index < copies.length; index++) {
      const copy = copies[index] as Copy;
      const parts = parseId(copy.id);
      const { file } = copy.content;
      copy.ticket = this.adopt(
        { segment: segment.number, offset, index },
        {
          idHigh: parts?.slot ?? 0,
          idLow: parts ? ((parts.incarnation << 16) | parts.counter) >>> 0 : 0,
          receivedAt: copy.reception.receivedAt,
          attempts: copy.attempts,
          next: copy.nextAttempt,
          flags: (copy.priority === 1 ? FLAG.priority : 0) | (file === undefined ? 0 : FLAG.large),
          place: placeText(copy.place),
          reply: copy.lastReply,
        },
      );
      if (file !== undefined) this.large.hold(copy.ticket, file);
    }
  }

  #forget(ticket: number): void {
    const { table } = this;
    const segment = this.segments.get(table.segment[ticket] as number);
    this.places.release(table.place[ticket] as number);
    this.replies.release(table.reply[ticket] as number);
    const file = (table.flags[ticket] as number) & FLAG.large ? this.large.release(ticket) : undefined;
    table.give(ticket);
    if (file !== undefined) {
      this.#openLarge.delete(file);
      this.#removals.add(() => this.options.disk.remove(path.join(this.options.folder, 'large', file)));
    }
    if (!segment) return;
    segment.live--;
    if (!segment.sealed || segment.moving || segment.pins > 0) return;
    if (segment.live === 0) this.dropSegment(segment);
    else if (segment.live * 2 < segment.copies) this.#compactLater();
  }

  #seal(segment: Segment): void {
    segment.sealed = true;
    if (segment.live === 0 && segment.pins === 0) {
      this.dropSegment(segment);
      return;
    }
    this.indexSegment(segment, this.outcomes.records, this.ticketsOf(segment.number));
    this.outcomes.touch();
    if (segment.live * 2 < segment.copies) this.#compactLater();
  }

  #checkpoint(into: OutcomeWriter): void {
    const tickets = this.ticketsBySegment();
    for (const number of this.dropping) into.drop(number);
    for (const segment of this.segments.values()) this.indexSegment(segment, into, tickets.get(segment.number) ?? []);
  }

  /** One segment at a time moves into the newest one; a while later the next. */
  #compactLater(): void {
    if (this.#compacting || !this.#recovered || this.#closed || this.refusing !== undefined) return;
    const next = [...this.segments.values()].find(
      (s) => s.sealed && !s.moving && !s.stuck && s.pins === 0 && s.live > 0 && s.live * 2 < s.copies,
    );
    if (!next) return;
    this.#compacting = compactSegment(this, next)
      .catch((error: unknown) => this.options.log('warning', `segment ${next.number} could not be compacted: ${codeOf(error)}`))
      .finally(() => {
        this.#compacting = undefined;
        this.options.clock.after(50, () => this.#compactLater());
      });
  }

  /** Bodies whose reception never came to be. While there is a damaged record any of them may be its. */
  async #removeOrphans(): Promise<void> {
    if (this.#unreadable || (await this.quarantine.harm())) return;
    const { disk, folder } = this.options;
    const inside = path.join(folder, 'large');
    try {
      const orphans = (await disk.list(inside)).filter((name) => !this.large.uses(name) && !this.#openLarge.has(name));
      if (orphans.length === 0) return;
      const kept = await this.quarantine.named(orphans);
      for (const name of orphans) if (!kept.has(name)) await disk.remove(path.join(inside, name));
    } catch (error) {
      this.options.log('warning', `bodies that nobody needs could not be removed: ${codeOf(error)}`);
    }
  }

  async #damaged(segment: Segment, offset: number, bytes: Buffer): Promise<Error> {
    await this.quarantine.keep(`${segmentName(segment.number)}-${offset}`, bytes).catch(() => {});
    return problems.DAMAGED(String(offset), segmentName(segment.number));
  }

  #keepFrame(key: number, copies: readonly Copy[]): void {
    this.#frames.set(key, copies);
    if (this.#frames.size <= CACHED_FRAMES) return;
    const [oldest] = this.#frames.keys();
    if (oldest !== undefined) this.#frames.delete(oldest);
  }

  #acceptHealth(error: Error | undefined): void {
    this.#setHealth(error, this.#outcomeTrouble, error?.message);
  }

  #outcomeHealth(error: Error | undefined): void {
    this.#setHealth(error, error?.message, this.#acceptTrouble);
  }

  #setHealth(error: Error | undefined, outcome: string | undefined, accept: string | undefined): void {
    const changed = outcome !== this.#outcomeTrouble || accept !== this.#acceptTrouble;
    this.#outcomeTrouble = outcome;
    this.#acceptTrouble = accept;
    if (error && ['ENOSPC', 'EDQUOT'].includes(codeOf(error))) void this.#giveReserve().catch(() => {});
    if (outcome !== undefined || accept !== undefined) this.#retry ??= this.options.clock.after(RETRY_MS, () => void this.#tryAgain());
    if (!changed) return;
    this.options.log(
      error ? 'error' : 'warning',
      error ? `the spool cannot be written: ${error.message}` : 'the spool can be written again',
    );
    for (const listener of this.#listeners) listener();
    if (error) return;
    this.#removals.go();
    this.#compactLater();
    void this.#keepReserve(4).catch(() => {});
  }

  async #tryAgain(): Promise<void> {
    this.#retry = undefined;
    if (this.#closed) return;
    if (this.#outcomeTrouble !== undefined) await this.outcomes.probe();
    if (this.#acceptTrouble !== undefined && (await this.#takeReserve())) await this.accepts.probe();
    if (this.#outcomeTrouble !== undefined || this.#acceptTrouble !== undefined)
      this.#retry ??= this.options.clock.after(RETRY_MS, () => void this.#tryAgain());
  }

  /** Room that only outcomes and compaction may use: a file that goes when the disk is full. Made where it is a small part of what is free. */
  async #keepReserve(share: number): Promise<boolean> {
    const { disk, folder } = this.options;
    const file = path.join(folder, 'reserve');
    const bytes = Math.min(RESERVE_BYTES, this.options.segmentBytes >>> 1);
    if (await disk.exists(file)) return true;
    if ((await disk.free(folder)) < share * bytes) return false;
    const handle = await disk.open(file, 'append', this.options.permissions);
    try {
      await handle.append([Buffer.alloc(bytes)]);
      await handle.datasync();
    } catch (error) {
      await disk.remove(file).catch(() => {});
      throw error;
    } finally {
      await handle.close();
    }
    return true;
  }

  async #giveReserve(): Promise<void> {
    const { disk, folder } = this.options;
    const file = path.join(folder, 'reserve');
    if (!(await disk.exists(file))) return;
    this.#reserveIsGone = true;
    await disk.remove(file);
  }

  /** After a full disk mail is accepted when there is room for the reserve and as much again. */
  async #takeReserve(): Promise<boolean> {
    if (!this.#reserveIsGone) return true;
    const taken = await this.#keepReserve(2).catch(() => false);
    this.#reserveIsGone = !taken;
    return taken;
  }
}
