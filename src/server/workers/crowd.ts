/** Connections of clients over all workers: counted before a session begins, so that limits hold for the daemon as a whole. */
import { clientKey } from '../../net/client-count.js';
import type { Crowding } from '../../smtp/server/service.js';

/** Who came where. */
export interface Arrival {
  readonly stanza: string;
  /** Empty for a unix socket. */
  readonly ip: string;
}

const keysOf = ({ stanza, ip }: Arrival): readonly string[] => ['', `listener ${stanza}`, `client ${clientKey(ip)}`];

export class Crowd {
  readonly #totals = new Map<string, number>();
  readonly #byWorker = new Map<object, Map<string, number>>();

  /** Counts one more, and answers how many there are now with it. */
  enter(worker: object, arrival: Arrival): Crowding {
    const own = this.#byWorker.get(worker) ?? new Map<string, number>();
    this.#byWorker.set(worker, own);
    const [service = 0, listener = 0, client = 0] = keysOf(arrival).map((key) => {
      change(own, key, 1);
      return change(this.#totals, key, 1);
    });
    return { service, listener, client };
  }

  leave(worker: object, arrival: Arrival): void {
    const own = this.#byWorker.get(worker);
    for (const key of keysOf(arrival)) {
      if (!own?.has(key)) continue;
      change(own, key, -1);
      change(this.#totals, key, -1);
    }
  }

  /** The worker is gone, and its connections with it. */
  forget(worker: object): void {
    for (const [key, count] of this.#byWorker.get(worker) ?? []) change(this.#totals, key, -count);
    this.#byWorker.delete(worker);
  }
}

function change(counts: Map<string, number>, key: string, by: number): number {
  const count = (counts.get(key) ?? 0) + by;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
  return count;
}
