/** The tokens of a tree in the order of the text. */
import type { Entry, Token, Tree, Value } from './tree.js';

/** Every token of a file; the last one carries what stands behind the last entry. */
export function* tokensOf(tree: Tree): IterableIterator<Token> {
  for (const entry of tree.entries) yield* tokensIn(entry);
  yield tree.end;
}

/** Every token of an entry or a value. */
export function* tokensIn(node: Entry | Value): IterableIterator<Token> {
  switch (node.kind) {
    case 'assign':
      yield node.name;
      if (node.equals) yield node.equals;
      yield* tokensIn(node.value);
      return;
    case 'include':
      yield node.keyword;
      yield node.path;
      return;
    case 'skipped':
      yield* node.tokens;
      return;
    case 'stanza':
      yield* [node.keyword, node.equals, node.instance, node.equalsAfter, node.open].filter((token) => token !== undefined);
      for (const entry of node.entries) yield* tokensIn(entry);
      yield node.close;
      return;
    case 'list':
      yield node.open;
      yield* node.items;
      yield node.close;
      return;
    case 'dict':
      yield node.open;
      for (const pair of node.pairs) {
        yield pair.key;
        if (pair.equals) yield pair.equals;
        yield* tokensIn(pair.value);
      }
      if (node.lost) yield* node.lost;
      yield node.close;
      return;
    default:
      yield node;
  }
}
