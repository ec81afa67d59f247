/** Copies that are acknowledged before they are written: in memory only, with ordinary tickets, and written when somebody asks for it. */
import { sleep } from '../kernel/clock.js';
import { Copy } from '../module/copy.js';
import { encodeReception } from './encode-reception.js';
import { HeldCount } from './held-count.js';
import type { Part } from './part.js';
import { placeText, readPlace } from './place-names.js';
import { problems, wordsFor } from './problems.js';
import { breathe } from './scan.js';
import type { Segment } from './segment.js';
import type { Stock } from './stock.js';
import { RETRY_MS } from './trouble.js';

/** Next attempts beyond any clock are marks of the queue: what is set aside or being ended does not stay in memory. */
const BEYOND_CLOCKS = 2 ** 46;
/** Messages that are written at a time. */
const AT_A_TIME = 500;
/** With so many that wait to be written nothing more is held: who brings mail then waits for the disk. */
const MOST_DUE = 1000;
/** Most octets of context of one copy; far below what a record may have. */
const MOST_FACTS = 16_384;

export class Holding {
  readonly #stock: Stock;
  readonly #part: Part;
  readonly #held = new Map<number, Copy>();
  readonly #due = new Set<number>();
  readonly #count: HeldCount;
  /** On their way in: counted already. */
  #arriving = 0;
  /** Lost at an earlier end, and not told yet. */
  #untold = 0;
  #writing: Promise<void> | undefined;
  #retrying = false;
  #closed = false;

  constructor(stock: Stock, part: Part) {
    this.#stock = stock;
    this.#part = part;
    this.#count = new HeldCount(part, () => this.#held.size + this.#arriving + this.#untold);
  }

  /** Copies that are in memory only. */
  get size(): number {
    return this.#held.size;
  }

  has(ticket: number): boolean {
    return this.#held.has(ticket);
  }

  /** That many of an earlier daemon are lost and the file keeps telling so; 0 when it was told. */
  remember(lost: number): void {
    const isTold = lost < this.#untold;
    this.#untold = lost;
    if (isTold) this.#count.tellLater();
  }

  /** Gives the copies tickets without writing them; false, and nothing was done, when they have to be written. */
  async take(copies: readonly Copy[]): Promise<boolean> {
    if (this.#closed || this.#due.size >= MOST_DUE || this.#part.health.refusing !== undefined || !copies.every(mayWait)) return false;
    this.#arriving += copies.length;
    try {
      await this.#count.tell();
    } catch {
      return false;
    } finally {
      this.#arriving -= copies.length;
    }
    for (const copy of copies) {
      copy.ticket = this.#stock.shelve(copy, copies.length > 1);
      this.#held.set(copy.ticket, copy);
      if (copy.unspooled) copy.unspooled.tally.inMemory++;
    }
    return true;
  }

  /** A copy as reading gives it: changing it changes nothing here. */
  read(ticket: number): Copy | undefined {
    const held = this.#held.get(ticket);
    return held && this.#copyOf(ticket, held, true);
  }

  /** The table knows something new about a held copy. */
  changed(ticket: number): void {
    const { attempts, next } = this.#stock.table;
    const unspooled = this.#held.get(ticket)?.unspooled;
    if ((attempts[ticket] as number) >= (unspooled?.attempts ?? 0)) this.#write(ticket, 'failing');
    else if ((next[ticket] as number) >= BEYOND_CLOCKS) this.#write(ticket, 'forced');
  }

  /** The table may know something new about any of them. */
  sweptOver(): void {
    for (const ticket of this.#held.keys()) this.changed(ticket);
  }

  /** Memory is wanted: a held copy is written. */
  evict(ticket: number): void {
    this.#write(ticket, 'forced');
  }

  /** A held copy ended; answers false when it is none. */
  end(ticket: number, wasDelivered: boolean): boolean {
    const held = this.#held.get(ticket);
    if (!held) return false;
    if (held.unspooled && wasDelivered) held.unspooled.tally.withoutDisk++;
    this.#letGo(ticket, held);
    return true;
  }

  /** Resolves when what is to be written is; rejects when the disk does not take it. */
  async settle(): Promise<void> {
    while (this.#due.size > 0) await this.#run();
  }

  /** Writes everything; while the disk fails it is tried again, until the signal. Rejects when something is still in memory then. */
  async writeAll(signal: AbortSignal): Promise<void> {
    const { clock } = this.#part.options;
    for (;;) {
      for (const ticket of [...this.#held.keys()]) this.evict(ticket);
      try {
        await this.settle();
        if (this.#held.size === 0) return;
      } catch (error) {
        if (signal.aborted) throw error;
        await sleep(clock, RETRY_MS, signal).catch(() => {});
      }
    }
  }

  /** Writes what is left, if that is possible. */
  async close(): Promise<void> {
    if (this.#held.size > 0)
      await this.writeAll(AbortSignal.abort()).catch((error: unknown) =>
        this.#part.options.log('error', `${this.#held.size} messages that were in memory only could not be written: ${wordsFor(error)}`),
      );
    this.#closed = true;
    await this.#count.close();
  }

  #write(ticket: number, why: 'failing' | 'forced'): void {
    const held = this.#held.get(ticket);
    if (!held || this.#due.has(ticket)) return;
    this.#due.add(ticket);
    if (held.unspooled) held.unspooled.tally[why]++;
    this.#run().catch((error: unknown) => this.#tryLater(error));
  }

  #tryLater(error: unknown): void {
    const { log, clock } = this.#part.options;
    if (this.#closed || this.#retrying) return;
    this.#retrying = true;
    log('warning', `${this.#due.size} messages that are in memory only could not be written yet: ${wordsFor(error)}`);
    clock.after(RETRY_MS, () => {
      this.#retrying = false;
      if (this.#due.size > 0) this.#run().catch((again: unknown) => this.#tryLater(again));
    });
  }

  #run(): Promise<void> {
    this.#writing ??= this.#work().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #work(): Promise<void> {
    await breathe();
    while (this.#due.size > 0) {
      const done = await Promise.allSettled(this.#nextReceptions().map((tickets) => this.#append(tickets)));
      for (const result of done) if (result.status === 'rejected') throw result.reason;
    }
  }

  /** Some of what is due; copies of one reception stay one record, so that they share their body. */
  #nextReceptions(): number[][] {
    const groups = new Map<object, number[]>();
    let count = 0;
    for (const ticket of this.#due) {
      const held = this.#held.get(ticket);
      if (!held) continue;
      const group = groups.get(held.reception);
      if (group) group.push(ticket);
      else groups.set(held.reception, [ticket]);
      if (++count >= AT_A_TIME) break;
    }
    return [...groups.values()];
  }

  async #append(tickets: readonly number[]): Promise<void> {
    const { health, accepts, options } = this.#part;
    if (health.failing !== undefined) throw problems.DISK(health.failing);
    const held = tickets.map((ticket) => this.#held.get(ticket) as Copy);
    const written = held.map((copy, i) => this.#copyOf(tickets[i] as number, copy, false));
    let frame: ReturnType<typeof encodeReception>;
    try {
      frame = encodeReception(written);
    } catch (error) {
      // No disk will ever take it: it stays in memory.
      for (const ticket of tickets) this.#due.delete(ticket);
      options.log('error', `${tickets.length} messages (${written[0]?.id}) cannot be written: ${wordsFor(error)}`);
      return;
    }
    await new Promise<void>((done, failed) => {
      const placed = (segment: Segment, offset: number): void => this.#land(held, written, segment, offset, frame.length);
      accepts.append({ frame, placed, done, failed });
    });
  }

  /** They are durable there. What became of them meanwhile is told for that place. */
  #land(held: readonly Copy[], written: readonly Copy[], segment: Segment, offset: number, length: number): void {
    const { table, replies, places } = this.#stock;
    const { outcomes, upkeep } = this.#part;
    const weight = Math.ceil(length / held.length);
    for (const [index, copy] of written.entries()) {
      const { ticket } = copy;
      const original = held[index] as Copy;
      if (this.#held.get(ticket) !== original) {
        outcomes.records.gone(segment.number, offset, index);
        continue;
      }
      this.#stock.settle(ticket, segment, offset, index, weight);
      const reply = replies.at(table.reply[ticket] as number);
      const place = places.at(table.place[ticket] as number);
      const attempts = table.attempts[ticket] as number;
      const next = table.next[ticket] as number;
      const spot = { segment: segment.number, offset, index };
      if (attempts !== copy.attempts || next !== copy.nextAttempt || reply !== copy.lastReply)
        outcomes.records.change(spot, attempts, next, reply);
      if (place !== placeText(copy.place)) outcomes.records.move(spot, place);
      this.#letGo(ticket, original);
    }
    if (outcomes.records.length > 0) outcomes.touch();
    upkeep.lessLive(segment);
  }

  /** It is in memory only no more. */
  #letGo(ticket: number, held: Copy): void {
    this.#held.delete(ticket);
    this.#due.delete(ticket);
    if (held.unspooled) held.unspooled.tally.inMemory--;
    held.unspooled = undefined;
    this.#count.tellLater();
  }

  /** The copy in its newest state. */
  #copyOf(ticket: number, held: Copy, isApart: boolean): Copy {
    const { table, replies, places } = this.#stock;
    const headers = isApart ? held.headers.clone() : held.headers;
    const copy = new Copy(held.id, held.reception, held.recipients, headers, held.content, isApart ? held.facts.clone() : held.facts);
    copy.ticket = ticket;
    copy.priority = held.priority;
    copy.notify = held.notify;
    copy.originalRecipient = held.originalRecipient;
    copy.notice = held.notice;
    copy.attempts = table.attempts[ticket] as number;
    copy.nextAttempt = table.next[ticket] as number;
    copy.lastReply = replies.at(table.reply[ticket] as number);
    copy.place = { ...readPlace(places.at(table.place[ticket] as number)), index: -1 };
    return copy;
  }
}

/** Large bodies, mail that is set aside or due later, and what has much context are written at once. */
const mayWait = ({ unspooled, content, quarantined, nextAttempt, facts, reception }: Copy): boolean =>
  unspooled !== undefined &&
  content.file === undefined &&
  quarantined === undefined &&
  nextAttempt === 0 &&
  (facts.size === 0 || facts.encode().length <= MOST_FACTS) &&
  (reception.facts.size === 0 || reception.facts.encode().length <= MOST_FACTS);
