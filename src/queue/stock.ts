/**
 * What the queue holds, and the only ways it may change: lists, wheel, memory and wake-ups always move together here.
 * An entry is in the schedule exactly when it is on its place's delayed list.
 */
import type { Clock } from '../kernel/clock.js';
import type { Copy } from '../module/copy.js';
import type { Carrier } from '../module/flow.js';
import type { Place, PlaceParts, PlaceTable } from '../module/place.js';
import type { Spool } from '../module/spool.js';
import { Anchor } from './anchor.js';
import { dueListOf, Entries, LIST, NOBODY } from './entries.js';
import { isHeldUp } from './explain.js';
import { Holds } from './holds.js';
import { Residents } from './residents.js';
import { Schedule } from './schedule.js';
import { type Origin, type QueueSnapshot, type Settings, SettingsBook } from './settings.js';
import { Vacancies } from './vacancies.js';

export interface StockPorts {
  readonly clock: Clock;
  readonly spool: Spool;
  readonly places: PlaceTable;
  /** The configuration in force. */
  snapshot(): QueueSnapshot;
  /** Runs a task at the end of this loop turn; setImmediate when not given. */
  turn?(task: () => void): void;
  /** Queues that share what max_resident_messages allows; one when not given. */
  readonly workers?: number;
}

export class Stock {
  readonly clock: Clock;
  readonly spool: Spool;
  readonly places: PlaceTable;
  readonly anchor: Anchor;
  readonly entries = new Entries(() => this.spool.capacity ?? 0);
  readonly residents = new Residents();
  readonly schedule: Schedule;
  readonly holds = new Holds();
  readonly #snapshot: () => QueueSnapshot;
  readonly #settings: SettingsBook;
  readonly #vacancies: Vacancies;
  readonly #turn: (task: () => void) => void;
  readonly #workers: number;
  #woken = new Set<Place>();
  #turnAsked = false;
  #carrier: Carrier | undefined;
  #wakes = 0;
  /** By priority, from -9: the mail of this priority that came due before. */
  readonly #hints = new Uint32Array(19);

  constructor(ports: StockPorts) {
    this.clock = ports.clock;
    this.spool = ports.spool;
    this.places = ports.places;
    this.#workers = ports.workers ?? 1;
    this.anchor = new Anchor(ports.clock);
    this.schedule = new Schedule(
      ports.clock,
      (ticket) => this.entries.due(ticket),
      (tickets) => this.#becomeDue(tickets),
      () => this.spool.capacity ?? 0,
    );
    this.#snapshot = () => ports.snapshot();
    this.#settings = new SettingsBook(this.#snapshot);
    this.#turn = ports.turn ?? ((task) => void setImmediate(task));
    this.#vacancies = new Vacancies(
      ports.places,
      (place) => this.entries.countAll(place.index) > 0 || (this.#carrier?.connections(place) ?? 0) > 0,
      this.#turn,
    );
  }

  connect(carrier: Carrier): void {
    this.#carrier = carrier;
    this.wakeAll();
  }

  get carrier(): Carrier | undefined {
    return this.#carrier;
  }

  /** Calls of Carrier.wake so far. */
  get wakes(): number {
    return this.#wakes;
  }

  settings(place: Place): Settings {
    return this.#settings.of(place);
  }

  /** Where the value of an option is written; undefined when the configuration cannot tell. */
  find(option: string, where: PlaceParts | (PlaceParts & { readonly host: string })): Origin | undefined {
    return this.#snapshot().find?.(option, where);
  }

  /**
   * The object that stands for a place now. Whoever held one while it was let go (a message that was still being received) is given
   * the new one; its old number may be another place's.
   */
  settle(place: Place): Place {
    this.#vacancies.check();
    return this.isCurrent(place) ? place : this.places.of(place.group, place.binding, place.domain);
  }

  /** The place was not let go since. */
  isCurrent(place: Place): boolean {
    return this.places.at(place.index) === place;
  }

  /** No mail of this place may start now. */
  isStopped(place: Place, now: number): boolean {
    const { values, unbound } = this.settings(place);
    if (this.spool.blocked === undefined && !values.suspend_delivery && unbound === undefined && this.holds.size === 0) return false;
    return isHeldUp({ blocked: this.spool.blocked, suspended: values.suspend_delivery, unbound, hold: this.holds.of(place, now) });
  }

  /** The place of an entry. */
  placeOf(ticket: number): Place {
    const place = this.places.at(this.entries.place(ticket));
    if (!place) throw new RangeError(`entry ${ticket} has lost its place`);
    return place;
  }

  /** Takes in a mail that is due now. */
  addDue(ticket: number, place: Place, due: number, received: number, attempts: number, level: number): void {
    this.entries.add(ticket, place.index, dueListOf(level), due, received, attempts, level);
    this.wake(place);
  }

  /** Takes in a mail that waits for its time. */
  addDelayed(ticket: number, place: Place, due: number, received: number, attempts: number, level: number): void {
    this.entries.add(ticket, place.index, LIST.delayed, due, received, attempts, level);
    this.schedule.add(ticket, due);
  }

  addHeld(ticket: number, place: Place, due: number, received: number, attempts: number, level: number): void {
    this.entries.add(ticket, place.index, LIST.held, due, received, attempts, level);
  }

  /** Hands an entry to delivery. */
  take(ticket: number): void {
    this.#leave(ticket);
    this.entries.append(ticket, LIST.taken);
  }

  /** Back to the front of the due mail. */
  restore(ticket: number): void {
    this.#leave(ticket);
    this.entries.restore(ticket);
    this.#trim(ticket);
    this.wake(this.placeOf(ticket));
  }

  /** Due now, behind what is due already. */
  makeDue(ticket: number, due: number): void {
    this.#leave(ticket);
    this.entries.setDue(ticket, due);
    this.entries.activate(ticket);
    this.#trim(ticket);
    this.wake(this.placeOf(ticket));
  }

  /** Waits until `due`; the body stays in memory only after the first few failures and while there is room. */
  delay(ticket: number, due: number): void {
    this.#leave(ticket);
    this.entries.setDue(ticket, due);
    this.entries.append(ticket, LIST.delayed);
    this.schedule.add(ticket, due);
    const settings = this.settings(this.placeOf(ticket));
    // What no disk has yet stays until its own number of failures.
    const most = Math.max(settings.values.drop_body_after_trans_fail, this.residents.at(ticket)?.unspooled?.attempts ?? 0);
    if (this.entries.attempts(ticket) >= most || this.#isFull(settings, 1)) this.#letGo(ticket);
  }

  hold(ticket: number): void {
    this.#leave(ticket);
    this.entries.append(ticket, LIST.held);
    this.#letGo(ticket);
  }

  /** No delivery any more: an operator or age ended it. */
  end(ticket: number): void {
    this.#leave(ticket);
    this.entries.append(ticket, LIST.ending);
  }

  /** Moves an entry, which must not be taken, to another place. */
  rehome(ticket: number, place: Place): void {
    const list = this.entries.list(ticket);
    const from = this.entries.place(ticket);
    const isDue = list === LIST.active || list === LIST.urgent || list === LIST.patient;
    this.entries.rehome(ticket, place.index, isDue ? LIST.none : list);
    const mail = this.residents.at(ticket);
    if (mail) {
      mail.place = place;
      this.keep(ticket, mail);
    }
    if (isDue) {
      this.entries.activate(ticket);
      this.wake(place);
    }
    if (this.entries.countAll(from) === 0) this.#vacancies.leave();
  }

  /** The mail is gone: nothing remembers it. */
  forget(ticket: number): void {
    const place = this.entries.place(ticket);
    this.#leave(ticket);
    this.entries.remove(ticket);
    this.residents.drop(ticket);
    if (this.entries.countAll(place) === 0) this.#vacancies.leave();
  }

  /** Keeps a mail in memory when its place and the daemon have room for it. */
  offerResidence(ticket: number, mail: Copy, place: Place): void {
    const settings = this.settings(place);
    if (this.#isAmongMany(settings, place) || this.#isFull(settings, 0)) this.spool.evict?.(ticket);
    else this.keep(ticket, mail);
  }

  /** Keeps a mail in memory whatever the limits say: it is on its way out, or was kept already. */
  keep(ticket: number, mail: Copy): void {
    this.residents.keep(ticket, mail, this.settings(mail.place).share);
  }

  /** Lets bodies of waiting mail go until at most `bytes` are in memory: delayed mail first. */
  shrink(bytes: number): void {
    for (const list of [LIST.delayed, LIST.patient, LIST.active, LIST.urgent] as const) {
      for (const place of this.places) {
        if (this.residents.bytes <= bytes) return;
        for (const ticket of this.entries.walk(place.index, list)) this.#letGo(ticket);
      }
    }
  }

  /** Runs a task at the end of this loop turn. */
  atTurnEnd(task: () => void): void {
    this.#turn(task);
  }

  /** Calls the carrier for this place at the end of the turn. */
  wake(place: Place): void {
    if (!this.#carrier) return;
    this.#woken.add(place);
    if (this.#turnAsked) return;
    this.#turnAsked = true;
    this.#turn(this.#flushWakes);
  }

  /** Wakes every place that has due mail: something that stopped all of them has ended. */
  wakeAll(): void {
    for (const place of this.places) if (this.entries.countDue(place.index) > 0) this.wake(place);
  }

  readonly #flushWakes = (): void => {
    this.#turnAsked = false;
    const woken = this.#woken;
    this.#woken = new Set();
    const now = this.anchor.mono();
    for (const place of woken) {
      if (!this.isCurrent(place) || this.entries.countDue(place.index) === 0 || this.isStopped(place, now)) continue;
      this.#wakes++;
      this.#carrier?.wake(place);
    }
  };

  #becomeDue(tickets: Uint32Array): void {
    const { entries } = this;
    tickets.sort((a, b) => entries.place(a) - entries.place(b) || entries.due(a) - entries.due(b));
    this.#hints.fill(NOBODY);
    for (const ticket of tickets) {
      const level = entries.level(ticket) + 9;
      entries.activate(ticket, this.#hints[level]);
      this.#hints[level] = ticket;
      this.#trim(ticket);
      this.wake(this.placeOf(ticket));
    }
  }

  #leave(ticket: number): void {
    if (this.entries.list(ticket) === LIST.delayed) this.schedule.remove(ticket);
  }

  /** Drops the body of a due mail when its place has more in memory than it may. */
  #trim(ticket: number): void {
    if (!this.residents.at(ticket)) return;
    const place = this.placeOf(ticket);
    if (this.#isAmongMany(this.settings(place), place)) this.#letGo(ticket);
  }

  /** The place has more due than our share of max_resident_active_queue. */
  #isAmongMany({ values }: Settings, place: Place): boolean {
    const most = values.max_resident_active_queue;
    return most >= 0 && this.entries.countDue(place.index) > this.#shareOf(most);
  }

  /** What of a limit on mail in memory is ours: one at least, 0 stays 0. */
  #shareOf(most: number): number {
    return most === 0 ? 0 : Math.max(1, Math.floor(most / this.#workers));
  }

  /** A mail leaves memory; the spool sees to it that it has it. */
  #letGo(ticket: number): void {
    this.residents.drop(ticket);
    this.spool.evict?.(ticket);
  }

  /** Our share of max_resident_messages of the scope is reached; `own` of the mails that count are asked about themselves. */
  #isFull({ values, share }: Settings, own: 0 | 1): boolean {
    const most = this.#shareOf(values.max_resident_messages);
    return most > 0 && (share?.count ?? this.residents.count) - own >= most;
  }
}
