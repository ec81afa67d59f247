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

/** The places of one binding; its names are kept once for all of them. */
interface OfBinding {
  readonly group: string;
  readonly binding: string;
  readonly domains: Map<string, Place>;
}

/** Gives every triple its one object. Places that nobody uses can be let go, their numbers are used again. */
export class PlaceTable {
  /** By group, binding and domain: a text that joins them would be one more for every place. */
  readonly #groups = new Map<string, Map<string, OfBinding>>();
  readonly #byIndex: (Place | undefined)[] = [];
  readonly #free: number[] = [];

  /** The place of this triple; made when it is new. */
  of(group: string, binding: string, domain: string): Place {
    const known = this.#groups.get(group)?.get(binding);
    return known?.domains.get(domain) ?? this.#add(known ?? this.#addBinding(group, binding), domain);
  }

  at(index: number): Place | undefined {
    return this.#byIndex[index];
  }

  /** Lets a place go. The caller knows that no message, connection or counter holds it. */
  forget(place: Place): void {
    if (this.#byIndex[place.index] !== place) return;
    this.#byIndex[place.index] = undefined;
    this.#free.push(place.index);
    const bindings = this.#groups.get(place.group);
    const domains = bindings?.get(place.binding)?.domains;
    domains?.delete(place.domain);
    if (domains?.size === 0) bindings?.delete(place.binding);
    if (bindings?.size === 0) this.#groups.delete(place.group);
  }

  /** All of them, binding by binding. */
  *[Symbol.iterator](): IterableIterator<Place> {
    for (const bindings of this.#groups.values()) for (const { domains } of bindings.values()) yield* domains.values();
  }

  get size(): number {
    return this.#byIndex.length - this.#free.length;
  }

  #addBinding(group: string, binding: string): OfBinding {
    const added = { group, binding, domains: new Map<string, Place>() };
    const bindings = this.#groups.get(group);
    if (bindings) bindings.set(binding, added);
    else this.#groups.set(group, new Map([[binding, added]]));
    return added;
  }

  #add({ group, binding, domains }: OfBinding, domain: string): Place {
    const index = this.#free.pop() ?? this.#byIndex.length;
    const place: Place = Object.freeze({ group, binding, domain, index });
    domains.set(domain, place);
    this.#byIndex[index] = place;
    return place;
  }
}
