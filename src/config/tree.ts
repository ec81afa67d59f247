/** The tree of one file. Tokens keep what stood before them, so that printing the tree gives the file back. */
import type { Source, Spot } from './source.js';

export type ScalarKind = 'word' | 'double' | 'single' | 'regex';
export type TokenKind = ScalarKind | '{' | '}' | '[' | ']' | '(' | ')' | '=' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** Blanks and comments between the token before and this one. */
  readonly before: string;
  /** The token as spelled, quotes and all. */
  readonly raw: string;
  /** What it means: quotes taken off, escapes decoded. A regex that is quoted keeps its slashes, a bare one has none. */
  readonly text: string;
  readonly at: Spot;
}

export interface Scalar extends Token {
  readonly kind: ScalarKind;
}

export interface List {
  readonly kind: 'list';
  readonly open: Token;
  readonly items: readonly Scalar[];
  readonly close: Token;
}

export interface Pair {
  readonly key: Scalar;
  readonly equals?: Token;
  readonly value: Value;
}

export interface Dict {
  readonly kind: 'dict';
  readonly open: Token;
  readonly pairs: readonly Pair[];
  /** Tokens that made no sense, before the closing bracket. */
  readonly lost?: readonly Token[];
  readonly close: Token;
}

export type Value = Scalar | List | Dict;

/** `name = value` */
export interface Assign {
  readonly kind: 'assign';
  readonly name: Token;
  readonly equals?: Token;
  readonly value: Value;
}

/** `keyword instance { … }` */
export interface Stanza {
  readonly kind: 'stanza';
  readonly keyword: Token;
  /** The `=` some write between keyword and instance, or before the brace. */
  readonly equals?: Token;
  readonly instance?: Scalar;
  readonly equalsAfter?: Token;
  readonly open: Token;
  readonly entries: readonly Entry[];
  /** Empty (raw '') when the file ended before the stanza did. */
  readonly close: Token;
}

/** `include "path"` or `readonly_include "path"` */
export interface Include {
  readonly kind: 'include';
  readonly keyword: Token;
  readonly path: Scalar;
  readonly readonly: boolean;
}

/** Tokens that made no sense; kept so that a broken file still prints as it is. */
export interface Skipped {
  readonly kind: 'skipped';
  readonly tokens: readonly Token[];
}

export type Entry = Assign | Stanza | Include | Skipped;

export interface Tree {
  readonly source: Source;
  readonly entries: readonly Entry[];
  /** Carries the blanks and comments after the last entry. */
  readonly end: Token;
}

/** The pattern of a scalar that is a regex, bare or in quotes, without its slashes; undefined for every other scalar. */
export function patternOf(scalar: Pick<Scalar, 'kind' | 'text'>): string | undefined {
  if (scalar.kind === 'regex') return scalar.text;
  if (scalar.kind === 'word') return undefined;
  const { text } = scalar;
  return text.length >= 2 && text.startsWith('/') && text.endsWith('/') ? text.slice(1, -1) : undefined;
}

/** The first token of an entry: where it begins. */
export function startOf(entry: Entry): Token | undefined {
  if (entry.kind === 'assign') return entry.name;
  return entry.kind === 'skipped' ? entry.tokens[0] : entry.keyword;
}

/** The first token of a value. */
export function headOf(value: Value): Token {
  return value.kind === 'list' || value.kind === 'dict' ? value.open : value;
}
