/** Many deadlines, one coarse sweep: an entry is a record with a due time, not a timer of its own. */
import type { Clock, Timer } from './clock.js';

/** Something that may run out of time. Change `dueAt` as often as you like; it costs nothing. */
export interface Watched {
  /** Monotonic milliseconds; 0 = no deadline now. */
  dueAt: number;
  /** Called once the time has come, never early. `dueAt` is 0 when it is called. */
  expire(): void;
}

const DEFAULT_TICK_MS = 250;

export class Watch {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #entries = new Set<Watched>();
  #timer: Timer | undefined;

  constructor(clock: Clock, tickMs = DEFAULT_TICK_MS) {
    this.#clock = clock;
    this.#tickMs = tickMs;
  }

  add(entry: Watched): void {
    this.#entries.add(entry);
    this.#timer ??= this.#clock.after(this.#tickMs, this.#tick);
  }

  remove(entry: Watched): void {
    this.#entries.delete(entry);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Ends the sweep; entries that are left never expire. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#entries.clear();
  }

  readonly #tick = (): void => {
    this.#timer = undefined;
    const now = this.#clock.mono();
    try {
      for (const entry of this.#entries) {
        if (entry.dueAt === 0 || entry.dueAt > now) continue;
        entry.dueAt = 0;
        entry.expire();
      }
    } finally {
      // One entry that throws must not take the deadlines of all others with it.
      if (this.#entries.size > 0) this.#timer ??= this.#clock.after(this.#tickMs, this.#tick);
    }
  };
}
