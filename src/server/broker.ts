/**
 * The permit broker of a daemon with one worker: every limit and throttle is a counter with a name, and one acquire takes all
 * counters of an attempt or none. Who was refused waits in line at the counter that was full.
 */
import type { Clock, Timer } from '../kernel/clock.js';
import { type Broker, isShortage, type Limit, type Permit, type Shortage } from '../module/permit.js';
import { type Counter, makeCounter } from './counter.js';

interface Entry {
  readonly key: string;
  readonly kind: Limit['kind'];
  readonly counter: Counter;
  /** First come, first woken. */
  readonly waiters: Set<() => void>;
  timer: Timer | undefined;
}

/** Idle counters are swept whenever their number has doubled. */
const SWEEP_FROM = 1024;

const EMPTY_PERMIT: Permit = Object.freeze({ release: () => {} });

export class DirectBroker implements Broker {
  readonly #clock: Clock;
  readonly #make: (limit: Limit) => Counter;
  readonly #entries = new Map<string, Entry>();
  #sweepAt = SWEEP_FROM;
  /** Counters whose waiters may go, while wake-ups run: a release inside a wake-up adds to it instead of nesting. */
  #ready: Set<Entry> | undefined;
  /** The first error of a wake-up; thrown when all have been woken. */
  #fault: { readonly error: unknown } | undefined;

  constructor(clock: Clock, make: (limit: Limit) => Counter = makeCounter) {
    this.#clock = clock;
    this.#make = make;
  }

  acquire(limits: readonly Limit[]): Permit | Shortage {
    if (limits.length === 0) return EMPTY_PERMIT;
    if (this.#entries.size > this.#sweepAt) this.#sweep();
    const now = this.#clock.mono();
    let raised: Entry[] | undefined;
    let shortage: Shortage | undefined;
    for (const limit of limits) {
      const entry = this.#entryOf(limit);
      const before = entry.counter.limit;
      entry.counter.adopt(limit, now);
      if (entry.counter.limit > before && entry.waiters.size > 0) (raised ??= []).push(entry);
      if (shortage) continue;
      const waitMs = entry.counter.wait(now);
      if (waitMs !== 0) shortage = { key: limit.key, waitMs };
    }
    const permit = shortage ?? this.#take(limits, now);
    if (raised) this.#wakeReady(raised);
    return permit;
  }

  exchange(permit: Permit, limits: readonly Limit[]): Permit | Shortage {
    if (!(permit instanceof HeldPermit)) return this.acquire(limits);
    const kept = limits.filter(({ key }) => permit.holds(key));
    const added = this.acquire(limits.filter(({ key }) => !permit.holds(key)));
    if (isShortage(added)) return added;
    const staying = permit.giveUp(({ key }) => kept.some((limit) => limit.key === key));
    const all = [...staying, ...(added instanceof HeldPermit ? added.giveUp(() => true) : [])];
    permit.release();
    return new HeldPermit(all, this.#release);
  }

  wait(shortage: Shortage, wake: () => void): () => void {
    const entry = this.#entries.get(shortage.key);
    // The counter was let go since: it is empty.
    if (!entry) return this.#wakeSoon(wake);
    // A closure of its own, so that one function can wait twice.
    const waiter = () => wake();
    entry.waiters.add(waiter);
    this.#arm(entry);
    return () => {
      entry.waiters.delete(waiter);
      this.#letGo(entry);
    };
  }

  usage(key: string): { readonly used: number; readonly limit: number } | undefined {
    const counter = this.#entries.get(key)?.counter;
    return counter && { used: counter.used(this.#clock.mono()), limit: counter.limit };
  }

  /** Ends the part of a permit that was lent of rates: it was used, or it never will be. The slots stay. */
  settle(permit: Permit, used: boolean): void {
    if (!(permit instanceof HeldPermit)) return;
    const rates = permit.giveUp(({ kind }) => kind === 'rate');
    const now = this.#clock.mono();
    for (const { counter } of rates) used ? counter.release(now) : counter.refund();
    this.#wakeReady(rates);
  }

  /** How many wait at a counter. */
  waiting(key: string): number {
    return this.#entries.get(key)?.waiters.size ?? 0;
  }

  /** Keys of all counters, for the console. */
  keys(): IterableIterator<string> {
    return this.#entries.keys();
  }

  /** Limits may have changed: everybody who waits asks again, and the counters learn the new limits from what they ask for. */
  reloaded(): void {
    for (const entry of [...this.#entries.values()]) {
      const waiters = [...entry.waiters];
      entry.waiters.clear();
      this.#disarm(entry);
      for (const wake of waiters) this.#call(wake);
      this.#letGo(entry);
    }
    this.#complain();
  }

  #take(limits: readonly Limit[], now: number): Permit {
    let held: Entry[] | undefined;
    for (let i = 0; i < limits.length; i++) {
      const limit = limits[i] as Limit;
      if (isRepeated(limits, i)) continue;
      const entry = this.#entries.get(limit.key) as Entry;
      entry.counter.take(now);
      if (entry.counter.holds) (held ??= []).push(entry);
    }
    return held ? new HeldPermit(held, this.#release) : EMPTY_PERMIT;
  }

  readonly #release = (held: readonly Entry[]): void => {
    const now = this.#clock.mono();
    for (const entry of held) entry.counter.release(now);
    this.#wakeReady(held);
    for (const entry of held) this.#letGo(entry);
  };

  #entryOf(limit: Limit): Entry {
    const known = this.#entries.get(limit.key);
    if (known) {
      if (known.kind !== limit.kind) throw new RangeError(`counter ${limit.key} is a limit of another kind`);
      return known;
    }
    const made: Entry = { key: limit.key, kind: limit.kind, counter: this.#make(limit), waiters: new Set(), timer: undefined };
    this.#entries.set(limit.key, made);
    return made;
  }

  /** Wakes waiters while their counter has room, each at most once a round. */
  #wakeReady(entries: Iterable<Entry>): void {
    if (this.#ready) {
      for (const entry of entries) this.#ready.add(entry);
      return;
    }
    this.#ready = new Set(entries);
    for (const entry of this.#ready) {
      // Leave and come back at the end of the line: a wake-up may free more of the same counter.
      this.#ready.delete(entry);
      this.#wakeLine(entry);
    }
    this.#ready = undefined;
    this.#complain();
  }

  /** One waiter's error must not cost the others their turn. */
  #call(wake: () => void): void {
    try {
      wake();
    } catch (error) {
      this.#fault ??= { error };
    }
  }

  #complain(): void {
    const fault = this.#fault;
    this.#fault = undefined;
    if (fault) throw fault.error;
  }

  #wakeLine(entry: Entry): void {
    for (let left = entry.waiters.size; left > 0 && entry.waiters.size > 0; left--) {
      if (entry.counter.wait(this.#clock.mono()) !== 0) break;
      const [first] = entry.waiters as Set<() => void>;
      if (!first) break;
      entry.waiters.delete(first);
      this.#call(first);
    }
    this.#arm(entry);
  }

  /** Sets one timer for a line: when its rate allows one more, or soon when there is room already. */
  #arm(entry: Entry): void {
    if (entry.timer || entry.waiters.size === 0) return;
    const waitMs = entry.counter.wait(this.#clock.mono());
    // No time is known: a release wakes the line.
    if (waitMs === undefined) return;
    entry.timer = this.#clock.after(Math.ceil(waitMs), () => {
      entry.timer = undefined;
      this.#wakeReady([entry]);
      this.#letGo(entry);
    });
  }

  #disarm(entry: Entry): void {
    entry.timer?.cancel();
    entry.timer = undefined;
  }

  #wakeSoon(wake: () => void): () => void {
    const timer = this.#clock.after(0, wake);
    return () => timer.cancel();
  }

  /** Forgets a slot counter that nobody holds or waits for. Rates are forgotten by the sweep: their past counts. */
  #letGo(entry: Entry): void {
    if (entry.waiters.size > 0) return;
    this.#disarm(entry);
    if (entry.kind === 'slots' && entry.counter.used(0) === 0 && this.#entries.get(entry.key) === entry) this.#entries.delete(entry.key);
  }

  #sweep(): void {
    const now = this.#clock.mono();
    for (const [key, { counter, waiters }] of this.#entries) {
      if (waiters.size === 0 && counter.used(now) === 0) this.#entries.delete(key);
    }
    this.#sweepAt = Math.max(SWEEP_FROM, this.#entries.size * 2);
  }
}

class HeldPermit implements Permit {
  #held: readonly Entry[] | undefined;
  readonly #end: (held: readonly Entry[]) => void;

  constructor(held: readonly Entry[], end: (held: readonly Entry[]) => void) {
    this.#held = held;
    this.#end = end;
  }

  release(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held) this.#end(held);
  }

  holds(key: string): boolean {
    return this.#held?.some((entry) => entry.key === key) === true;
  }

  /** Holds some of it no more; who asked settles them. */
  giveUp(which: (entry: Entry) => boolean): readonly Entry[] {
    const given = this.#held?.filter(which) ?? [];
    this.#held = this.#held?.filter((entry) => !which(entry));
    return given;
  }
}

/** A key that stands twice in one list counts once. */
function isRepeated(limits: readonly Limit[], i: number): boolean {
  const { key } = limits[i] as Limit;
  for (let j = 0; j < i; j++) if (limits[j]?.key === key) return true;
  return false;
}
