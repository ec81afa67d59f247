/**
 * All mails of the queue as a struct of arrays: 31 bytes a mail, indexed by the spool's ticket, and lists of them by place.
 * Every entry is on exactly one list; LIST tells what waiting there means.
 */
import { Levels, NOBODY } from './levels.js';

export { NOBODY };

/** What an entry waits for; each place has one list of each. */
export const LIST = {
  /** On no list: the ticket is free. */
  none: 0,
  /** Due, priority 0, by next attempt. */
  active: 1,
  /** Due, a priority above 0: goes first, by priority and next attempt. */
  urgent: 2,
  /** Next attempt lies ahead; in no order. */
  delayed: 3,
  /** With delivery, or being read back for it. */
  taken: 4,
  /** Set aside by a policy until an operator releases it. */
  held: 5,
  /** Ended by an operator or by age; its notice is still to be made. */
  ending: 6,
  /** Due, a priority below 0: goes last, by priority and next attempt. */
  patient: 7,
} as const;

export type List = (typeof LIST)[keyof typeof LIST];

/** As many as LIST_MASK can tell apart: the number of a list of a place ends in the kind of the list. */
const LISTS = 8;
const LIST_MASK = 0x07;
/** It has a priority other than 0. */
const LEVELED = 0x08;
const CONDEMNED = 0x10;

const FIRST_CAPACITY = 1024;
/** Growth by half keeps what a full table wastes below a third. */
const GROWTH = 1.5;

export class Entries {
  /** How long the tables beside ours are. */
  readonly #room: () => number;
  #capacity = 0;
  #place = new Uint32Array(0);
  #received = new Float64Array(0);
  #due = new Float64Array(0);
  #attempts = new Uint16Array(0);
  #state = new Uint8Array(0);
  #next = new Uint32Array(0);
  #prev = new Uint32Array(0);

  #places = 0;
  #heads = new Uint32Array(0);
  #tails = new Uint32Array(0);
  #counts = new Uint32Array(0);
  readonly #totals = new Array<number>(LISTS).fill(0);
  readonly #levels = new Levels();

  constructor(room: () => number = () => 0) {
    this.#room = room;
  }

  /** Mails on any list. */
  get size(): number {
    return this.#totals.reduce((sum, n) => sum + n, 0);
  }

  /** Bytes that the tables take. */
  get bytes(): number {
    return this.#capacity * 31 + this.#places * LISTS * 12 + this.#levels.bytes;
  }

  /** Tickets are below this number. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Makes an entry on a list that is not ordered by due time, or at the end of its level on one that is. `level`: its priority, -9 to 9. */
  add(ticket: number, place: number, list: List, due: number, received: number, attempts: number, level: number): void {
    if (ticket >= this.#capacity) this.#growEntries(ticket);
    if (place >= this.#places) this.#growPlaces(place);
    this.#place[ticket] = place;
    this.#due[ticket] = due;
    this.#received[ticket] = received;
    this.#attempts[ticket] = attempts;
    this.#state[ticket] = list | (level === 0 ? 0 : LEVELED);
    const key = place * LISTS + list;
    if (level === 0) {
      this.#link(ticket, key, NOBODY);
      return;
    }
    this.#levels.set(ticket, level, this.#capacity);
    this.#link(ticket, key, list === LIST.urgent || list === LIST.patient ? this.#behindLevel(key, level) : NOBODY);
  }

  remove(ticket: number): void {
    this.#unlink(ticket);
    this.#state[ticket] = LIST.none;
  }

  /** Moves an entry to the end of a list of its place. */
  append(ticket: number, list: List): void {
    this.#shift(ticket, list, NOBODY);
  }

  /**
   * Moves an entry to its place's due mail, by next attempt, behind those that are equal. `hint` is an entry near its position;
   * whoever moves many in order of place and next attempt gives the one before, and no list is walked twice.
   */
  activate(ticket: number, hint = NOBODY): void {
    const level = this.level(ticket);
    const list = dueListOf(level);
    const key = this.place(ticket) * LISTS + list;
    const due = this.due(ticket);
    let head = this.#heads[key] as number;
    let tail = this.#tails[key] as number;
    let before = NOBODY;
    if (level !== 0) {
      tail = this.#levels.end(key, level);
      head = tail === NOBODY ? NOBODY : this.#headOfLevel(key, level);
      before = this.#behindLevel(key, level);
    }
    if (head !== NOBODY && this.due(tail) > due) {
      if (this.due(head) > due) before = head;
      else if (hint !== NOBODY && this.#isPeer(hint, ticket, list) && this.due(hint) <= due) {
        for (before = this.next(hint); this.due(before) <= due; ) before = this.next(before);
      } else for (let t = tail; this.due(t) > due; t = this.#prev[t] as number) before = t;
    }
    this.#shift(ticket, list, before);
  }

  /** Moves an entry back to the front of its place's due mail, before those that are equal. */
  restore(ticket: number): void {
    const level = this.level(ticket);
    const list = dueListOf(level);
    const due = this.due(ticket);
    const key = this.place(ticket) * LISTS + list;
    const behind = level === 0 ? NOBODY : this.#behindLevel(key, level);
    let before = level === 0 ? (this.#heads[key] as number) : this.#headOfLevel(key, level);
    while (before !== behind && this.due(before) < due) before = this.#next[before] as number;
    this.#shift(ticket, list, before);
  }

  /** Moves an entry to another place, to the end of the given list there. */
  rehome(ticket: number, place: number, list: List): void {
    if (place >= this.#places) this.#growPlaces(place);
    this.#unlink(ticket);
    this.#place[ticket] = place;
    this.#state[ticket] = ((this.#state[ticket] as number) & ~LIST_MASK) | list;
    this.#link(ticket, place * LISTS + list, NOBODY);
  }

  list(ticket: number): List {
    return ticket < this.#capacity ? (((this.#state[ticket] as number) & LIST_MASK) as List) : LIST.none;
  }

  /** Priority (RFC 6710), -9 to 9. */
  level(ticket: number): number {
    return ((this.#state[ticket] as number) & LEVELED) === 0 ? 0 : this.#levels.of(ticket);
  }

  /** It was ended by an operator while delivery had it. */
  condemned(ticket: number): boolean {
    return ((this.#state[ticket] as number) & CONDEMNED) !== 0;
  }

  condemn(ticket: number): void {
    this.#state[ticket] = (this.#state[ticket] as number) | CONDEMNED;
  }

  place(ticket: number): number {
    return this.#place[ticket] as number;
  }

  /** Monotonic milliseconds of the next attempt. */
  due(ticket: number): number {
    return this.#due[ticket] as number;
  }

  setDue(ticket: number, due: number): void {
    this.#due[ticket] = due;
  }

  /** Monotonic milliseconds of the reception; negative when that was before our start. */
  received(ticket: number): number {
    return this.#received[ticket] as number;
  }

  /** The earliest reception of all mails on lists, monotonic milliseconds; infinity when there is none. */
  oldest(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (let ticket = 0; ticket < this.#capacity; ticket++) {
      if ((this.#received[ticket] as number) < oldest && this.list(ticket) !== LIST.none) oldest = this.received(ticket);
    }
    return oldest;
  }

  attempts(ticket: number): number {
    return this.#attempts[ticket] as number;
  }

  setAttempts(ticket: number, attempts: number): void {
    this.#attempts[ticket] = Math.min(attempts, 0xffff);
  }

  /** Entries of one list of a place. */
  count(place: number, list: List): number {
    return place < this.#places ? (this.#counts[place * LISTS + list] as number) : 0;
  }

  /** Entries of one kind of list over all places. */
  total(list: List): number {
    return this.#totals[list] as number;
  }

  /** Mails of a place that wait for delivery now. */
  countDue(place: number): number {
    return this.count(place, LIST.active) + this.count(place, LIST.urgent) + this.count(place, LIST.patient);
  }

  /** The list from which the place's mail goes out next; its first mail is the next one, if there is any. */
  firstList(place: number): List {
    if (this.count(place, LIST.urgent) > 0) return LIST.urgent;
    return this.count(place, LIST.active) > 0 ? LIST.active : LIST.patient;
  }

  /** Mails of a place on any list. */
  countAll(place: number): number {
    let sum = 0;
    for (let list = 1; list < LISTS; list++) sum += this.count(place, list as List);
    return sum;
  }

  head(place: number, list: List): number {
    return place < this.#places ? (this.#heads[place * LISTS + list] as number) : NOBODY;
  }

  next(ticket: number): number {
    return this.#next[ticket] as number;
  }

  /** Tickets of one list in its order. The list may lose the ticket that was given last, nothing else, while it is walked. */
  *walk(place: number, list: List): Generator<number> {
    let ticket = this.head(place, list);
    while (ticket !== NOBODY) {
      const next = this.next(ticket);
      yield ticket;
      ticket = next;
    }
  }

  /** Another entry that stands on this list of the same place, with the same priority. */
  #isPeer(other: number, ticket: number, list: List): boolean {
    return this.list(other) === list && this.place(other) === this.place(ticket) && this.level(other) === this.level(ticket);
  }

  /** First entry of a level of a list, or what stands where it would be. */
  #headOfLevel(key: number, level: number): number {
    const end = this.#levels.endBefore(key, level);
    return end === NOBODY ? (this.#heads[key] as number) : (this.#next[end] as number);
  }

  /** What stands behind the last entry of a level of a list, or where that would be. */
  #behindLevel(key: number, level: number): number {
    const end = this.#levels.end(key, level);
    return end === NOBODY ? this.#headOfLevel(key, level) : (this.#next[end] as number);
  }

  #shift(ticket: number, list: List, before: number): void {
    this.#unlink(ticket);
    this.#state[ticket] = ((this.#state[ticket] as number) & ~LIST_MASK) | list;
    this.#link(ticket, (this.#place[ticket] as number) * LISTS + list, before);
  }

  /** Links in front of `before`, or at the end. */
  #link(ticket: number, key: number, before: number): void {
    const after = before === NOBODY ? (this.#tails[key] as number) : (this.#prev[before] as number);
    this.#next[ticket] = before;
    this.#prev[ticket] = after;
    if (after === NOBODY) this.#heads[key] = ticket;
    else this.#next[after] = ticket;
    if (before === NOBODY) this.#tails[key] = ticket;
    else this.#prev[before] = ticket;
    this.#counts[key] = (this.#counts[key] as number) + 1;
    const list = key & LIST_MASK;
    this.#totals[list] = (this.#totals[list] as number) + 1;
    if (list === LIST.urgent || list === LIST.patient) this.#levels.link(key, ticket, before);
  }

  #unlink(ticket: number): void {
    const key = (this.#place[ticket] as number) * LISTS + this.list(ticket);
    const next = this.#next[ticket] as number;
    const prev = this.#prev[ticket] as number;
    if (prev === NOBODY) this.#heads[key] = next;
    else this.#next[prev] = next;
    if (next === NOBODY) this.#tails[key] = prev;
    else this.#prev[next] = prev;
    this.#counts[key] = (this.#counts[key] as number) - 1;
    const list = key & LIST_MASK;
    this.#totals[list] = (this.#totals[list] as number) - 1;
    if (list === LIST.urgent || list === LIST.patient) this.#levels.unlink(key, ticket, prev, next);
  }

  #growEntries(ticket: number): void {
    const room = this.#room();
    const grown = Math.max(FIRST_CAPACITY, Math.ceil(this.#capacity * GROWTH));
    const capacity = room > ticket ? room : Math.max(grown, ticket + 1);
    this.#place = enlarge(Uint32Array, this.#place, capacity);
    this.#received = enlarge(Float64Array, this.#received, capacity);
    this.#due = enlarge(Float64Array, this.#due, capacity);
    this.#attempts = enlarge(Uint16Array, this.#attempts, capacity);
    this.#state = enlarge(Uint8Array, this.#state, capacity);
    this.#next = enlarge(Uint32Array, this.#next, capacity);
    this.#prev = enlarge(Uint32Array, this.#prev, capacity);
    this.#capacity = capacity;
  }

  #growPlaces(place: number): void {
    const places = Math.max(64, Math.ceil(this.#places * GROWTH), place + 1);
    const from = this.#places * LISTS;
    this.#heads = enlarge(Uint32Array, this.#heads, places * LISTS).fill(NOBODY, from);
    this.#tails = enlarge(Uint32Array, this.#tails, places * LISTS).fill(NOBODY, from);
    this.#counts = enlarge(Uint32Array, this.#counts, places * LISTS);
    this.#places = places;
  }
}

/** Where due mail of a priority stands. */
export const dueListOf = (level: number): List => (level === 0 ? LIST.active : level > 0 ? LIST.urgent : LIST.patient);

/** A longer array with the same beginning. */
export function enlarge<T extends { set(from: T): void }>(type: new (length: number) => T, old: T, length: number): T {
  const grown = new type(length);
  grown.set(old);
  return grown;
}
