/** A clock that stands still until it is told to go: a week passes in a millisecond, the same way every time. */
import type { Clock, Timer } from './clock.js';

interface Pending {
  readonly due: number;
  readonly order: number;
  readonly task: () => void;
}

export class VirtualClock implements Clock {
  #mono = 0;
  #wall: number;
  #order = 0;
  readonly #pending = new Set<Pending>();

  constructor(wallMs = 1_800_000_000_000) {
    this.#wall = wallMs;
  }

  now(): number {
    return this.#wall;
  }

  mono(): number {
    return this.#mono;
  }

  after(ms: number, task: () => void): Timer {
    const entry: Pending = { due: this.#mono + Math.max(0, ms), order: this.#order++, task };
    this.#pending.add(entry);
    return { cancel: () => void this.#pending.delete(entry) };
  }

  /** Moves time on by `ms`, running every timer that comes due, in order; promises get their turn between timers. */
  async advance(ms: number): Promise<void> {
    const end = this.#mono + ms;
    for (;;) {
      await new Promise<void>((done) => setImmediate(done));
      const next = this.#next(end);
      if (!next) break;
      this.#pending.delete(next);
      this.#moveTo(next.due);
      next.task();
    }
    this.#moveTo(end);
  }

  /** Lets the wall clock jump (NTP step, suspend) while monotonic time stands. */
  jump(ms: number): void {
    this.#wall += ms;
  }

  #moveTo(mono: number): void {
    if (mono <= this.#mono) return;
    this.#wall += mono - this.#mono;
    this.#mono = mono;
  }

  #next(end: number): Pending | undefined {
    let best: Pending | undefined;
    for (const entry of this.#pending) {
      if (entry.due > end) continue;
      if (!best || entry.due < best.due || (entry.due === best.due && entry.order < best.order)) best = entry;
    }
    return best;
  }
}
