/** Source addresses we cannot send from at the moment: they pause with an alarm, the others go on. */
import type { Clock } from '../kernel/clock.js';

/** The first pause; while the trouble lasts each one is twice as long, up to the longest. */
const FIRST_PAUSE_MS = 2000;
const LONGEST_PAUSE_MS = 60_000;

/** Errors that say something about us, not about the other side. */
const OURS: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'EADDRINUSE', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EINVAL']);

/** What such an error means to an operator. */
const MEANINGS: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: 'the address is not on this machine, or all its ports are in use',
  EADDRINUSE: 'all ports of the address are in use',
  EMFILE: 'this process may open no more files; raise its limit or lower server_max_outbound_connections',
  ENFILE: 'the system has no more files to open',
};

export interface PausedSource {
  readonly code: string;
  /** Wall milliseconds. */
  readonly untilMs: number;
}

export class Sources {
  readonly #clock: Clock;
  readonly #paused = new Map<string, PausedSource>();
  /** Pauses in a row, by source; only those that did not work lately are in it. */
  readonly #streaks = new Map<string, number>();
  readonly #resumed: (source: string) => void;
  readonly #alarm: (text: string) => void;

  /** `resumed` is called when a pause is over; `source` is '' for the address the system chooses. */
  constructor(clock: Clock, resumed: (source: string) => void, alarm: (text: string) => void) {
    this.#clock = clock;
    this.#resumed = resumed;
    this.#alarm = alarm;
  }

  /** Pauses the source when the error is ours; answers whether it was. */
  blame(source: string, code: string): boolean {
    if (!OURS.has(code)) return false;
    if (this.#paused.has(source)) return true;
    const streak = this.#streaks.get(source) ?? 0;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** streak, LONGEST_PAUSE_MS);
    this.#streaks.set(source, streak + 1);
    this.#paused.set(source, { code, untilMs: this.#clock.now() + pauseMs });
    const meaning = MEANINGS[code];
    const why = meaning === undefined ? code : `${code}: ${meaning}`;
    this.#alarm(`cannot connect from ${source === '' ? 'any address' : source} (${why}); it pauses for ${pauseMs / 1000} s`);
    this.#clock.after(pauseMs, () => {
      this.#paused.delete(source);
      this.#resumed(source);
    });
    return true;
  }

  /** A connection from this source stands. */
  succeed(source: string): void {
    if (this.#streaks.size > 0) this.#streaks.delete(source);
  }

  /** None of them can be used. */
  arePaused(sources: readonly string[]): boolean {
    return this.#paused.size > 0 && sources.every((source) => this.#paused.has(source));
  }

  pauseOf(source: string): PausedSource | undefined {
    return this.#paused.get(source);
  }
}
