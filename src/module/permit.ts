/** Limits and throttles as counters with a name. One acquire takes all counters of an attempt, or none of them. */

/** A limit on what is held at once, or an exact "N in any S seconds". The key names the scope that wrote it, so all who fall back to it share it. */
export type Limit =
  | { readonly kind: 'slots'; readonly key: string; readonly limit: number }
  | { readonly kind: 'rate'; readonly key: string; readonly count: number; readonly seconds: number };

/** Holds slots until it is released; what it took of a rate is spent. */
export interface Permit {
  release(): void;
}

/** Why there was no permit, and when to look again. */
export interface Shortage {
  /** Key of the counter that was full. */
  readonly key: string;
  /** Milliseconds until a rate allows one more; undefined when a slot has to come free. */
  readonly waitMs: number | undefined;
}

/**
 * Key of a shortage while it is not known whether there is room: the answer is on its way from another process. Who waits is
 * woken when it is there, and asks again.
 */
export const UNDECIDED = 'undecided';

export interface Broker {
  /** Takes one of every limit, or none and tells which was short. Synchronous: with several workers it serves from leases. */
  acquire(limits: readonly Limit[]): Permit | Shortage;
  /**
   * Takes one of every limit in place of what a permit holds. What both name stays taken throughout, so nobody gets it in
   * between. With a shortage the permit stands as it was; otherwise it is spent, unless it is the answer itself.
   */
  exchange(permit: Permit, limits: readonly Limit[]): Permit | Shortage;
  /** Calls back once, as soon as the counter may have room; the caller then tries again. Answers a cancel. */
  wait(shortage: Shortage, wake: () => void): () => void;
  /** In use and allowed, by key: for `explain` and the console. */
  usage(key: string): { readonly used: number; readonly limit: number } | undefined;
}

export const isShortage = (x: Permit | Shortage): x is Shortage => 'key' in x;
