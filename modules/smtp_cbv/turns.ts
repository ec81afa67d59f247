/** Who may call now: so many at once, and so many of them to one domain; the others wait in line. */

interface Waiting {
  readonly key: string;
  start(): void;
}

export class Turns {
  readonly #most: number;
  readonly #mostPerKey: number;
  readonly #mostWaiting: number;
  readonly #running = new Map<string, number>();
  #total = 0;
  readonly #line = new Set<Waiting>();

  constructor(most: number, mostPerKey: number, mostWaiting: number) {
    this.#most = most;
    this.#mostPerKey = mostPerKey;
    this.#mostWaiting = mostWaiting;
  }

  get running(): number {
    return this.#total;
  }

  get waiting(): number {
    return this.#line.size;
  }

  /** Resolves with what gives the turn back (call it once), or with undefined when the line is too long. Rejects with the signal's reason. */
  async take(key: string, signal: AbortSignal): Promise<(() => void) | undefined> {
    signal.throwIfAborted();
    if (!this.#isFree(key)) {
      if (this.#line.size >= this.#mostWaiting) return undefined;
      await this.#wait(key, signal);
    } else this.#begin(key);
    return () => this.#end(key);
  }

  #isFree(key: string): boolean {
    return this.#total < this.#most && (this.#running.get(key) ?? 0) < this.#mostPerKey;
  }

  #begin(key: string): void {
    this.#total++;
    this.#running.set(key, (this.#running.get(key) ?? 0) + 1);
  }

  #end(key: string): void {
    this.#total--;
    const left = (this.#running.get(key) ?? 0) - 1;
    if (left > 0) this.#running.set(key, left);
    else this.#running.delete(key);
    for (const waiting of this.#line) {
      if (this.#total >= this.#most) return;
      if (this.#isFree(waiting.key)) waiting.start();
    }
  }

  #wait(key: string, signal: AbortSignal): Promise<void> {
    return new Promise((done, fail) => {
      const leave = (): void => {
        this.#line.delete(waiting);
        fail(signal.reason);
      };
      const waiting: Waiting = {
        key,
        start: () => {
          this.#line.delete(waiting);
          signal.removeEventListener('abort', leave);
          this.#begin(key);
          done();
        },
      };
      this.#line.add(waiting);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}
