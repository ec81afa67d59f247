/** Places that were stopped at run time, by an operator or a module: one place, or all that match some parts. */
import type { Place, PlaceParts } from '../module/place.js';

/** A stop at run time. */
export interface Hold {
  readonly where: PlaceParts;
  readonly why: string;
  /** Monotonic milliseconds when it ends; undefined when somebody has to end it. */
  readonly until: number | undefined;
}

const isExact = (where: PlaceParts): boolean => where.group !== undefined && where.binding !== undefined && where.domain !== undefined;
const keyOf = (where: PlaceParts): string => `${where.group ?? ''}\n${where.binding ?? ''}\n${where.domain ?? ''}`;

/** The given parts are those of the place; parts that are not given match all. */
export const matches = (where: PlaceParts, place: Place): boolean =>
  (where.domain === undefined || where.domain === place.domain) &&
  (where.binding === undefined || where.binding === place.binding) &&
  (where.group === undefined || where.group === place.group);

export class Holds {
  readonly #exact = new Map<string, Hold>();
  readonly #wide = new Map<string, Hold>();

  get size(): number {
    return this.#exact.size + this.#wide.size;
  }

  set(hold: Hold): void {
    (isExact(hold.where) ? this.#exact : this.#wide).set(keyOf(hold.where), hold);
  }

  /** Ends the hold with exactly these parts; false when there is none. */
  lift(where: PlaceParts): boolean {
    return (isExact(where) ? this.#exact : this.#wide).delete(keyOf(where));
  }

  /** The hold that stops this place now. */
  of(place: Place, now: number): Hold | undefined {
    if (this.#exact.size > 0) {
      const hold = this.#exact.get(keyOf(place));
      if (hold && !hasEnded(hold, now)) return hold;
    }
    for (const hold of this.#wide.values()) if (!hasEnded(hold, now) && matches(hold.where, place)) return hold;
    return undefined;
  }

  /** Forgets what has ended; answers the time of the next end, or undefined. */
  expire(now: number): number | undefined {
    let next: number | undefined;
    for (const holds of [this.#exact, this.#wide]) {
      for (const [key, hold] of holds) {
        if (hasEnded(hold, now)) holds.delete(key);
        else if (hold.until !== undefined) next = Math.min(next ?? hold.until, hold.until);
      }
    }
    return next;
  }

  list(now: number): readonly Hold[] {
    return [...this.#exact.values(), ...this.#wide.values()].filter((hold) => !hasEnded(hold, now));
  }
}

const hasEnded = (hold: Hold, now: number): boolean => hold.until !== undefined && hold.until <= now;
