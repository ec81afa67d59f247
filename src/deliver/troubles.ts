/** What went wrong with places lately: small, bounded, and kept longer than the places are served. */
import { Lru } from '../kernel/lru.js';
import type { Place } from '../module/place.js';

/** Places whose troubles are remembered; a domain forgotten here only has its failures counted anew. */
const REMEMBERED = 65_536;

export interface Trouble {
  /** Rounds in a row in which no host could be reached, and since when (monotonic milliseconds). */
  failures: number;
  failingSince: number | undefined;
  /** Look-ups in a row that failed. */
  lookupFailures: number;
  /** A reply that stands for all attempts until a time (monotonic milliseconds). */
  hold: { readonly until: number; readonly reply: string } | undefined;
}

export class Troubles {
  readonly #entries = new Lru<Trouble>({ capacity: REMEMBERED });

  /** What is known of a place; a clean slate when nothing is. */
  of(place: Place): Trouble {
    return this.#entries.get(keyOf(place)) ?? { failures: 0, failingSince: undefined, lookupFailures: 0, hold: undefined };
  }

  /** The place is served no more for the moment. */
  keep(place: Place, trouble: Trouble): void {
    if (trouble.failures > 0 || trouble.lookupFailures > 0) this.#entries.set(keyOf(place), trouble);
    else this.#entries.delete(keyOf(place));
  }
}

const keyOf = ({ group, binding, domain }: Place): string => `${group}\n${binding}\n${domain}`;
