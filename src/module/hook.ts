/** What a hook is: four kinds, a name, a sentence, the Momentum callout it answers to, and the types of what it carries. */
import type { Verdict } from './verdict.js';

/** ask: a gate, first ending verdict wins · first: a choice, first value wins · fold: a value is passed along · tell: nothing comes back. */
export type Kind = 'ask' | 'first' | 'fold' | 'tell';

/** The worker that has the message, or exactly one process (facts then arrive batched). */
export type Where = 'here' | 'once';

/** Handlers of one hook run in this order of classes, then in file order. */
export const ORDERS = ['first', 'early', 'normal', 'late', 'last'] as const;
export type Order = (typeof ORDERS)[number];

/** What a running handler may use: a signal that ends with its deadline. Made when first asked for, so synchronous handlers cost nothing. */
export interface Run {
  readonly signal: AbortSignal;
}

/** Momentum's name of a callout and how its arguments are laid out. */
export interface Callout {
  readonly name: string;
  readonly args: readonly string[];
}

export interface Hook<K extends Kind = Kind, A extends readonly unknown[] = readonly unknown[], R = unknown> {
  readonly name: string;
  readonly kind: K;
  /** How many arguments a handler gets before its Run. */
  readonly arity: number;
  readonly doc: string;
  readonly callout: Callout | undefined;
  /** An `ask` that takes the verdict `deliver`. */
  readonly delivers?: boolean;
  /** Types only; never set. */
  readonly '~'?: [A, R];
}

export type Later<T> = T | Promise<T>;

/** The function a module hands in for a hook. A `tell` handler is refused when it is async. */
export type Handler<H> =
  H extends Hook<infer K, infer A, infer R> ? (K extends 'tell' ? (...args: A) => void : (...args: [...A, run: Run]) => Later<R>) : never;

interface Given {
  readonly doc: string;
  readonly callout?: Callout;
  readonly delivers?: boolean;
}

const declare =
  <K extends Kind>(kind: K) =>
  (name: string, arity: number, given: Given) => ({
    name,
    kind,
    arity,
    doc: given.doc,
    callout: given.callout,
    delivers: given.delivers === true,
  });

/** Declares a gate. */
export const ask = <A extends readonly unknown[]>(name: string, arity: A['length'], given: Given): Hook<'ask', A, Verdict> =>
  declare('ask')(name, arity, given);

/** Declares a choice: undefined means "not me". */
export const first = <A extends readonly unknown[], R>(name: string, arity: A['length'], given: Given): Hook<'first', A, R | undefined> =>
  declare('first')(name, arity, given);

/** Declares a value that handlers may replace one after the other; nothing means unchanged. The arity counts the value. */
export const fold = <V, A extends readonly unknown[]>(
  name: string,
  arity: number,
  given: Given,
): Hook<'fold', [value: V, ...A], V | undefined | void> => declare('fold')(name, arity, given);

/** Declares something that is only told. */
export const tell = <A extends readonly unknown[]>(name: string, arity: A['length'], given: Given): Hook<'tell', A, void> =>
  declare('tell')(name, arity, given);
