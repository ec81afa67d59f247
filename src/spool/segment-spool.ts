/**
 * The spool on disk.
 *
 * | state of a copy      | where it is                                        | when the daemon or the machine dies now   |
 * |----------------------|----------------------------------------------------|-------------------------------------------|
 * | arriving             | memory; a large body in its file                   | gone; the client heard nothing            |
 * | written              | accept log, not synced                             | gone or kept; the client heard nothing    |
 * | aborted              | a segment whose sync failed; the next one says so  | gone; the client heard 452                |
 * | **accepted**         | accept log, synced: `write` resolves, 250 is said  | kept                                      |
 * | held by leave        | memory only (holding.ts), counted in `unspooled`   | gone; their number is told                |
 * | being delivered      | as accepted                                        | tried again; a duplicate if 250 was heard |
 * | changed or moved     | outcome log at the end of the turn, synced ≤100 ms | kept, perhaps with its older state        |
 * | ended                | outcome log at the end of the turn, synced ≤100 ms | gone; a machine may forget these 100 ms   |
 * | failed with a notice | accept log: notice and end in one frame            | both or neither                           |
 * | written again        | both segments until the drop record is synced      | counted once: the frame names its origin  |
 * | being taken over     | its new place in memory, outcomes for both places  | counted where it came from                |
 *
 * The acceptance instant is the return of fdatasync on the segment (accept-log.ts, #writeGroup). A process that dies loses nothing
 * of the outcome log either, since its records are with the kernel at the end of the turn.
 */
import type { Copy } from '../module/copy.js';
import type { Body } from '../module/message.js';
import type { PlaceParts } from '../module/place.js';
import type { Found, LargeBody, RecoveryReport, Spool } from '../module/spool.js';
import { forgetLost, readLost } from './held-count.js';
import { Holding } from './holding.js';
import { idText, writeId } from './id-octets.js';
import { Part } from './part.js';
import type { End } from './pending-write.js';
import { type PlaceNames, placeText } from './place-names.js';
import { Reading } from './reading.js';
import { recoverPart } from './recover.js';
import type { Segment } from './segment.js';
import { fillOptions, foldersOf, type SpoolOptions } from './spool-options.js';
import { Stock } from './stock.js';
import { Writing } from './writing.js';

export type { SpoolOptions } from './spool-options.js';

const idOctets = Buffer.alloc(8);

export class SegmentSpool implements Spool {
  readonly #stock: Stock;
  readonly #own: Part;
  readonly #parts: readonly Part[];
  readonly #reading: Reading;
  readonly #writing: Writing;
  readonly #holding: Holding;
  /** Messages of earlier daemons that are lost, by part, until that was told. */
  readonly #lost = new Map<Part, number>();
  #highestSlot = 0;
  #progress = 0;

  private constructor(stock: Stock, own: Part, parts: readonly Part[]) {
    this.#stock = stock;
    this.#own = own;
    this.#parts = parts;
    this.#writing = new Writing(stock, (ticket) => this.#end(ticket, false));
    this.#holding = new Holding(stock, own);
    this.#reading = new Reading(stock, own.options.disk);
  }

  /** Opens a part; what lies in it is read by `recover`. Throws a coded problem when a folder cannot be used. */
  static async open(given: SpoolOptions): Promise<SegmentSpool> {
    const options = fillOptions(given);
    const stock = new Stock();
    const [first, ...others] = foldersOf(given);
    const own = await Part.open(stock, first, options);
    const parts = [own];
    try {
      for (const folder of others) parts.push(await Part.open(stock, folder, options));
    } catch (error) {
      for (const part of parts) await part.close();
      throw error;
    }
    const spool = new SegmentSpool(stock, own, parts);
    for (const part of parts) spool.#lost.set(part, await readLost(part));
    spool.#holding.remember(spool.#lost.get(own) ?? 0);
    return spool;
  }

  write(copies: readonly Copy[]): Promise<void> {
    return this.#writing.append(this.#own, copies, []);
  }

  /** Holds copies in memory that may be lost; see Holding. */
  hold(copies: readonly Copy[]): Promise<boolean> {
    return this.#holding.take(copies);
  }

  evict(ticket: number): void {
    this.#holding.evict(ticket);
  }

  writeHeld(signal: AbortSignal): Promise<void> {
    return this.#holding.writeAll(signal);
  }

  /** Copies that are in memory only. */
  get held(): number {
    return this.#holding.size;
  }

  replace(gone: readonly number[], copies: readonly Copy[]): Promise<void> {
    if (copies.length === 0) return this.purge(gone);
    const { table } = this.#stock;
    const ends: End[] = gone
      .filter((ticket) => table.has(ticket))
      .map((ticket) => ({ ticket, high: table.idHigh[ticket] as number, low: table.idLow[ticket] as number }));
    const first = ends.find((end) => !this.#holding.has(end.ticket));
    // The end and what replaces it are one frame, which has to lie where the part's next owner reads it.
    const part = first === undefined ? this.#own : this.#stock.segmentOf(first.ticket).part;
    return this.#writing.append(part, copies, ends);
  }

  read(ticket: number): Promise<Copy> {
    const held = this.#holding.read(ticket);
    return held ? Promise.resolve(held) : this.#reading.read(ticket);
  }

  change(ticket: number, attempts: number, nextAttempt: number, lastReply: string): void {
    const { table, replies } = this.#stock;
    if (!table.has(ticket)) return;
    const known = Math.min(attempts, 0xffff);
    table.attempts[ticket] = known;
    table.next[ticket] = nextAttempt;
    const reply = replies.hold(lastReply);
    replies.release(table.reply[ticket] as number);
    table.reply[ticket] = reply;
    if (this.#holding.has(ticket)) {
      this.#holding.changed(ticket);
      return;
    }
    const { part, number } = this.#stock.segmentOf(ticket);
    part.outcomes.records.change(this.#spot(ticket, number), known, nextAttempt, lastReply);
    const former = part.former.get(ticket);
    if (former) part.outcomes.records.change(former, known, nextAttempt, lastReply);
    part.outcomes.touch();
  }

  gone(ticket: number): void {
    this.#end(ticket, true);
  }

  #end(ticket: number, wasDelivered: boolean): void {
    const { table } = this.#stock;
    if (!table.has(ticket)) return;
    if (this.#holding.end(ticket, wasDelivered)) {
      this.#forgetState(ticket);
      return;
    }
    const segment = this.#stock.segmentOf(ticket);
    const { outcomes, former } = segment.part;
    outcomes.records.gone(segment.number, table.offset[ticket] as number, table.index[ticket] as number);
    const before = former.get(ticket);
    if (before) outcomes.records.gone(before.segment, before.offset, before.index);
    outcomes.touch();
    this.#forget(ticket);
  }

  async purge(tickets: readonly number[]): Promise<void> {
    const { table } = this.#stock;
    for (const ticket of tickets) if (this.#holding.has(ticket)) this.#end(ticket, false);
    const bySegment = new Map<Segment, number[]>();
    for (const ticket of tickets) {
      if (!table.has(ticket)) continue;
      const segment = this.#stock.segmentOf(ticket);
      const spots = bySegment.get(segment);
      if (spots) spots.push(table.offset[ticket] as number, table.index[ticket] as number);
      else bySegment.set(segment, [table.offset[ticket] as number, table.index[ticket] as number]);
    }
    for (const ticket of tickets) {
      const { part } = table.has(ticket) ? this.#stock.segmentOf(ticket) : { part: undefined };
      const before = part?.former.get(ticket);
      if (before) part?.outcomes.records.gone(before.segment, before.offset, before.index);
    }
    for (const [{ part, number }, spots] of bySegment) {
      part.outcomes.records.many(number, spots);
      part.outcomes.touch();
    }
    for (const ticket of tickets) if (table.has(ticket)) this.#forget(ticket);
    await this.flush();
  }

  async changeAll(where: PlaceParts, nextAttempt: number, lastReply: string): Promise<void> {
    for (const part of this.#parts) part.sweep(where, nextAttempt, lastReply);
    this.#stock.sweep(where, nextAttempt, lastReply);
    this.#holding.sweptOver();
    await this.flush();
  }

  move(ticket: number, place: PlaceNames): void {
    const { table, places } = this.#stock;
    if (!table.has(ticket)) return;
    const text = placeText(place);
    const number = places.hold(text);
    places.release(table.place[ticket] as number);
    table.place[ticket] = number;
    if (this.#holding.has(ticket)) return;
    const segment = this.#stock.segmentOf(ticket);
    segment.part.outcomes.records.move(this.#spot(ticket, segment.number), text);
    const before = segment.part.former.get(ticket);
    if (before) segment.part.outcomes.records.move(before, text);
    segment.part.outcomes.touch();
  }

  id(ticket: number): string {
    const { table } = this.#stock;
    return table.has(ticket) ? idText(table.idHigh[ticket] as number, table.idLow[ticket] as number) : '';
  }

  find(id: string): number | undefined {
    try {
      writeId(id, idOctets, 0);
    } catch {
      return undefined;
    }
    return this.#stock.table.find(idOctets.readUInt32BE(0), idOctets.readUInt32BE(4));
  }

  openLarge(): Promise<LargeBody> {
    return this.#writing.openLarge(this.#own);
  }

  forget(body: Body): void {
    this.#writing.forget(this.#own, body);
  }

  get refusing(): string | undefined {
    return this.#own.health.refusing;
  }

  get blocked(): string | undefined {
    for (const { health } of this.#parts) if (health.blocked !== undefined) return health.blocked;
    return undefined;
  }

  /** Highest slot (seconds of the epoch) of an id that `recover` found: new ids belong above it. */
  get highestSlot(): number {
    return this.#highestSlot;
  }

  /** Octets that wait for the disk. */
  get backlog(): number {
    return this.#own.accepts.backlog;
  }

  /** Share of what lay on disk at the start that is known, 0 to 1. */
  get progress(): number {
    return this.#progress;
  }

  onHealth(changed: () => void): void {
    for (const { health } of this.#parts) health.onChange(changed);
  }

  async recover(found: Found, signal: AbortSignal): Promise<RecoveryReport> {
    const { clock } = this.#own.options;
    const began = clock.mono();
    await this.#tellLost();
    let messages = 0;
    let quarantined = 0;
    let tornTails = 0;
    for (const [nth, part] of this.#parts.entries()) {
      const told = await recoverPart(part, found, signal, (share) => {
        this.#progress = (nth + share) / this.#parts.length;
      });
      messages += told.messages;
      quarantined += told.quarantined;
      tornTails += told.tornTails;
      this.#highestSlot = Math.max(this.#highestSlot, told.highestSlot);
    }
    if (!signal.aborted) this.#progress = 1;
    return { messages, quarantined, tornTails, milliseconds: clock.mono() - began };
  }

  get capacity(): number {
    return this.#stock.table.capacity;
  }

  stats(): { readonly messages: number; readonly liveBytes: number; readonly diskBytes: number; readonly segments: number } {
    let liveBytes = 0;
    let diskBytes = 0;
    let segments = 0;
    for (const part of this.#parts) {
      for (const segment of part.segments.values()) {
        diskBytes += segment.size;
        liveBytes += segment.liveBytes;
      }
      segments += part.segments.size;
    }
    return { messages: this.#stock.table.count, liveBytes, diskBytes, segments };
  }

  async flush(): Promise<void> {
    await this.#holding.settle();
    for (const { outcomes } of this.#parts) await outcomes.sync();
  }

  async close(): Promise<void> {
    await this.#holding.close();
    for (const part of this.#parts) await part.close();
  }

  #spot(ticket: number, segment: number): { segment: number; offset: number; index: number } {
    const { table } = this.#stock;
    return { segment, offset: table.offset[ticket] as number, index: table.index[ticket] as number };
  }

  #forget(ticket: number): void {
    const segment = this.#stock.unsettle(ticket);
    segment.part.former.delete(ticket);
    const file = this.#stock.large.release(ticket);
    this.#forgetState(ticket);
    if (file !== undefined) segment.part.upkeep.removeBody(file);
    segment.part.upkeep.lessLive(segment);
  }

  #forgetState(ticket: number): void {
    const { table, places, replies } = this.#stock;
    places.release(table.place[ticket] as number);
    replies.release(table.reply[ticket] as number);
    table.give(ticket);
  }

  /** Tells how many messages each part had in memory only when its daemon ended without a word. */
  async #tellLost(): Promise<void> {
    for (const [part, count] of this.#lost) {
      if (count === 0) continue;
      part.options.log('error', `${count} messages were in memory only when the last daemon ended without a word: they are lost`);
      if (part !== this.#own) await forgetLost(part).catch(() => {});
    }
    if (this.#lost.get(this.#own) !== 0) this.#holding.remember(0);
    this.#lost.clear();
  }
}
