/**
 * Many deadlines without a timer each: a hashed wheel over integer tickets, 12 bytes a ticket, everything O(1).
 * A slot may hold tickets of later rounds; their due ticks tell them apart.
 */

const NONE = 0xffffffff;
/** In `prev`: this ticket is the first of the list whose number follows. */
const HEAD = 0x80000000;

export interface WheelRules {
  /** Length of a tick in milliseconds; a ticket comes due at the end of its tick, never early. */
  readonly tickMs?: number;
  /** Power of two. */
  readonly slots?: number;
  /** Where time begins: what the monotonic clock says now. */
  readonly nowMs?: number;
}

/** Tickets are numbers from 0 to 2^31 - 1, chosen by the owner and dense: arrays are indexed by them. */
export class TimerWheel {
  readonly tickMs: number;
  readonly #mask: number;
  /** First and last ticket of each slot; the last list holds what is due while `advance` runs. */
  readonly #first: Uint32Array;
  readonly #last: Uint32Array;
  readonly #dueList: number;
  #next = new Uint32Array(0);
  #prev = new Uint32Array(0);
  #due = new Uint32Array(0);
  #count = 0;
  /** Every tick up to this one has been visited. */
  #cursor: number;

  constructor({ tickMs = 100, slots = 4096, nowMs = 0 }: WheelRules = {}) {
    if (slots < 2 || (slots & (slots - 1)) !== 0) throw new RangeError('slots must be a power of two');
    this.tickMs = tickMs;
    this.#mask = slots - 1;
    this.#dueList = slots;
    this.#first = new Uint32Array(slots + 1).fill(NONE);
    this.#last = new Uint32Array(slots + 1).fill(NONE);
    this.#cursor = Math.floor(nowMs / tickMs);
  }

  /** Tickets that wait. */
  get size(): number {
    return this.#count;
  }

  has(ticket: number): boolean {
    return ticket < this.#prev.length && this.#prev[ticket] !== NONE;
  }

  /** Puts a ticket in, or moves it when it is in already. What is past comes due at the next `advance` that moves on a tick. */
  insert(ticket: number, dueMs: number): void {
    if (ticket >= this.#prev.length) this.#enlarge(ticket + 1);
    else if (this.#prev[ticket] !== NONE) this.#unlink(ticket, this.#listOf(ticket));
    const tick = Math.min(NONE, Math.max(this.#cursor + 1, Math.ceil(dueMs / this.tickMs)));
    this.#due[ticket] = tick;
    this.#link(ticket, tick & this.#mask);
  }

  /** Takes a ticket out; false when it was not in. */
  cancel(ticket: number): boolean {
    if (!this.has(ticket)) return false;
    this.#unlink(ticket, this.#listOf(ticket));
    return true;
  }

  /**
   * Moves time on and calls `onDue` for every ticket that came due, in the order of their ticks (of their slots after a jump
   * of more than a round) and of insertion. `onDue` may insert and cancel.
   */
  advance(nowMs: number, onDue: (ticket: number) => void): void {
    const target = Math.floor(nowMs / this.tickMs);
    if (target <= this.#cursor) return;
    const visits = Math.min(target - this.#cursor, this.#mask + 1);
    const start = this.#cursor + 1;
    // What onDue inserts belongs behind the target, so that it is not met again in this very call.
    this.#cursor = target;
    for (let i = 0; i < visits && this.#count > 0; i++) {
      this.#collect((start + i) & this.#mask, target);
      let ticket = this.#first[this.#dueList] ?? NONE;
      while (ticket !== NONE) {
        this.#unlink(ticket, this.#dueList);
        onDue(ticket);
        ticket = this.#first[this.#dueList] ?? NONE;
      }
    }
  }

  /** When `advance` is worth calling next, in monotonic milliseconds: the next slot with anything in it. Undefined when all is empty. */
  nextMs(): number | undefined {
    if (this.#count === 0) return undefined;
    for (let i = 1; i <= this.#mask + 1; i++) {
      if (this.#first[(this.#cursor + i) & this.#mask] !== NONE) return (this.#cursor + i) * this.tickMs;
    }
    return undefined;
  }

  #collect(slot: number, target: number): void {
    let ticket = this.#first[slot] ?? NONE;
    while (ticket !== NONE) {
      const next = this.#next[ticket] ?? NONE;
      if ((this.#due[ticket] ?? 0) <= target) {
        this.#unlink(ticket, slot);
        // The due list is found by a due tick of 0, which no waiting ticket has.
        this.#due[ticket] = 0;
        this.#link(ticket, this.#dueList);
      }
      ticket = next;
    }
  }

  #listOf(ticket: number): number {
    const due = this.#due[ticket] ?? 0;
    return due === 0 ? this.#dueList : due & this.#mask;
  }

  #link(ticket: number, list: number): void {
    const last = this.#last[list] ?? NONE;
    this.#next[ticket] = NONE;
    if (last === NONE) {
      this.#first[list] = ticket;
      this.#prev[ticket] = HEAD;
    } else {
      this.#next[last] = ticket;
      this.#prev[ticket] = last;
    }
    this.#last[list] = ticket;
    this.#count++;
  }

  #unlink(ticket: number, list: number): void {
    const next = this.#next[ticket] ?? NONE;
    const prev = this.#prev[ticket] ?? NONE;
    if (prev === HEAD) this.#first[list] = next;
    else this.#next[prev] = next;
    if (next === NONE) this.#last[list] = prev === HEAD ? NONE : prev;
    else this.#prev[next] = prev;
    this.#prev[ticket] = NONE;
    this.#count--;
  }

  #enlarge(least: number): void {
    const size = Math.max(1024, least, this.#prev.length * 2);
    this.#next = copyInto(new Uint32Array(size), this.#next);
    this.#due = copyInto(new Uint32Array(size), this.#due);
    const known = this.#prev.length;
    this.#prev = copyInto(new Uint32Array(size), this.#prev);
    this.#prev.fill(NONE, known);
  }
}

const copyInto = (wide: Uint32Array<ArrayBuffer>, narrow: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> => {
  wide.set(narrow);
  return wide;
};
