/** Which counters places wait at, so that those who hold a slot know that somebody else needs it. */
import type { Limit } from '../module/permit.js';
import type { Station } from './station.js';

export class Shortages {
  readonly #byKey = new Map<string, Set<Station>>();
  /** Counters that other processes wait at. */
  readonly #elsewhere = new Set<string>();

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

  /** Another process waits at this counter, or does so no more. */
  setElsewhere(key: string, isWaiting: boolean): void {
    if (isWaiting) this.#elsewhere.add(key);
    else this.#elsewhere.delete(key);
  }

  /** Whether another place waits for one of these, here or in another process. */
  concern(limits: readonly Limit[], own: Station): boolean {
    if (this.#byKey.size === 0 && this.#elsewhere.size === 0) return false;
    return limits.some(({ key }) => {
      if (this.#elsewhere.has(key)) return true;
      const waiting = this.#byKey.get(key);
      return waiting !== undefined && (waiting.size > 1 || !waiting.has(own));
    });
  }
}
