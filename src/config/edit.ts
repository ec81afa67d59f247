/** Changes a file's text through its tree: what is not touched stays as it is, byte for byte. */
import { makeAssign, makeStanza, makeValue } from './build.js';
import type { Raw } from './option.js';
import { type Parsed, parse } from './parse.js';
import { printEntry, printValue } from './print.js';
import { isStep, type ScopePath } from './scope-path.js';
import { tokensIn, tokensOf } from './tokens.js';
import type { Assign, Entry, Stanza, Token, Tree, Value } from './tree.js';

/** Sets an option in a scope of this file: in place where it is written (the last time), else as a new line at the scope's end. Missing stanzas are added. */
export function setOption(tree: Tree, path: ScopePath, name: string, value: Raw): Parsed {
  const text = new EditableText(tree);
  const scopes = findScopes(tree, path);
  const written = scopes.flatMap((scope) => assignsIn(scope, name)).at(-1);
  const made = makeValue(value, '');
  if (written) text.replace(written.value, printValue(made));
  else text.addAt(tree, path, makeAssign(name, makeValue(value)));
  return text.read();
}

/** Takes an option out of a scope of this file, wherever in it it is written. Nothing changes when it is not there. */
export function unsetOption(tree: Tree, path: ScopePath, name: string): Parsed {
  const text = new EditableText(tree);
  for (const scope of findScopes(tree, path)) for (const assign of assignsIn(scope, name)) text.remove(assign);
  return text.read();
}

/** Adds an empty stanza, and those around it that are missing. Nothing changes when it is there. */
export function addStanza(tree: Tree, path: ScopePath): Parsed {
  const text = new EditableText(tree);
  if (path.length > 0 && findScopes(tree, path).length === 0) text.addAt(tree, path, undefined);
  return text.read();
}

/** Takes a stanza out of this file, with all it holds. */
export function removeStanza(tree: Tree, path: ScopePath): Parsed {
  const text = new EditableText(tree);
  if (path.length > 0) for (const scope of findScopes(tree, path)) if (scope.kind === 'stanza') text.remove(scope);
  return text.read();
}

type Holder = Tree & { readonly kind?: undefined };
type ScopeText = Holder | Stanza;

/** The stanzas of this file that the path names: the same one may stand in several places. */
function findScopes(tree: Tree, path: ScopePath): readonly ScopeText[] {
  let scopes: readonly ScopeText[] = [tree];
  let parent = 'global';
  for (const step of path) {
    const around = parent;
    scopes = scopes.flatMap((scope) => scope.entries.filter((entry) => entry.kind === 'stanza' && isStep(entry, step, around)) as Stanza[]);
    parent = step.keyword.toLowerCase();
  }
  return scopes;
}

const assignsIn = (scope: ScopeText, name: string): readonly Assign[] =>
  scope.entries.filter((entry): entry is Assign => entry.kind === 'assign' && entry.name.text.toLowerCase() === name.toLowerCase());

/** The text of a tree with the place of every token, and the changes gathered so far. */
class EditableText {
  readonly #tree: Tree;
  readonly #text: string;
  readonly #ends = new Map<Token, number>();
  readonly #newline: string;
  readonly #changes: { from: number; to: number; text: string }[] = [];

  constructor(tree: Tree) {
    this.#tree = tree;
    let text = '';
    for (const token of tokensOf(tree)) {
      text += token.before + token.raw;
      this.#ends.set(token, text.length);
    }
    this.#text = text;
    this.#newline = text.includes('\r\n') ? '\r\n' : '\n';
  }

  read(): Parsed {
    const changes = this.#changes.sort((a, b) => b.from - a.from);
    const text = changes.reduce((now, { from, to, text: put }) => now.slice(0, from) + put + now.slice(to), this.#text);
    return parse(text, this.#tree.source.path);
  }

  replace(value: Value, text: string): void {
    const [first, last] = edgesOf(value);
    this.#change(this.#startOf(first), this.#endOf(last), text);
  }

  /** Takes an entry out: with its whole lines when nothing but a comment shares them. */
  remove(entry: Assign | Stanza): void {
    const [first, last] = edgesOf(entry);
    let from = this.#startOf(first);
    let to = this.#endOf(last);
    const lineStart = this.#lineStart(from);
    const rest = /^[ \t]*(#[^\r\n]*)?(\r?\n|$)/.exec(this.#text.slice(to));
    const before = this.#text.slice(lineStart, from);
    if (rest && before.trim() === '') {
      from = lineStart;
      to += rest[0].length;
    } else {
      to += /^[ \t]*/.exec(this.#text.slice(to))?.[0].length ?? 0;
    }
    this.#change(from, to, '');
  }

  /** Adds an entry to a scope, with the stanzas on the way that this file lacks; without an entry only these. */
  addAt(tree: Tree, path: ScopePath, entry: Assign | undefined): void {
    let depth = path.length;
    while (depth > 0 && findScopes(tree, path.slice(0, depth)).length === 0) depth--;
    const scope = findScopes(tree, path.slice(0, depth)).at(-1) ?? tree;
    const indent = this.#indentIn(scope);
    const missing = path.slice(depth);
    const nest = (level: number): Entry => {
      const before = `${this.#newline}${indent}${'  '.repeat(level)}`;
      const step = missing[level];
      if (step) return makeStanza(step.keyword, step.instance, level + 1 < missing.length || entry ? [nest(level + 1)] : [], before);
      return { ...(entry as Assign), name: { ...(entry as Assign).name, before } };
    };
    this.#append(scope, printEntry(nest(0)).trim(), indent);
  }

  #append(scope: ScopeText, text: string, indent: string): void {
    const at = scope.kind === 'stanza' ? this.#startOf(scope.close) : this.#text.length;
    const lineStart = this.#lineStart(at);
    const before = this.#text.slice(0, at);
    if (scope.kind !== 'stanza')
      this.#change(at, at, `${before === '' || before.endsWith('\n') ? '' : this.#newline}${text}${this.#newline}`);
    else if (lineStart > 0 && before.slice(lineStart).trim() === '') this.#change(lineStart, lineStart, `${indent}${text}${this.#newline}`);
    else this.#change(at, at, `${/\s$/.test(before) ? '' : ' '}${text} `);
  }

  /** The indentation of entries in a scope: that of its last entry with a line of its own, else two more than the scope's. */
  #indentIn(scope: ScopeText): string {
    for (const entry of [...scope.entries].reverse()) {
      const start = this.#startOf(edgesOf(entry)[0]);
      const before = this.#text.slice(this.#lineStart(start), start);
      if (before.trim() === '' && (start === 0 || this.#lineStart(start) > 0 || scope.kind !== 'stanza')) return before;
    }
    if (scope.kind !== 'stanza') return '';
    const start = this.#startOf(scope.keyword);
    return `${/^[ \t]*/.exec(this.#text.slice(this.#lineStart(start)))?.[0] ?? ''}  `;
  }

  #change(from: number, to: number, text: string): void {
    this.#changes.push({ from, to, text });
  }

  #endOf(token: Token): number {
    return this.#ends.get(token) ?? this.#text.length;
  }

  #startOf(token: Token): number {
    return this.#endOf(token) - token.raw.length;
  }

  #lineStart(offset: number): number {
    return this.#text.lastIndexOf('\n', offset - 1) + 1;
  }
}

/** The first and last token of an entry or value. */
function edgesOf(node: Entry | Value): readonly [first: Token, last: Token] {
  const tokens = [...tokensIn(node)];
  const [first = nothing] = tokens;
  return [first, tokens.at(-1) ?? first];
}

const nothing: Token = makeAssign('', makeValue('')).name;
