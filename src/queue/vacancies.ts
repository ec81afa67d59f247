/** Lets places go that nobody uses any more, a part of the table at a time, once half of it may be empty. */
import type { Place, PlaceTable } from '../module/place.js';

/** Fewer places than this are not worth a look. */
const WORTH_A_LOOK = 1024;
/** Places looked at in one loop turn. */
const PER_TURN = 10_000;

export class Vacancies {
  readonly #places: PlaceTable;
  readonly #isUsed: (place: Place) => boolean;
  readonly #later: (task: () => void) => void;
  #left = 0;
  #sweepAt = WORTH_A_LOOK;
  #walk: Iterator<Place> | undefined;

  /** `later` runs a task in another turn. */
  constructor(places: PlaceTable, isUsed: (place: Place) => boolean, later: (task: () => void) => void) {
    this.#places = places;
    this.#isUsed = isUsed;
    this.#later = later;
  }

  /** The last mail of a place has gone. */
  leave(): void {
    this.#left++;
    this.check();
  }

  /** Begins a sweep when the table has doubled, or when as many places were left as may be half of it. */
  check(): void {
    if (this.#walk) return;
    const { size } = this.#places;
    if (size < this.#sweepAt && (this.#left < WORTH_A_LOOK || this.#left * 2 < size)) return;
    this.#left = 0;
    this.#walk = this.#places[Symbol.iterator]();
    this.#later(this.#step);
  }

  readonly #step = (): void => {
    for (let n = 0; n < PER_TURN; n++) {
      const next = this.#walk?.next();
      if (!next || next.done) {
        this.#walk = undefined;
        this.#sweepAt = Math.max(WORTH_A_LOOK, this.#places.size * 2);
        return;
      }
      if (!this.#isUsed(next.value)) this.#places.forget(next.value);
    }
    this.#later(this.#step);
  };
}
