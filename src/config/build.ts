/** Makes nodes of the tree that no file holds, spelled so that reading them gives the same. */
import type { Raw } from './option.js';
import { quote, quoteAlways } from './quote.js';
import { nowhere, Source } from './source.js';
import type { Assign, Entry, Scalar, Stanza, Token, TokenKind, Tree, Value } from './tree.js';

const makeToken = (kind: TokenKind, raw: string, before = ' ', text = raw): Token => ({ kind, before, raw, text, at: nowhere });

/** A scalar: bare where that is possible, unless `quoted`. */
export function makeScalar(text: string, { before = ' ', quoted = false }: { before?: string; quoted?: boolean } = {}): Scalar {
  const raw = quoted ? quoteAlways(text) : quote(text);
  const kind = raw.startsWith('"') ? 'double' : raw.startsWith("'") ? 'single' : 'word';
  return { kind, before, raw, text, at: nowhere };
}

/** A value from its texts: a string, a list of them, or a dictionary. */
export function makeValue(raw: Raw, before = ' '): Value {
  if (typeof raw === 'string') return makeScalar(raw, { before });
  if (Array.isArray(raw)) {
    const items = raw.map((item: Raw) => makeScalar(String(item)));
    return { kind: 'list', open: makeToken('(', '(', before), items, close: makeToken(')', ')') };
  }
  const pairs = Object.entries(raw).map(([key, value]) => ({ key: makeScalar(key), equals: makeToken('=', '='), value: makeValue(value) }));
  return { kind: 'dict', open: makeToken('[', '[', before), pairs, close: makeToken(']', ']') };
}

/** `name = value`; `before` is what stands in front, a new line as a rule. */
export function makeAssign(name: string, value: Value, before = '\n'): Assign {
  return { kind: 'assign', name: makeToken('word', name, before), equals: makeToken('=', '='), value };
}

/** `keyword "instance" { … }` with its closing brace on a line of its own when it holds anything. */
export function makeStanza(keyword: string, instance: string | undefined, entries: readonly Entry[], before = '\n'): Stanza {
  return {
    kind: 'stanza',
    keyword: makeToken('word', keyword, before),
    ...(instance === undefined ? {} : { instance: makeScalar(instance, { quoted: true }) }),
    open: makeToken('{', '{'),
    entries,
    close: makeToken('}', '}', entries.length > 0 ? before : ' '),
  };
}

/** A whole file. */
export function makeTree(entries: readonly Entry[], path = ''): Tree {
  return { source: new Source(path, ''), entries, end: makeToken('end', '', '\n', '') };
}
