/** Admission to something narrow (libuv's threads, sockets): at most so many jobs at once, the others wait in line. */
import { Ring } from './ring.js';

interface Waiting {
  /** Undefined once its caller has left. */
  start: (() => void) | undefined;
}

export class Pool {
  readonly size: number;
  #running = 0;
  #left = 0;
  readonly #line = new Ring<Waiting>();

  /** `size` jobs at most run at once; at least 1. */
  constructor(size: number) {
    this.size = Math.max(1, Math.floor(size));
  }

  /** Jobs that run now. */
  get running(): number {
    return this.#running;
  }

  /** Jobs that wait for their turn. */
  get waiting(): number {
    return this.#line.length - this.#left;
  }

  /**
   * Runs a job when its turn comes and gives what it gives. An aborted signal takes a waiting job out of the line (rejects with
   * its reason); a job that runs already has the signal and must see to it itself.
   */
  run<T>(job: (signal: AbortSignal | undefined) => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#running < this.size) return this.#start(job, signal);
    return new Promise<T>((done, fail) => {
      const leave = (): void => {
        entry.start = undefined;
        this.#left++;
        // Whoever gave up in front would otherwise hold its place, and its closures, until a job ends.
        while (this.#line.length > 0 && this.#line.at(0)?.start === undefined) {
          this.#line.shift();
          this.#left--;
        }
        fail(signal?.reason);
      };
      const entry: Waiting = {
        start: () => {
          signal?.removeEventListener('abort', leave);
          this.#start(job, signal).then(done, fail);
        },
      };
      this.#line.push(entry);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  async #start<T>(job: (signal: AbortSignal | undefined) => T | Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    this.#running++;
    try {
      return await job(signal);
    } finally {
      this.#running--;
      this.#admit();
    }
  }

  #admit(): void {
    while (this.#running < this.size) {
      const next = this.#line.shift();
      if (!next) return;
      if (next.start) next.start();
      else this.#left--;
    }
  }
}
