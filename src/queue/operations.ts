/** What operators and modules do to the queue as a whole. Each answers how many mails it concerned. */
import { type Copy, NO_TICKET } from '../module/copy.js';
import type { Place, PlaceParts } from '../module/place.js';
import type { Custody } from './custody.js';
import type { Endings, EndNotice } from './endings.js';
import { LIST, type List } from './entries.js';
import { type Hold, matches } from './holds.js';
import { Journal } from './journal.js';
import { problems } from './problems.js';
import type { ReadBack } from './read-back.js';
import type { Stock } from './stock.js';

/** Default note of `fail domain`. */
export const PURGED = '554 Message manually purged.';
/** Reply of `message fail`. */
export const MANUALLY_FAILED = '554 manually failed';

const DUE: readonly List[] = [LIST.urgent, LIST.active, LIST.patient];
const WAITING: readonly List[] = [LIST.urgent, LIST.active, LIST.patient, LIST.delayed];
/** Everything that can be failed: mail in flight ends when it comes back. */
const FAILABLE: readonly List[] = [...WAITING, LIST.held, LIST.taken];

export class QueueOperations {
  readonly #stock: Stock;
  readonly #endings: Endings;
  readonly #readBack: ReadBack;
  readonly #journal: Journal;
  readonly #random: () => number;
  readonly #insert: (mail: Copy) => void;
  readonly #custody: Custody;

  constructor(stock: Stock, endings: Endings, readBack: ReadBack, custody: Custody, random: () => number, insert: (mail: Copy) => void) {
    this.#stock = stock;
    this.#custody = custody;
    this.#endings = endings;
    this.#readBack = readBack;
    this.#journal = new Journal(stock);
    this.#random = random;
    this.#insert = insert;
  }

  /**
   * Makes delayed mail due now, spread over delayed_binding_domain_fuzz seconds. Retry counts stay. Nothing is recorded: after a
   * crash the mail waits for its old time again.
   */
  flush(where: PlaceParts): number {
    let count = 0;
    for (const place of this.#placesOf(where)) {
      const tickets = this.#tickets(place, [LIST.delayed]);
      this.hasten(tickets);
      count += tickets.length;
    }
    return count;
  }

  /** The same for some delayed mails. */
  hasten(tickets: readonly number[]): void {
    const now = this.#stock.anchor.mono();
    for (const ticket of tickets) {
      const due = now + this.#fuzz(this.#stock.placeOf(ticket));
      if (due > now) this.#stock.delay(ticket, due);
      else this.#stock.makeDue(ticket, now);
    }
  }

  /** Makes one mail due now. Its retry count stays. */
  retry(id: string): void {
    const ticket = this.#locate(id);
    const list = this.#stock.entries.list(ticket);
    if (list === LIST.taken || list === LIST.ending) throw problems.IN_FLIGHT(id);
    if (list === LIST.held) throw problems.HELD(id);
    if (list === LIST.delayed) this.#stock.makeDue(ticket, this.#stock.anchor.mono());
  }

  /** Puts due mail off for some seconds, with the reply that says why. */
  delay(where: PlaceParts, seconds: number, reply: string): number {
    const until = this.#stock.anchor.wallOf(this.#stock.anchor.mono()) + seconds * 1000;
    let count = 0;
    for (const place of this.#placesOf(where)) count += this.delayPlace(place, until, reply);
    return count;
  }

  /** Puts the due mail of a place off until a wall time, spread over delayed_binding_domain_fuzz seconds. */
  delayPlace(place: Place, untilMs: number, reply: string): number {
    const { anchor } = this.#stock;
    const tickets = this.#tickets(place, DUE);
    this.putOff(tickets, Math.max(anchor.mono(), anchor.monoOf(untilMs)), reply);
    return tickets.length;
  }

  /** Puts some due mails off until a monotonic time. */
  putOff(tickets: readonly number[], until: number, reply: string): void {
    const { anchor, residents } = this.#stock;
    for (const ticket of tickets) {
      const mail = residents.at(ticket);
      const due = until + this.#fuzz(this.#stock.placeOf(ticket));
      if (mail) {
        mail.lastReply = reply;
        mail.nextAttempt = anchor.wallOf(due);
      }
      this.#stock.delay(ticket, due);
    }
    this.#journal.write(tickets, reply);
  }

  /**
   * Fails all matching mail. It leaves delivery at once; the promise resolves when no crash can bring it back, notices and log
   * lines follow a few at a time (see endings.ts).
   */
  async fail(where: PlaceParts, notice: EndNotice = { reply: PURGED, quiet: false }): Promise<number> {
    const tickets: number[] = [];
    for (const place of this.#placesOf(where))
      for (const list of FAILABLE) for (const ticket of this.#stock.entries.walk(place.index, list)) tickets.push(ticket);
    await this.#endings.condemn(tickets, notice, where);
    return tickets.length;
  }

  /** Fails one mail. */
  async failOne(id: string, notice: EndNotice = { reply: MANUALLY_FAILED, quiet: false }): Promise<void> {
    const ticket = this.#locate(id);
    if (this.#stock.entries.list(ticket) !== LIST.ending) await this.#endings.condemn([ticket], notice);
  }

  /** Sets one waiting mail aside until it is released; a restart keeps it so. */
  hold(id: string): void {
    const ticket = this.#locate(id);
    const list = this.#stock.entries.list(ticket);
    if (list === LIST.taken || list === LIST.ending) throw problems.IN_FLIGHT(id);
    if (list !== LIST.held) this.#custody.setAside(ticket);
  }

  /** Stops matching places at run time; mail is still accepted for them. Without `seconds` until it is lifted. */
  stop(where: PlaceParts, why: string, seconds?: number): void {
    const { anchor, holds } = this.#stock;
    const until = seconds === undefined ? undefined : anchor.mono() + seconds * 1000;
    holds.set({ where: { ...where }, why, until });
    this.#watchHolds();
  }

  /** Lifts the stop that has exactly these parts; false when there is none. */
  lift(where: PlaceParts): boolean {
    const lifted = this.#stock.holds.lift(where);
    if (lifted) for (const place of this.#placesOf(where)) if (this.#stock.entries.countDue(place.index) > 0) this.#stock.wake(place);
    return lifted;
  }

  /** Stops in force. Ends are wall milliseconds. */
  stops(): readonly { readonly where: PlaceParts; readonly why: string; readonly untilMs: number | undefined }[] {
    const { anchor, holds } = this.#stock;
    const show = ({ where, why, until }: Hold) => ({ where, why, untilMs: until === undefined ? undefined : anchor.wallOf(until) });
    return holds.list(anchor.mono()).map(show);
  }

  /** Moves waiting mail to another binding or domain; mail in flight stays. Parts that are not given stay as they are. */
  move(where: PlaceParts, to: PlaceParts): number {
    if (to.group === undefined && to.binding === undefined && to.domain === undefined) throw problems.SAME_PLACE();
    let count = 0;
    for (const from of this.#placesOf(where)) count += this.moveAll(this.#tickets(from, [...WAITING, LIST.held]), to);
    return count;
  }

  /** Moves some mails that nobody has taken; answers how many were elsewhere before. */
  moveAll(tickets: readonly number[], to: PlaceParts): number {
    const { places, spool } = this.#stock;
    let count = 0;
    for (const ticket of tickets) {
      const from = this.#stock.placeOf(ticket);
      const target = places.of(to.group ?? from.group, to.binding ?? from.binding, to.domain ?? from.domain);
      if (target === from) continue;
      spool.move(ticket, target);
      this.#stock.rehome(ticket, target);
      count++;
    }
    return count;
  }

  /**
   * Lets a mail go that a policy set aside. The record says that it is set aside, so the mail is written anew without that and the
   * old record ended, both in one group.
   */
  async release(id: string): Promise<void> {
    const { entries, residents, spool } = this.#stock;
    const ticket = this.#locate(id);
    if (entries.list(ticket) !== LIST.held) throw problems.NOT_HELD(id);
    // While the record is replaced nobody else may touch the mail.
    this.#stock.take(ticket);
    try {
      const mail = await this.#readBack.read(ticket);
      if (this.#custody.claims(mail)) throw problems.SENDER_HELD(id);
      mail.quarantined = undefined;
      mail.ticket = NO_TICKET;
      mail.nextAttempt = 0;
      await spool.replace([ticket], [mail]);
      if (entries.list(ticket) === LIST.taken && !residents.at(ticket)) this.#stock.forget(ticket);
      this.#insert(mail);
    } catch (error) {
      if (entries.list(ticket) === LIST.taken) this.#stock.hold(ticket);
      throw error;
    }
  }

  #locate(id: string): number {
    const ticket = this.#stock.spool.find(id);
    if (ticket === undefined || this.#stock.entries.list(ticket) === LIST.none) throw problems.NOT_FOUND(id);
    return ticket;
  }

  #placesOf(where: PlaceParts): Place[] {
    const found: Place[] = [];
    for (const place of this.#stock.places) if (matches(where, place)) found.push(place);
    return found;
  }

  #tickets(place: Place, lists: readonly List[]): number[] {
    const tickets: number[] = [];
    for (const list of lists) for (const ticket of this.#stock.entries.walk(place.index, list)) tickets.push(ticket);
    return tickets;
  }

  /** Milliseconds that one mail of a bulk requeue waits longer than the others. */
  #fuzz(place: Place): number {
    const seconds = this.#stock.settings(place).values.delayed_binding_domain_fuzz;
    return seconds > 0 ? Math.floor(this.#random() * seconds * 1000) : 0;
  }

  /** Wakes the places again when the next stop ends. */
  #watchHolds(): void {
    const { anchor, holds, clock } = this.#stock;
    const next = holds.expire(anchor.mono());
    this.#holdTimer?.cancel();
    this.#holdTimer =
      next === undefined
        ? undefined
        : clock.after(Math.max(0, Math.ceil(next - anchor.mono())), () => {
            this.#stock.wakeAll();
            this.#watchHolds();
          });
  }

  #holdTimer: { cancel(): void } | undefined;
}
