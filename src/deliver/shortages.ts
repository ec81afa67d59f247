/** Which counters places wait at, so that those who hold a slot know that somebody else needs it. */
import type { Limit } from '../module/permit.js';
import type { Station } from './station.js';

export class Shortages {
  readonly #byKey = new Map<string, Set<Station>>();

  add(key: string, station: Station): void {
    const waiting = this.#byKey.get(key);
    if (waiting) waiting.add(station);
    else this.#byKey.set(key, new Set([station]));
  }

  remove(key: string, station: Station): void {
    const waiting = this.#byKey.get(key);
    waiting?.delete(station);
    if (waiting?.size === 0) this.#byKey.delete(key);
  }

  /** Whether another place waits for one of these. */
  concern(limits: readonly Limit[], own: Station): boolean {
    if (this.#byKey.size === 0) return false;
    return limits.some(({ key }) => {
      const waiting = this.#byKey.get(key);
      return waiting !== undefined && (waiting.size > 1 || !waiting.has(own));
    });
  }
}
