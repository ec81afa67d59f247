/** Values of the tree as options want them, and the way back from an item to its place. */
import type { Raw } from './option.js';
import { headOf, type Token, type Value } from './tree.js';

/** The value without its spelling. */
export function rawOf(value: Value): Raw {
  if (value.kind === 'list') return value.items.map((item) => item.text);
  if (value.kind !== 'dict') return value.text;
  const record: Record<string, Raw> = Object.create(null);
  for (const pair of value.pairs) record[pair.key.text] = rawOf(pair.value);
  return record;
}

/** The token of an item that an OptionError's path names; the value's first token when it names none. */
export function tokenWithin(value: Value, path: readonly (string | number)[]): Token {
  const [key, ...rest] = path;
  if (key === undefined) return headOf(value);
  if (value.kind === 'list') return (typeof key === 'number' ? value.items[key] : undefined) ?? value.open;
  if (value.kind !== 'dict') return value;
  const pair = value.pairs.findLast((p) => p.key.text === key);
  return pair ? (rest.length > 0 ? tokenWithin(pair.value, rest) : pair.key) : value.open;
}
