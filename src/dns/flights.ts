/** Questions on their way: who asks the same joins, and a question that nobody waits for any more is ended. */
import { setMaxListeners } from 'node:events';

interface Flight<T> {
  readonly landed: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
}

export class Flights<T> {
  readonly #flights = new Map<string, Flight<T>>();

  get size(): number {
    return this.#flights.size;
  }

  has(key: string): boolean {
    return this.#flights.has(key);
  }

  /**
   * Joins the flight of this key or starts it. Rejects with the signal's reason when that comes first; `start` must not reject
   * but for its own signal's reason.
   */
  join(key: string, signal: AbortSignal, start: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (signal.aborted) return Promise.reject(signal.reason);
    const flight = this.#flights.get(key) ?? this.#start(key, start);
    flight.waiting++;
    // Many questions of one owner are no leak.
    setMaxListeners(0, signal);
    return new Promise((done, fail) => {
      const leave = (): void => {
        fail(signal.reason);
        if (--flight.waiting > 0) return;
        // The next to ask must not join what is being ended.
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
        flight.controller.abort(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      const land = (): void => signal.removeEventListener('abort', leave);
      flight.landed.then(
        (result) => {
          land();
          done(result);
        },
        (error: unknown) => {
          land();
          fail(error);
        },
      );
    });
  }

  /** Ends all flights; those who wait get `reason`. */
  end(reason: unknown): void {
    for (const flight of this.#flights.values()) flight.controller.abort(reason);
    this.#flights.clear();
  }

  #start(key: string, start: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    const landed = start(controller.signal).finally(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    // Everybody may have left before it ends.
    landed.catch(() => undefined);
    const flight: Flight<T> = { landed, controller, waiting: 0 };
    this.#flights.set(key, flight);
    return flight;
  }
}
