/**
 * Runs chains of handlers: synchronous as long as they are, no way to fail open, one clock entry a pending run.
 * A chain is frozen when it is made; a reload makes new chains.
 */
import type { Watch } from '../kernel/watch.js';
import type { Hook, Later, Run } from './hook.js';
import { type Placed, SAMPLE_EVERY } from './placed.js';
import type { Ending, Verdict } from './verdict.js';

/** What the engine needs around it. */
export interface Guard {
  /** Coarse deadlines; one entry per pending run. */
  readonly watch: Watch;
  /** Monotonic milliseconds. */
  mono(): number;
  /** A handler threw, was late or answered nonsense. */
  failed(placed: Placed, error: unknown): void;
  /** Longest time one run may take over all its handlers, in milliseconds. */
  readonly runLimitMs: number;
}

const VERBS: ReadonlySet<string> = new Set(['accept', 'reject', 'tempfail', 'discard', 'quarantine', 'disconnect', 'deliver']);

const isLater = (x: unknown): x is PromiseLike<unknown> =>
  x !== null && (typeof x === 'object' || typeof x === 'function') && typeof (x as { then?: unknown }).then === 'function';

/** The lazily made signal of one run; it ends with the run. */
class OneRun implements Run {
  #abort: AbortController | undefined;

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    return this.#abort.signal;
  }

  end(): void {
    this.#abort?.abort();
  }
}

/** Facts of a connection, of which one may switch a module off. */
interface Bypasses {
  readonly size: number;
  get(key: string): string | undefined;
}

const isBypassed = (bypasses: Bypasses | undefined, placed: Placed): boolean => bypasses?.get(placed.bypass) === 'true';

/** What the facts of the connection switch off, or nothing; most connections carry no facts at all. */
const bypassesOf = (subject: unknown): Bypasses | undefined => {
  const about = subject as { facts?: Bypasses; reception?: { facts?: Bypasses } };
  const facts = about?.reception?.facts ?? about?.facts;
  return facts && facts.size > 0 ? facts : undefined;
};

abstract class Chain {
  readonly hook: Hook;
  readonly placed: readonly Placed[];
  protected readonly guard: Guard;

  constructor(hook: Hook, placed: readonly Placed[], guard: Guard) {
    this.hook = hook;
    this.placed = Object.freeze([...placed]);
    this.guard = guard;
  }

  /** No handler: callers may spare themselves the work of making arguments. */
  get empty(): boolean {
    return this.placed.length === 0;
  }

  /** Calls one handler; a throw is reported and comes back as FAILED. */
  protected call(placed: Placed, a: unknown, b: unknown, c: unknown, d: unknown, run: Run | undefined): unknown {
    const timed = placed.calls++ % SAMPLE_EVERY === 0;
    const began = timed ? this.guard.mono() : 0;
    try {
      return invoke(placed.run, placed.hook.arity, a, b, c, d, run);
    } catch (error) {
      this.fault(placed, error);
      return FAILED;
    } finally {
      if (timed) placed.latency.add((this.guard.mono() - began) * 1000);
    }
  }

  protected fault(placed: Placed, error: unknown): void {
    placed.errors++;
    this.guard.failed(placed, error);
  }

  /** Waits for a handler's promise within its own time and the run's. FAILED when it rejects or is late. */
  protected async settle(placed: Placed, pending: PromiseLike<unknown>, endsAt: number): Promise<unknown> {
    const { guard } = this;
    const limit = Math.min(guard.mono() + placed.limitMs, endsAt);
    let late = (_: unknown): void => {};
    const lateness = new Promise<unknown>((_, fail) => {
      late = fail;
    });
    const entry = { dueAt: limit, expire: () => late(new Error(`no answer from ${placed.owner} in time`)) };
    guard.watch.add(entry);
    try {
      return await Promise.race([pending, lateness]);
    } catch (error) {
      this.fault(placed, error);
      return FAILED;
    } finally {
      guard.watch.remove(entry);
    }
  }
}

/** Stands for "this handler gave no usable answer". */
const FAILED = Symbol('failed');

function invoke(f: Placed['run'], arity: number, a: unknown, b: unknown, c: unknown, d: unknown, run: Run | undefined): unknown {
  switch (arity) {
    case 0:
      return f(run);
    case 1:
      return f(a, run);
    case 2:
      return f(a, b, run);
    case 3:
      return f(a, b, c, run);
    default:
      return f(a, b, c, d, run);
  }
}

/** Gates: the first ending verdict wins; quarantine marks and goes on. */
export class AskChain<A extends readonly unknown[]> extends Chain {
  run(...args: A): Later<Verdict> {
    const { placed } = this;
    if (placed.length === 0) return undefined;
    const [a, b, c]: readonly unknown[] = args;
    const run = new OneRun();
    const bypasses = bypassesOf(a);
    for (let i = 0; i < placed.length; i++) {
      const handler = placed[i] as Placed;
      if (isBypassed(bypasses, handler)) continue;
      const answer = this.call(handler, a, b, c, undefined, run);
      if (answer === undefined) continue;
      if (isLater(answer)) return this.#runLater(i, answer, a, b, c, run, bypasses);
      const verdict = this.#weigh(answer, handler, a, b, c);
      if (verdict) return verdict;
    }
    return undefined;
  }

  async #runLater(
    from: number,
    pending: PromiseLike<unknown>,
    a: unknown,
    b: unknown,
    c: unknown,
    run: OneRun,
    bypasses: Bypasses | undefined,
  ): Promise<Verdict> {
    const endsAt = this.guard.mono() + this.guard.runLimitMs;
    let answer: unknown = pending;
    try {
      for (let i = from; ; ) {
        const handler = this.placed[i] as Placed;
        if (isLater(answer)) answer = await this.settle(handler, answer, endsAt);
        const verdict = this.#weigh(answer, handler, a, b, c);
        if (verdict) return verdict;
        do i++;
        while (i < this.placed.length && isBypassed(bypasses, this.placed[i] as Placed));
        if (i >= this.placed.length) return undefined;
        answer = this.call(this.placed[i] as Placed, a, b, c, undefined, run);
      }
    } finally {
      run.end();
    }
  }

  /** An ending verdict or nothing. Whatever is no verdict is the handler's error. */
  #weigh(answer: unknown, handler: Placed, a: unknown, b: unknown, c: unknown): Verdict {
    if (answer === undefined) return undefined;
    let said = answer as Ending;
    if (answer === FAILED || answer === null || typeof answer !== 'object' || !VERBS.has(said.do) || !isWhole(said, this.hook)) {
      if (answer !== FAILED) this.fault(handler, new TypeError('the answer is no verdict'));
      if (handler.onError === undefined) return undefined;
      said = handler.onError as Ending;
    }
    if (said.do === 'quarantine') {
      quarantineOf(a, b, c)?.(said.reason);
      return undefined;
    }
    return said.do === 'accept' ? said : { ...said, by: handler.owner };
  }
}

/** A refusal without a reply, an ending without its reason, or a delivery where nothing can be delivered, is no verdict. */
const isWhole = (said: Ending, hook: Hook): boolean => {
  switch (said.do) {
    case 'accept':
      return true;
    case 'discard':
    case 'quarantine':
      return typeof said.reason === 'string';
    case 'deliver':
      return hook.delivers === true && typeof said.deliver === 'function' && said.limitSeconds > 0 && Number.isFinite(said.limitSeconds);
    default:
      return typeof said.reply === 'object' && said.reply !== null && said.reply.code >= 400 && said.reply.code < 600;
  }
};

/** The draft among the arguments, to be marked. */
const quarantineOf = (...subjects: unknown[]): ((reason: string) => void) | undefined => {
  for (const subject of subjects) {
    const draft = subject as { quarantine?: (reason: string) => void } | null | undefined;
    if (typeof draft?.quarantine === 'function') return (reason) => draft.quarantine?.(reason);
  }
  return undefined;
};

/** Choices: the first value wins, a handler that fails is skipped. */
export class FirstChain<A extends readonly unknown[], R> extends Chain {
  run(...args: A): Later<R | undefined> {
    const { placed } = this;
    if (placed.length === 0) return undefined;
    const [a, b]: readonly unknown[] = args;
    const run = new OneRun();
    for (let i = 0; i < placed.length; i++) {
      const answer = this.call(placed[i] as Placed, a, b, undefined, undefined, run);
      if (isLater(answer)) return this.#runLater(i, answer, a, b, run);
      if (answer !== undefined && answer !== FAILED) return answer as R;
    }
    return undefined;
  }

  async #runLater(from: number, pending: PromiseLike<unknown>, a: unknown, b: unknown, run: OneRun): Promise<R | undefined> {
    const endsAt = this.guard.mono() + this.guard.runLimitMs;
    let answer: unknown = pending;
    try {
      for (let i = from; i < this.placed.length; ) {
        if (isLater(answer)) answer = await this.settle(this.placed[i] as Placed, answer, endsAt);
        if (answer !== undefined && answer !== FAILED) return answer as R;
        if (++i < this.placed.length) answer = this.call(this.placed[i] as Placed, a, b, undefined, undefined, run);
      }
      return undefined;
    } finally {
      run.end();
    }
  }
}

/** Values passed along; a handler that fails leaves the value as it was. */
export class FoldChain<V, A extends readonly unknown[]> extends Chain {
  run(value: V, ...args: A): Later<V> {
    const { placed } = this;
    if (placed.length === 0) return value;
    const [b, c]: readonly unknown[] = args;
    const run = new OneRun();
    let current = value;
    for (let i = 0; i < placed.length; i++) {
      const answer = this.call(placed[i] as Placed, current, b, c, undefined, run);
      if (isLater(answer)) return this.#runLater(i, answer, current, b, c, run);
      if (answer !== undefined && answer !== FAILED) current = answer as V;
    }
    return current;
  }

  async #runLater(from: number, pending: PromiseLike<unknown>, value: V, b: unknown, c: unknown, run: OneRun): Promise<V> {
    const endsAt = this.guard.mono() + this.guard.runLimitMs;
    let current = value;
    let answer: unknown = pending;
    try {
      for (let i = from; i < this.placed.length; ) {
        if (isLater(answer)) answer = await this.settle(this.placed[i] as Placed, answer, endsAt);
        if (answer !== undefined && answer !== FAILED) current = answer as V;
        if (++i < this.placed.length) answer = this.call(this.placed[i] as Placed, current, b, c, undefined, run);
      }
      return current;
    } finally {
      run.end();
    }
  }
}

/** Listeners: every one is told, none can answer; a promise from one is an error of that one. */
export class TellChain<A extends readonly unknown[]> extends Chain {
  run(...args: A): void {
    const { placed } = this;
    if (placed.length === 0) return;
    const [a, b, c, d]: readonly unknown[] = args;
    for (let i = 0; i < placed.length; i++) {
      const handler = placed[i] as Placed;
      const answer = this.call(handler, a, b, c, d, undefined);
      if (!isLater(answer)) continue;
      this.fault(handler, new TypeError('a tell handler must not be async'));
      answer.then(undefined, () => {});
    }
  }
}

export type ChainOf<H> =
  H extends Hook<infer K, infer A, infer R>
    ? K extends 'ask'
      ? AskChain<A>
      : K extends 'first'
        ? FirstChain<A, NonNullable<R>>
        : K extends 'fold'
          ? A extends readonly [infer V, ...infer Rest]
            ? FoldChain<V, Rest>
            : never
          : TellChain<A>
    : never;

/** The chain of a hook over handlers that are already in order. */
export function makeChain<H extends Hook>(hook: H, placed: readonly Placed[], guard: Guard): ChainOf<H> {
  // The kind is a value and the class follows from it; the compiler cannot see that they belong together.
  return chainOf(hook, placed, guard) as ChainOf<H>;
}

function chainOf(hook: Hook, placed: readonly Placed[], guard: Guard): unknown {
  switch (hook.kind) {
    case 'ask':
      return new AskChain(hook, placed, guard);
    case 'first':
      return new FirstChain(hook, placed, guard);
    case 'fold':
      return new FoldChain(hook, placed, guard);
    case 'tell':
      return new TellChain(hook, placed, guard);
  }
}
