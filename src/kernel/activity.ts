/** Everything that can be waited for has a label: tokens for work in progress, and a promise for the moment when none is left. */
import type { Clock } from './clock.js';

/** Work in progress; ending it twice is the same as once. */
export interface Token {
  readonly label: string;
  end(): void;
}

/** Tokens of one label that are open now. */
export interface Busy {
  readonly label: string;
  readonly count: number;
  /** Age of the oldest, in milliseconds. */
  readonly oldestMs: number;
}

interface Open {
  readonly label: string;
  readonly since: number;
}

export class Activity {
  readonly #clock: Pick<Clock, 'mono'>;
  readonly #open = new Set<Open>();
  #closed = false;
  #waiting: (() => void)[] = [];

  constructor(clock: Pick<Clock, 'mono'>) {
    this.#clock = clock;
  }

  /** Opens a token, or answers undefined when no new work may begin. */
  begin(label: string): Token | undefined {
    if (this.#closed) return undefined;
    const entry: Open = { label, since: this.#clock.mono() };
    this.#open.add(entry);
    return { label, end: () => this.#end(entry) };
  }

  /** From now on no work begins. What is open goes on. */
  close(): void {
    this.#closed = true;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get size(): number {
    return this.#open.size;
  }

  /** What is going on, label by label, the oldest first. */
  list(): readonly Busy[] {
    const now = this.#clock.mono();
    const byLabel = new Map<string, { label: string; count: number; oldestMs: number }>();
    for (const { label, since } of this.#open) {
      const known = byLabel.get(label);
      if (known) known.count++;
      else byLabel.set(label, { label, count: 1, oldestMs: now - since });
    }
    return [...byLabel.values()];
  }

  /** Resolves when nothing is open; rejects with the signal's reason when that comes first. */
  idle(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((done, fail) => {
      const arrive = (): void => {
        signal?.removeEventListener('abort', leave);
        done();
      };
      const leave = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== arrive);
        fail(signal?.reason);
      };
      this.#waiting.push(arrive);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  #end(entry: Open): void {
    if (!this.#open.delete(entry) || this.#open.size > 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const arrive of waiting) arrive();
  }
}
