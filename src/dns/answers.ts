/** The memory of a resolver: answers by name and type, each for its time, and names that do not exist for all types at once. */
import type { Clock } from '../kernel/clock.js';
import { Lru } from '../kernel/lru.js';
import { type Answer, hasFailed } from './answer.js';
import type { AnyRecord } from './resolver.js';

export interface AnswerRules {
  /** Bounds of what a server says, in seconds (min_dns_ttl, max_dns_ttl). */
  readonly minTtlSeconds: number;
  readonly maxTtlSeconds: number;
}

/** Whatever the bounds say: a lie must not outlive a week (RFC 8767 4), nor an absence an hour (RFC 2308 5). */
const LONGEST_SECONDS = 604_800;
const LONGEST_ABSENCE_SECONDS = 3600;
/** An absence without an SOA, and any failure (RFC 9520 3.2 asks for at least one second). */
export const SHORT_SECONDS = 5;

interface Kept {
  readonly answer: Answer<AnyRecord>;
  readonly untilMs: number;
}

export class Answers {
  readonly #clock: Pick<Clock, 'mono'>;
  readonly #rules: () => AnswerRules;
  readonly #kept: Lru<Kept>;

  constructor(clock: Pick<Clock, 'mono'>, rules: () => AnswerRules, capacity: number) {
    this.#clock = clock;
    this.#rules = rules;
    this.#kept = new Lru({ capacity, clock });
  }

  get size(): number {
    return this.#kept.size;
  }

  /** What is known, with the time that is left; undefined when it has to be asked. */
  recall(name: string, type: string): Answer<AnyRecord> | undefined {
    const kept = this.#kept.get(keyOf(name, type)) ?? this.#kept.get(keyOf(name, '*'));
    if (!kept) return undefined;
    const ttlSeconds = Math.max(0, Math.ceil((kept.untilMs - this.#clock.mono()) / 1000));
    return hasFailed(kept.answer) ? { ...kept.answer, ttlSeconds, fresh: false } : { ...kept.answer, ttlSeconds };
  }

  /** Bounds the answer's time, remembers it, and gives it back. `forAllTypes`: the name itself does not exist (RFC 8020). */
  keep(name: string, type: string, answer: Answer<AnyRecord>, forAllTypes: boolean): Answer<AnyRecord> {
    const ttlSeconds = this.#bound(answer);
    const bounded = { ...answer, ttlSeconds };
    const ttlMs = ttlSeconds * 1000;
    this.#kept.set(keyOf(name, forAllTypes ? '*' : type), { answer: bounded, untilMs: this.#clock.mono() + ttlMs }, ttlMs);
    return bounded;
  }

  /** Forgets one name, or all; answers how many answers went. */
  forget(name?: string): number {
    if (name === undefined) return this.#kept.clear();
    const keys = [...this.#kept.entries()].map(([key]) => key).filter((key) => key.slice(key.indexOf(' ') + 1) === name);
    for (const key of keys) this.#kept.delete(key);
    return keys.length;
  }

  /** Throws out what is old. */
  sweep(): number {
    return this.#kept.sweep();
  }

  #bound(answer: Answer<unknown>): number {
    if (hasFailed(answer)) return answer.ttlSeconds;
    const { minTtlSeconds, maxTtlSeconds } = this.#rules();
    const most = answer.kind === 'found' ? LONGEST_SECONDS : LONGEST_ABSENCE_SECONDS;
    return Math.min(most, maxTtlSeconds, Math.max(minTtlSeconds, answer.ttlSeconds));
  }
}

const keyOf = (name: string, type: string): string => `${type} ${name}`;
