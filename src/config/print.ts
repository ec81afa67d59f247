/** Tree to text: every token with what stood before it. For a tree that was read this is the file, byte for byte. */
import { tokensIn, tokensOf } from './tokens.js';
import { type Entry, headOf, type Token, type Tree, type Value } from './tree.js';

function join(tokens: Iterable<Token>): string {
  let text = '';
  for (const token of tokens) text += token.before + token.raw;
  return text;
}

/** The text of a whole file. */
export const print = (tree: Tree): string => join(tokensOf(tree));

/** The text of one entry with what stood before it. */
export const printEntry = (entry: Entry): string => join(tokensIn(entry));

/** The text of a value, without what stood before its first token. */
export const printValue = (value: Value): string => join(tokensIn(value)).slice(headOf(value).before.length);
