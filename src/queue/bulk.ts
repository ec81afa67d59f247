/** What operators do to all mail that a filter selects, sender and header included. With `rehearse` nothing changes. */
import type { Copy } from '../module/copy.js';
import type { Place, PlaceParts } from '../module/place.js';
import type { Custody } from './custody.js';
import type { Endings, EndNotice } from './endings.js';
import { LIST, type List } from './entries.js';
import type { QueueOperations } from './operations.js';
import { problems } from './problems.js';
import { type Filter, namesPlacesOnly, type Selection, type Touched } from './selection.js';
import type { Stock } from './stock.js';

const DUE: readonly List[] = [LIST.urgent, LIST.active, LIST.patient];
const WAITING: readonly List[] = [...DUE, LIST.delayed];
const MOVABLE: readonly List[] = [...WAITING, LIST.held];
const FAILABLE: readonly List[] = [...MOVABLE, LIST.taken];

/** Mails that are bound anew at the same time. */
const AT_ONCE = 32;

export class BulkOperations {
  readonly #stock: Stock;
  readonly #endings: Endings;
  readonly #selection: Selection;
  readonly #operations: QueueOperations;
  readonly #custody: Custody;

  constructor(stock: Stock, endings: Endings, selection: Selection, operations: QueueOperations, custody: Custody) {
    this.#stock = stock;
    this.#endings = endings;
    this.#selection = selection;
    this.#operations = operations;
    this.#custody = custody;
  }

  /** What an operation would concern. */
  rehearse(filter: Filter, what: 'fail' | 'flush' | 'delay' | 'move' | 'hold', signal: AbortSignal): Promise<Touched> {
    const lists = { fail: FAILABLE, flush: [LIST.delayed], delay: DUE, move: MOVABLE, hold: WAITING } as const;
    return this.#selection.each(filter, lists[what], () => {}, signal);
  }

  /** Ends mail; resolves when no crash can bring it back. */
  async fail(filter: Filter, notice: EndNotice, signal: AbortSignal): Promise<Touched> {
    const pending: Promise<void>[] = [];
    const all = namesPlacesOnly(filter) ? filter : undefined;
    try {
      const act = (tickets: readonly number[]): void => void pending.push(this.#endings.condemn(tickets, notice, all));
      return await this.#selection.each(filter, FAILABLE, act, signal);
    } finally {
      await Promise.all(pending);
    }
  }

  /** Ends mail, that of whole places with one record for each; answers how many. */
  async purge(filter: Filter, notice: EndNotice, signal: AbortSignal): Promise<number> {
    if (namesPlacesOnly(filter)) return this.#operations.fail(filter, notice);
    return (await this.fail(filter, notice, signal)).messages;
  }

  /** Makes delayed mail due; retry counts stay. */
  flush(filter: Filter, signal: AbortSignal): Promise<Touched> {
    return this.#selection.each(filter, [LIST.delayed], (tickets) => this.#operations.hasten(tickets), signal);
  }

  /** Puts due mail off. */
  delay(filter: Filter, seconds: number, reply: string, signal: AbortSignal): Promise<Touched> {
    const until = this.#stock.anchor.mono() + seconds * 1000;
    return this.#selection.each(filter, DUE, (tickets) => this.#operations.putOff(tickets, until, reply), signal);
  }

  /** Moves mail to another binding or domain; what is in flight stays. */
  move(filter: Filter, to: PlaceParts, signal: AbortSignal): Promise<Touched> {
    if (to.group === undefined && to.binding === undefined && to.domain === undefined) throw problems.SAME_PLACE();
    return this.#selection.each(filter, MOVABLE, (tickets) => this.#operations.moveAll(tickets, to), signal);
  }

  /** Sets waiting mail aside until it is released. */
  hold(filter: Filter, signal: AbortSignal): Promise<Touched> {
    return this.#selection.each(
      filter,
      WAITING,
      (tickets) => {
        for (const ticket of tickets) this.#custody.setAside(ticket);
      },
      signal,
    );
  }

  /**
   * Chooses the place of waiting mail anew; answers how many moved. `choose` is asked with the mail read from its record; mail that
   * was taken, moved or ended while it was asked stays.
   */
  async rebind(filter: Filter, choose: (mail: Copy) => Place | Promise<Place>, signal: AbortSignal): Promise<number> {
    const { entries, spool } = this.#stock;
    const chosen: number[] = [];
    await this.#selection.each(filter, MOVABLE, (tickets) => void chosen.push(...tickets), signal);
    const ids = chosen.map((ticket) => spool.id(ticket));
    let moved = 0;
    for (let next = 0; next < chosen.length; next += AT_ONCE) {
      signal.throwIfAborted();
      const handful = chosen.slice(next, next + AT_ONCE);
      await Promise.all(
        handful.map(async (ticket, i) => {
          const id = ids[next + i];
          const isStill = (): boolean => MOVABLE.includes(entries.list(ticket)) && spool.id(ticket) === id;
          if (!isStill()) return;
          const mail = await this.#selection.read(ticket);
          if (!mail) return;
          const place = await choose(mail);
          if (!isStill() || this.#stock.placeOf(ticket) === place) return;
          this.#operations.moveAll([ticket], place);
          moved++;
        }),
      );
    }
    return moved;
  }
}
