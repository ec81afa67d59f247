/** Mails that memory let go are read back from the spool when their turn comes, a handful of the place's next ones at once. */
import { codeOf } from '../kernel/problems.js';
import type { Copy } from '../module/copy.js';
import type { Place } from '../module/place.js';
import { problems as spoolProblems } from '../spool/problems.js';
import { LIST, type List, NOBODY } from './entries.js';
import { problems } from './problems.js';
import type { Stock } from './stock.js';

/** Mails that one take reads ahead, so that batches can form and the next takes find them in memory. */
const WINDOW = 16;
/** A disk that takes longer is treated as one that cannot read. */
const READ_LIMIT_MS = 60_000;
/** When a mail that could not be read is asked for again. */
const AGAIN_MS = 60_000;

export class ReadBack {
  readonly #stock: Stock;
  readonly #unreadable: (ticket: number, error: unknown) => void;

  constructor(stock: Stock, unreadable: (ticket: number, error: unknown) => void) {
    this.#stock = stock;
    this.#unreadable = unreadable;
  }

  /**
   * Takes and reads the first mails of a list that are not in memory; those that cannot be read are left out: delayed, or set aside when
   * their record is damaged.
   */
  async readHead(place: Place, list: List): Promise<readonly Copy[]> {
    const { entries, residents } = this.#stock;
    const tickets: number[] = [];
    for (let t = entries.head(place.index, list); t !== NOBODY && tickets.length < WINDOW && !residents.at(t); t = entries.next(t))
      tickets.push(t);
    for (const ticket of tickets) this.#stock.take(ticket);
    const mails = await Promise.all(tickets.map((ticket) => this.#readTaken(ticket)));
    return mails.filter((mail) => mail !== undefined);
  }

  /** The mail of an entry, from memory or from the spool; it does not stay in memory. Rejects when it cannot be read. */
  async read(ticket: number): Promise<Copy> {
    return this.#stock.residents.at(ticket) ?? this.#complete(ticket, await this.#readInTime(ticket));
  }

  /** Reading it again will not help: the record is gone or damaged. */
  isLost(error: unknown): boolean {
    const code = codeOf(error);
    return code === spoolProblems.GONE.kind.code || code === spoolProblems.DAMAGED.kind.code;
  }

  /** Tells the operator of a mail that could not be read. */
  report(ticket: number, error: unknown): void {
    this.#unreadable(ticket, error);
  }

  async #readTaken(ticket: number): Promise<Copy | undefined> {
    const { entries, anchor } = this.#stock;
    try {
      const mail = await this.#readInTime(ticket);
      if (entries.list(ticket) !== LIST.taken) return undefined;
      this.#stock.keep(ticket, this.#complete(ticket, mail));
      return mail;
    } catch (error) {
      this.report(ticket, error);
      if (entries.list(ticket) !== LIST.taken) return undefined;
      if (codeOf(error) === spoolProblems.GONE.kind.code) this.#stock.forget(ticket);
      else if (this.isLost(error)) this.#stock.hold(ticket);
      else this.#stock.delay(ticket, anchor.mono() + AGAIN_MS);
      return undefined;
    }
  }

  #readInTime(ticket: number): Promise<Copy> {
    return new Promise((done, fail) => {
      const timer = this.#stock.clock.after(READ_LIMIT_MS, () => fail(problems.READ_LATE(this.#stock.spool.id(ticket))));
      this.#stock.spool
        .read(ticket)
        .then(done, fail)
        .finally(() => timer.cancel());
    });
  }

  /** What the queue knows better than the record. */
  #complete(ticket: number, mail: Copy): Copy {
    const { entries, anchor } = this.#stock;
    mail.ticket = ticket;
    mail.place = this.#stock.placeOf(ticket);
    mail.attempts = entries.attempts(ticket);
    mail.nextAttempt = anchor.wallOf(entries.due(ticket));
    return mail;
  }
}
