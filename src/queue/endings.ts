/**
 * Mail that the queue ends by itself: failed by an operator, or too old to be tried.
 *
 * One record that ends all and the notices afterwards would lose the notices in a crash, since they are made from the mails' bytes.
 * So the order is: (1) in memory all of them leave delivery at once; (2) their records get a mark as next attempt and the note as
 * last reply, one record for all of a place where the spool can write that, else one for each, and the command answers when that is
 * on the medium; (3) a few at a time are read, their
 * notice and end are made durable together, and the log is told. A mail that a crash leaves between (2) and (3) is found again
 * with its mark and goes on at (3), never to delivery.
 */
import type { Copy } from '../module/copy.js';
import type { Place, PlaceParts } from '../module/place.js';
import { LIST } from './entries.js';
import { MARKS } from './marks.js';
import type { ReadBack } from './read-back.js';
import type { Stock } from './stock.js';

/** How a mail ends. */
export interface EndNotice {
  /** Reply of the log line and the notice. */
  readonly reply: string;
  /** No notice is sent. */
  readonly quiet: boolean;
}

/** Marks written in one loop turn. */
const MARKS_PER_TURN = 2000;
/** Mails whose ends are made at the same time. */
const WIDTH = 16;
/** Ends after which the next ones wait until the logs have taken what was told of these: a crash loses the lines of no more. */
const ENDS_A_LOG = 256;
/** How long the others wait for one end, or for the logs. */
const LIMIT_MS = 120_000;
/** When an end that could not be made is tried again. */
const AGAIN_MS = 30_000;

/** Tickets that end alike; undefined `notice` means that the record has it. */
interface Batch {
  /** Those that recovery finds are added at its end. */
  readonly tickets: number[];
  readonly notice: EndNotice | undefined;
  readonly quiet: boolean;
  next: number;
}

export class Endings {
  readonly #stock: Stock;
  readonly #readBack: ReadBack;
  readonly #failed: (mail: Copy, reply: string, quiet: boolean) => Promise<void>;
  readonly #logged: () => Promise<void>;
  readonly #batches: Batch[] = [];
  /** Tickets whose end is being made. Who gets such a ticket meanwhile, since the spool gave it anew, takes it out. */
  readonly #making = new Set<number>();
  /** Mails that were ended while delivery had them. */
  readonly #sentences = new Map<number, EndNotice>();
  /** What recovery found, by whether it ends quietly. */
  readonly #resumed = new Map<boolean, Batch>();
  #working: Promise<void> | undefined;

  /** `logged` resolves when what was told so far stands in the logs, or cannot. */
  constructor(
    stock: Stock,
    readBack: ReadBack,
    failed: (mail: Copy, reply: string, quiet: boolean) => Promise<void>,
    logged: () => Promise<void> = async () => {},
  ) {
    this.#stock = stock;
    this.#logged = logged;
    this.#readBack = readBack;
    this.#failed = failed;
  }

  /** Ends mails without a mark: after a crash the same reason is found again. */
  begin(tickets: readonly number[], notice: EndNotice): void {
    for (const ticket of tickets) this.#end(ticket);
    this.#enqueue({ tickets: [...tickets], notice, quiet: notice.quiet, next: 0 });
  }

  /**
   * Ends mails; resolves when a crash cannot bring them back to delivery. Mail that delivery has ends when it comes back. `all` says
   * that they are all the mail of matching places, so that one record may stand for their marks.
   */
  async condemn(tickets: readonly number[], notice: EndNotice, all?: PlaceParts): Promise<void> {
    const { entries, spool } = this.#stock;
    const mark = MARKS[notice.quiet ? 'ending quietly' : 'ending'];
    const waiting: number[] = [];
    for (const ticket of tickets) {
      if (entries.list(ticket) === LIST.taken) {
        entries.condemn(ticket);
        this.#sentences.set(ticket, notice);
      } else if (entries.list(ticket) !== LIST.ending) {
        this.#end(ticket);
        waiting.push(ticket);
      }
    }
    if (all && spool.changeAll) await spool.changeAll(all, mark, notice.reply);
    else await this.#mark(waiting, mark, notice.reply);
    if (waiting.length > 0) this.#enqueue({ tickets: waiting, notice, quiet: notice.quiet, next: 0 });
  }

  #end(ticket: number): void {
    this.#making.delete(ticket);
    this.#stock.end(ticket);
  }

  /** Records the marks one by one. */
  async #mark(waiting: readonly number[], mark: number, reply: string): Promise<void> {
    const { entries, spool } = this.#stock;
    for (let next = 0; next < waiting.length; ) {
      for (const end = Math.min(next + MARKS_PER_TURN, waiting.length); next < end; next++) {
        const ticket = waiting[next] as number;
        spool.change(ticket, entries.attempts(ticket), mark, reply);
      }
      await new Promise<void>((done) => this.#stock.atTurnEnd(done));
    }
    await spool.flush();
  }

  /** Goes on with a mail whose mark recovery found. */
  resume(ticket: number, place: Place, received: number, attempts: number, quiet: boolean): void {
    this.#making.delete(ticket);
    this.#stock.entries.add(ticket, place.index, LIST.ending, this.#stock.anchor.mono(), received, attempts, 0);
    // Recovery may find a million: they share a batch as long as it is not done.
    const open = this.#resumed.get(quiet);
    if (open && open.next < open.tickets.length) open.tickets.push(ticket);
    else {
      const batch: Batch = { tickets: [ticket], notice: undefined, quiet, next: 0 };
      this.#resumed.set(quiet, batch);
      this.#enqueue(batch);
    }
  }

  /** What was decided about a mail that delivery has. */
  sentenceOf(ticket: number): EndNotice | undefined {
    return this.#sentences.get(ticket);
  }

  /** Delivery ends the mail itself. */
  pardon(ticket: number): void {
    this.#sentences.delete(ticket);
  }

  /** Ends a condemned mail that delivery gave back. */
  execute(ticket: number): void {
    const notice = this.#sentences.get(ticket);
    this.#sentences.delete(ticket);
    if (notice) this.begin([ticket], notice);
  }

  /** Why a mail was ended, for the operator. */
  noteOf(ticket: number): string {
    return this.#batches.find((batch) => batch.tickets.includes(ticket, batch.next))?.notice?.reply ?? 'an operator';
  }

  /** Resolves when all ends so far were made or put off. */
  async settle(): Promise<void> {
    while (this.#working) await this.#working;
  }

  #enqueue(batch: Batch): void {
    this.#batches.push(batch);
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  async #work(): Promise<void> {
    for (let made = 0; ; ) {
      await new Promise<void>((done) => this.#stock.atTurnEnd(done));
      const batch = this.#batches[0];
      if (!batch) return;
      const tickets = batch.tickets.slice(batch.next, batch.next + WIDTH);
      const undone = (await Promise.all(tickets.map((ticket) => this.#make(ticket, batch)))).filter((ticket) => ticket !== undefined);
      batch.next += tickets.length;
      if (undone.length > 0) this.#putOff({ ...batch, tickets: undone, next: 0 });
      if (batch.next >= batch.tickets.length) this.#batches.shift();
      made += tickets.length;
      if (made < ENDS_A_LOG) continue;
      made = 0;
      await this.#atMost(LIMIT_MS, this.#logged());
    }
  }

  #atMost(ms: number, work: Promise<void>): Promise<void> {
    return new Promise((done) => {
      const timer = this.#stock.clock.after(ms, done);
      const end = (): void => {
        timer.cancel();
        done();
      };
      work.then(end, end);
    });
  }

  /** Makes one end; answers the ticket when it could not be made. One that takes too long goes on by itself. */
  #make(ticket: number, batch: Batch): Promise<number | undefined> {
    return new Promise((done) => {
      let late = false;
      const timer = this.#stock.clock.after(LIMIT_MS, () => {
        late = true;
        done(undefined);
      });
      const made = (): void => {
        timer.cancel();
        if (this.#making.delete(ticket) && this.#stock.entries.list(ticket) === LIST.ending) this.#stock.forget(ticket);
        done(undefined);
      };
      const failed = (error: unknown): void => {
        timer.cancel();
        if (this.#readBack.isLost(error)) {
          this.#drop(ticket, error);
          done(undefined);
          return;
        }
        if (late) this.#putOff({ ...batch, tickets: [ticket], next: 0 });
        done(ticket);
      };
      this.#making.add(ticket);
      this.#tell(ticket, batch).then(made, failed);
    });
  }

  async #tell(ticket: number, { notice, quiet }: Batch): Promise<void> {
    const mail = await this.#readBack.read(ticket);
    await this.#failed(mail, notice?.reply ?? mail.lastReply, quiet);
  }

  /** The spool has the mail's bytes no more, or only in its own quarantine: nobody can be told, but it is ended as asked. */
  #drop(ticket: number, error: unknown): void {
    if (this.#stock.entries.list(ticket) !== LIST.ending) return;
    this.#stock.forget(ticket);
    this.#stock.spool.gone(ticket);
    this.#readBack.report(ticket, error);
  }

  #putOff(batch: Batch): void {
    this.#stock.clock.after(AGAIN_MS, () => this.#enqueue(batch));
  }
}
