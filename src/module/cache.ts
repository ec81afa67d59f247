/** Bounded caches with times to live, listed and emptied by name. */
import type { Clock } from '../kernel/clock.js';
import { Lru } from '../kernel/lru.js';
import type { Cache } from './manifest.js';

interface Entry<V> {
  readonly value: V | undefined;
  readonly error: unknown;
  readonly expiresAt: number;
}

/** Least recently used goes first; misses are remembered for a time of their own. */
export class NamedCache<V> implements Cache<V> {
  readonly #ttl: { readonly hit: number; readonly miss: number };
  readonly #clock: Clock;
  readonly #entries: Lru<Entry<V>>;
  readonly #pending = new Map<string, Promise<V>>();

  constructor(entries: number, secondsToLive: { readonly hit: number; readonly miss: number }, clock: Clock) {
    this.#entries = new Lru({ capacity: Math.max(1, entries) });
    this.#ttl = secondsToLive;
    this.#clock = clock;
  }

  async get(key: string, make: () => Promise<V>): Promise<V> {
    const known = this.#fresh(key);
    if (known) {
      if (known.error !== undefined) throw known.error;
      return known.value as V;
    }
    const running = this.#pending.get(key);
    if (running) return running;
    const made = make();
    this.#pending.set(key, made);
    try {
      const value = await made;
      this.#entries.set(key, { value, error: undefined, expiresAt: this.#clock.mono() + 1000 * this.#ttl.hit });
      return value;
    } catch (error) {
      this.#entries.set(key, {
        value: undefined,
        error: error ?? new Error('unknown'),
        expiresAt: this.#clock.mono() + 1000 * this.#ttl.miss,
      });
      throw error;
    } finally {
      this.#pending.delete(key);
    }
  }

  peek(key: string): V | undefined {
    return this.#fresh(key)?.value;
  }

  clear(): number {
    const { size } = this.#entries;
    this.#entries.clear();
    return size;
  }

  get size(): number {
    return this.#entries.size;
  }

  #fresh(key: string): Entry<V> | undefined {
    const entry = this.#entries.get(key);
    if (!entry || entry.expiresAt > this.#clock.mono()) return entry;
    this.#entries.delete(key);
    return undefined;
  }
}

interface Listed {
  readonly cache: { clear(): number; readonly size: number };
  readonly owner: object;
}

/** All caches there are, by name. While a new configuration is being prepared a name may have two; both count. */
export class CacheBook {
  readonly #caches = new Map<string, readonly Listed[]>();

  add(name: string, cache: Listed['cache'], owner: object): void {
    this.#caches.set(name, [...(this.#caches.get(name) ?? []), { cache, owner }]);
  }

  removeAllOf(owner: object): void {
    for (const [name, listed] of this.#caches) {
      const left = listed.filter((entry) => entry.owner !== owner);
      if (left.length === 0) this.#caches.delete(name);
      else this.#caches.set(name, left);
    }
  }

  /** Empties a cache and answers how many entries went; undefined when there is none of that name. */
  clear(name: string): number | undefined {
    return this.#caches.get(name)?.reduce((sum, { cache }) => sum + cache.clear(), 0);
  }

  names(): readonly string[] {
    return [...this.#caches.keys()];
  }

  sizes(): readonly { readonly name: string; readonly entries: number }[] {
    return [...this.#caches].map(([name, listed]) => ({ name, entries: listed.reduce((sum, { cache }) => sum + cache.size, 0) }));
  }
}
