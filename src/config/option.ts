/** Options: one declaration gives the type, the default, the check, the spelling, the place in the documents. */
import type { Scope } from './scopes.js';

/** A value as written, before its option has read it. Dictionaries have no prototype. */
export type Raw = string | readonly Raw[] | { readonly [key: string]: Raw };

/** What it would mean to set an option that nothing reads: a false promise, nothing bad, or nothing ever. */
export type Effect = 'restricts' | 'harmless' | 'never';

export interface Option<T, S extends Scope = Scope> {
  /** The kind of value, for people: "duration", "list of networks". */
  readonly type: string;
  /** One sentence and more if needed; the first is the console's help. */
  readonly doc: string;
  /** What holds when nothing sets it; undefined = unset. */
  readonly default: T | undefined;
  /** True when a stanza without it is a mistake. */
  readonly required: boolean;
  readonly reload: 'live' | 'restart';
  /** Where it may be set; none = only in the stanza that declares it. */
  readonly scopes: readonly S[];
  /** Whether Momentum has it too. */
  readonly origin: 'momentum' | 'ours';
  readonly effect: Effect;
  /** Values that promise nothing: with one of them an unread `restricts` option is harmless. */
  readonly loose: readonly unknown[];
  /** How the default or the meaning differs from Momentum, as a sentence. */
  readonly differs: string | undefined;
  /** True when the value must not be shown. */
  readonly hidden: boolean;
  /** Reads a value. Throws OptionError. */
  parse(raw: Raw): T;
  /** The inverse: the value as the configuration would spell it. */
  print(value: T): string;
}

/** A value that does not fit: the sentence, perhaps a remedy, and which item of a list or dictionary it was. */
export class OptionError extends Error {
  readonly hint: string | undefined;
  readonly path: readonly (string | number)[];
  readonly regex: boolean;

  constructor(say: string, more: { hint?: string | undefined; path?: readonly (string | number)[]; regex?: boolean } = {}) {
    super(say);
    this.name = 'OptionError';
    this.hint = more.hint;
    this.path = more.path ?? [];
    this.regex = more.regex ?? false;
  }

  /** The same error, seen from the list or dictionary around the item. */
  within(key: string | number): OptionError {
    return new OptionError(this.message, { hint: this.hint, path: [key, ...this.path], regex: this.regex });
  }
}

/** A set of options by name. */
export type Options = Readonly<Record<string, Option<unknown>>>;

/** The type of one option's value. */
export type ValueOf<O> = O extends Option<infer T> ? T : never;

/** The values of a set of options. */
export type Values<S extends Options> = { readonly [K in keyof S]: ValueOf<S[K]> };

/** What a declaration says, whatever the type of the value. */
export interface Given<T, S extends Scope = Scope> {
  readonly doc: string;
  readonly default?: T;
  readonly required?: boolean;
  readonly reload?: 'live' | 'restart';
  readonly scopes?: readonly S[];
  readonly origin?: 'momentum' | 'ours';
  readonly effect?: Effect;
  readonly loose?: readonly T[];
  readonly differs?: string;
  /** A further check: a sentence when the value is not allowed. */
  readonly check?: (value: T) => string | undefined;
}

/** Declares an option of one kind. With a default or `required` its value is always there. */
export interface Declare<T, More = object> {
  <S extends Scope = never>(given: Given<T, S> & More & ({ readonly default: T } | { readonly required: true })): Option<T, S>;
  <S extends Scope = never>(given: Given<T, S> & More): Option<T | undefined, S>;
}

/** How values of a kind are read and spelled; `given` holds the bounds. */
export interface Kind<T, More> {
  readonly type: string;
  readonly hidden?: boolean;
  parse(raw: Raw, given: Given<T> & More): T;
  print(value: T): string;
}

/** Makes the declaring function of a kind. */
export function declareKind<T, More = object>(kind: Kind<T, More>): Declare<T, More> {
  const declare = <S extends Scope>(given: Given<T, S> & More): Option<T | undefined, S> =>
    Object.freeze({
      type: kind.type,
      doc: given.doc,
      default: given.default,
      required: given.required ?? false,
      reload: given.reload ?? 'live',
      scopes: given.scopes ?? [],
      origin: given.origin ?? 'momentum',
      effect: given.effect ?? 'harmless',
      loose: given.loose ?? [],
      differs: given.differs,
      hidden: kind.hidden ?? false,
      parse(raw: Raw): T {
        const value = kind.parse(raw, given);
        const wrong = given.check?.(value);
        if (wrong !== undefined) throw new OptionError(wrong);
        return value;
      },
      print: (value: T | undefined) => (value === undefined ? '' : kind.print(value)),
    });
  return declare as Declare<T, More>;
}
