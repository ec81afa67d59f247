/** Where a message waits: binding group, binding and routing domain. One object per triple, so places compare by identity. */

export interface Place {
  readonly group: string;
  readonly binding: string;
  /** Routing domain: what is looked up in DNS or routes; not always the recipient's domain. */
  readonly domain: string;
  /** Dense number of this place, to index tables. */
  readonly index: number;
}

/** Parts of a place, for look-ups that need not name them all. */
export interface PlaceParts {
  readonly group?: string;
  readonly binding?: string;
  readonly domain?: string;
}

/** Name of the group and binding of mail that was assigned none (Momentum's logs print it). */
export const DEFAULT_NAME = 'default';

/** Gives every triple its one object. Places that nobody uses can be let go, their numbers are used again. */
export class PlaceTable {
  readonly #byKey = new Map<string, Place>();
  readonly #byIndex: (Place | undefined)[] = [];
  readonly #free: number[] = [];

  /** The place of this triple; made when it is new. */
  of(group: string, binding: string, domain: string): Place {
    const key = `${group}\n${binding}\n${domain}`;
    const known = this.#byKey.get(key);
    if (known) return known;
    const index = this.#free.pop() ?? this.#byIndex.length;
    const place: Place = Object.freeze({ group, binding, domain, index });
    this.#byKey.set(key, place);
    this.#byIndex[index] = place;
    return place;
  }

  at(index: number): Place | undefined {
    return this.#byIndex[index];
  }

  /** Lets a place go. The caller knows that no message, connection or counter holds it. */
  forget(place: Place): void {
    if (this.#byIndex[place.index] !== place) return;
    this.#byIndex[place.index] = undefined;
    this.#byKey.delete(`${place.group}\n${place.binding}\n${place.domain}`);
    this.#free.push(place.index);
  }

  [Symbol.iterator](): IterableIterator<Place> {
    return this.#byKey.values();
  }

  get size(): number {
    return this.#byKey.size;
  }
}
