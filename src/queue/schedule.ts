/**
 * When delayed mail comes due: one hashed wheel for all of it, 8 bytes a mail, one timer for the next slot that holds anything.
 * A slot may hold mail of later rounds too; the due times that the entries have anyway tell them apart.
 */
import type { Clock, Timer } from '../kernel/clock.js';
import { enlarge, NOBODY } from './entries.js';

/** A mail comes due at the end of its tick: never early, at most this much late. */
const TICK_MS = 100;
/** Power of two; a round takes 13.6 minutes. */
const SLOTS = 8192;
/** Mails that come due in one turn; the rest of a tick follows in the next turns. */
const AT_ONCE = 32_768;

export class Schedule {
  readonly #clock: Clock;
  readonly #dueOf: (ticket: number) => number;
  readonly #expire: (tickets: Uint32Array) => void;
  readonly #room: () => number;
  readonly #heads = new Uint32Array(SLOTS).fill(NOBODY);
  readonly #tails = new Uint32Array(SLOTS).fill(NOBODY);
  #next = new Uint32Array(0);
  #prev = new Uint32Array(0);
  /** Slot of each ticket. */
  #slot = new Uint16Array(0);
  readonly #batch = new Uint32Array(AT_ONCE);
  #count = 0;
  /** Every tick up to this one has been visited. */
  #cursor = 0;
  #timer: Timer | undefined;
  #timerTick = Number.POSITIVE_INFINITY;

  /**
   * `expire` gets the tickets that came due, those with equal times in the order they were put in; the array is used again afterwards.
   * `room` tells how long the tables beside ours are.
   */
  constructor(clock: Clock, dueOf: (ticket: number) => number, expire: (tickets: Uint32Array) => void, room: () => number = () => 0) {
    this.#clock = clock;
    this.#dueOf = dueOf;
    this.#expire = expire;
    this.#room = room;
  }

  /** Mails that wait. */
  get size(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#next.length * 10 + SLOTS * 8 + AT_ONCE * 4;
  }

  /** Puts in a ticket that is not in; `due` is monotonic milliseconds, and `dueOf` must answer it. */
  add(ticket: number, due: number): void {
    if (ticket >= this.#next.length) this.#grow(ticket);
    if (this.#count === 0) this.#cursor = Math.floor(this.#clock.mono() / TICK_MS);
    const tick = Math.max(Math.ceil(due / TICK_MS), this.#cursor + 1);
    const slot = tick % SLOTS;
    const tail = this.#tails[slot] as number;
    this.#slot[ticket] = slot;
    this.#next[ticket] = NOBODY;
    this.#prev[ticket] = tail;
    if (tail === NOBODY) this.#heads[slot] = ticket;
    else this.#next[tail] = ticket;
    this.#tails[slot] = ticket;
    this.#count++;
    const visit = tick - this.#cursor > SLOTS ? this.#cursor + 1 + ((tick - this.#cursor - 1) % SLOTS) : tick;
    if (visit < this.#timerTick) this.#arm(visit);
  }

  /** Takes out a ticket that is in. */
  remove(ticket: number): void {
    const next = this.#next[ticket] as number;
    const prev = this.#prev[ticket] as number;
    if (prev === NOBODY) this.#heads[this.#slot[ticket] as number] = next;
    else this.#next[prev] = next;
    if (next === NOBODY) this.#tails[this.#slot[ticket] as number] = prev;
    else this.#prev[next] = prev;
    this.#count--;
  }

  #arm(tick: number): void {
    this.#timer?.cancel();
    this.#timerTick = tick;
    this.#timer = this.#clock.after(Math.max(0, tick * TICK_MS - this.#clock.mono()), this.#turn);
  }

  readonly #turn = (): void => {
    this.#timer = undefined;
    this.#timerTick = Number.POSITIVE_INFINITY;
    const now = this.#clock.mono();
    const found = this.#collect(now);
    if (this.#count > 0) this.#arm(found === AT_ONCE ? this.#cursor : this.#nextVisit());
    if (found > 0) this.#expire(this.#batch.subarray(0, found));
  };

  /** Takes out what is due, visiting slots up to now; stops early when the batch is full. */
  #collect(now: number): number {
    const last = Math.floor(now / TICK_MS);
    let found = 0;
    for (let left = Math.min(last - this.#cursor, SLOTS); left > 0; left--) {
      const tick = last - left + 1;
      for (let t = this.#heads[tick % SLOTS] as number; t !== NOBODY; ) {
        const next = this.#next[t] as number;
        if (this.#dueOf(t) <= now) {
          if (found === AT_ONCE) {
            this.#cursor = tick - 1;
            return found;
          }
          this.remove(t);
          this.#batch[found++] = t;
        }
        t = next;
      }
    }
    this.#cursor = Math.max(this.#cursor, last);
    return found;
  }

  /** The next tick whose slot holds anything. */
  #nextVisit(): number {
    for (let tick = this.#cursor + 1; tick <= this.#cursor + SLOTS; tick++) if (this.#heads[tick % SLOTS] !== NOBODY) return tick;
    return this.#cursor + SLOTS;
  }

  #grow(ticket: number): void {
    const room = this.#room();
    const length = room > ticket ? room : Math.max(1024, Math.ceil(this.#next.length * 1.5), ticket + 1);
    this.#next = enlarge(Uint32Array, this.#next, length);
    this.#prev = enlarge(Uint32Array, this.#prev, length);
    this.#slot = enlarge(Uint16Array, this.#slot, length);
  }
}
