/** Connections that have nothing to do at the moment, by what they can be used for. */
import type { Link } from './link.js';
import type { Station } from './station.js';

/** How many of the longest idle are looked at when somebody needs a slot. */
const LOOKED_AT = 64;

export class IdlePool {
  readonly #byKey = new Map<string, Set<Link>>();
  /** Longest idle first. */
  readonly #all = new Set<Link>();
  /** Places that would take such a connection. */
  readonly #wanted = new Map<string, Set<Station>>();

  get size(): number {
    return this.#all.size;
  }

  add(link: Link): void {
    this.#all.add(link);
    const same = this.#byKey.get(link.poolKey);
    if (same) same.add(link);
    else this.#byKey.set(link.poolKey, new Set([link]));
  }

  remove(link: Link): void {
    if (!this.#all.delete(link)) return;
    const same = this.#byKey.get(link.poolKey);
    same?.delete(link);
    if (same?.size === 0) this.#byKey.delete(link.poolKey);
  }

  /** Any idle connection of this kind. */
  find(key: string): Link | undefined {
    return this.#byKey.get(key)?.values().next().value;
  }

  /** The longest idle connection that holds a slot of this counter. */
  findHolder(limitKey: string): Link | undefined {
    let looked = 0;
    for (const link of this.#all) {
      if (link.holds(limitKey)) return link;
      if (++looked === LOOKED_AT) return undefined;
    }
    return undefined;
  }

  /** A place waits for a slot; it would take over a connection of this kind. */
  want(key: string, station: Station): void {
    const stations = this.#wanted.get(key);
    if (stations) stations.add(station);
    else this.#wanted.set(key, new Set([station]));
    station.wants.add(key);
  }

  /** The place that has waited longest for a connection of this kind. */
  wanting(key: string): Station | undefined {
    return this.#wanted.get(key)?.values().next().value;
  }

  /** The place waits no more. */
  unwant(station: Station): void {
    for (const key of station.wants) {
      const stations = this.#wanted.get(key);
      stations?.delete(station);
      if (stations?.size === 0) this.#wanted.delete(key);
    }
    station.wants.clear();
  }
}
