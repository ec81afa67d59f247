/** Tree to text: every token with what stood before it. For a tree that was read this is the file, byte for byte. */
import type { Entry, Token, Tree, Value } from './tree.js';

const printToken = (token: Token | undefined): string => (token ? token.before + token.raw : '');

/** The text of a value, without what stood before its first token. */
export function printValue(value: Value): string {
  return printWhole(value).slice(value.kind === 'list' || value.kind === 'dict' ? value.open.before.length : value.before.length);
}

function printWhole(value: Value): string {
  if (value.kind === 'list') return printToken(value.open) + value.items.map(printToken).join('') + printToken(value.close);
  if (value.kind !== 'dict') return printToken(value);
  const pairs = value.pairs.map((pair) => printToken(pair.key) + printToken(pair.equals) + printWhole(pair.value));
  return printToken(value.open) + pairs.join('') + (value.lost ?? []).map(printToken).join('') + printToken(value.close);
}

/** The text of one entry with what stood before it. */
export function printEntry(entry: Entry): string {
  switch (entry.kind) {
    case 'assign':
      return printToken(entry.name) + printToken(entry.equals) + printWhole(entry.value);
    case 'include':
      return printToken(entry.keyword) + printToken(entry.path);
    case 'skipped':
      return entry.tokens.map(printToken).join('');
    case 'stanza':
      return (
        [entry.keyword, entry.equals, entry.instance, entry.equalsAfter, entry.open].map(printToken).join('') +
        entry.entries.map(printEntry).join('') +
        printToken(entry.close)
      );
  }
}

/** The text of a whole file. */
export function print(tree: Tree): string {
  return tree.entries.map(printEntry).join('') + printToken(tree.end);
}
