/** Writes new attempt times of many mails into the spool a part at a time, so that one command does not fill a loop turn. */
import { LIST } from './entries.js';
import type { Stock } from './stock.js';

/** Records written in one loop turn, over everything that is pending. */
const PER_TURN = 2000;

interface Pending {
  readonly tickets: readonly number[];
  readonly reply: string;
  next: number;
}

export class Journal {
  readonly #stock: Stock;
  #pending: Pending[] = [];
  #done = 0;

  constructor(stock: Stock) {
    this.#stock = stock;
  }

  /** Records when delayed mails are due, with the reply that says why. What a crash cuts off comes due at its earlier time. */
  write(tickets: readonly number[], reply: string): void {
    if (tickets.length === 0) return;
    this.#pending.push({ tickets, reply, next: 0 });
    if (this.#pending.length === 1) this.#stock.atTurnEnd(this.#step);
  }

  readonly #step = (): void => {
    const { entries, anchor, spool } = this.#stock;
    for (let left = PER_TURN; left > 0; left--) {
      const first = this.#pending[this.#done];
      if (!first) break;
      const ticket = first.tickets[first.next++] as number;
      if (first.next === first.tickets.length) this.#done++;
      // In the meantime it may have been made due again, ended or moved on.
      if (entries.list(ticket) !== LIST.delayed) continue;
      spool.change(ticket, entries.attempts(ticket), anchor.wallOf(entries.due(ticket)), first.reply);
    }
    if (this.#done < this.#pending.length) this.#stock.atTurnEnd(this.#step);
    else {
      this.#pending = [];
      this.#done = 0;
    }
  };
}
