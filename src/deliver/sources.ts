/** Source addresses we cannot send from at the moment: they pause with an alarm, the others go on. */
import type { Clock } from '../kernel/clock.js';

const PAUSE_MS = 30_000;

/** Errors that say something about us, not about the other side. */
const OURS: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'EADDRINUSE', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EINVAL']);

export interface PausedSource {
  readonly code: string;
  /** Wall milliseconds. */
  readonly untilMs: number;
}

export class Sources {
  readonly #clock: Clock;
  readonly #paused = new Map<string, PausedSource>();
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
    this.#paused.set(source, { code, untilMs: this.#clock.now() + PAUSE_MS });
    this.#alarm(`cannot connect from ${source === '' ? 'any address' : source} (${code}); it pauses for ${PAUSE_MS / 1000} s`);
    this.#clock.after(PAUSE_MS, () => {
      this.#paused.delete(source);
      this.#resumed(source);
    });
    return true;
  }

  pauseOf(source: string): PausedSource | undefined {
    return this.#paused.get(source);
  }
}
