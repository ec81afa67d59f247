/** Tokens to a tree. A mistake is reported and skipped, and the rest of the file is read. */
import { Lexer } from './lex.js';
import { type ConfigProblem, type ProblemName, problemAt } from './problem.js';
import { Source } from './source.js';
import type { Assign, Dict, Entry, Include, List, Pair, Scalar, Skipped, Stanza, Token, TokenKind, Tree, Value } from './tree.js';

const MAX_NESTING = 64;
const CLOSERS = { '{': '}', '[': ']', '(': ')' } as const;
/** The beginning of an assignment that cannot be anything else. */
const ASSIGNS = /^[A-Za-z0-9_]+[ \t]*(=[ \t]*[^{\s]|\[)/;
const INCLUDES = /^(readonly_)?include$/i;
const NAMES: Readonly<Record<string, string>> = { '{': 'stanza', '[': 'dictionary', '(': 'list' };

const isScalar = (token: Token): token is Scalar =>
  token.kind === 'word' || token.kind === 'double' || token.kind === 'single' || token.kind === 'regex';
const namesToken = ({ kind, raw }: Token): string => {
  const [line = ''] = raw.split(/[\r\n]/, 1);
  return kind === 'end' ? 'the end of the file' : kind === 'double' || kind === 'single' ? line : `"${line}"`;
};

/** What parsing gives: always a tree, and every mistake against the grammar. */
export interface Parsed {
  readonly tree: Tree;
  readonly problems: readonly ConfigProblem[];
}

/** Reads one text. `path` is only for the problems. */
export function parse(text: string, path = ''): Parsed {
  return parseSource(new Source(path, text));
}

/** Reads one source. */
export function parseSource(source: Source): Parsed {
  const problems: ConfigProblem[] = [];
  const tree = new Parser(source, problems).readTree();
  problems.sort((a, b) => a.line - b.line || a.column - b.column);
  return { tree, problems };
}

const isFirstOnLine = ({ at }: Token): boolean =>
  at.source
    .lineAt(at.line)
    .slice(0, at.column - 1)
    .trim() === '';

class Parser {
  readonly #source: Source;
  readonly #lexer: Lexer;
  readonly #problems: ConfigProblem[];
  #token: Token;
  #depth = 0;
  /** A stanza whose closing brace stands further left than the stanza itself: perhaps that brace was meant for another. */
  #suspect: { readonly keyword: Token; readonly close: Token } | undefined;

  constructor(source: Source, problems: ConfigProblem[]) {
    this.#source = source;
    this.#problems = problems;
    this.#lexer = new Lexer(source, problems);
    this.#token = this.#lexer.next();
  }

  readTree(): Tree {
    const entries = this.#readEntries();
    while (!this.#sees('end')) {
      const stray = this.#take();
      this.#complain('STRAY_BRACE', stray, `Nothing is open that ${namesToken(stray)} could close.`);
      entries.push({ kind: 'skipped', tokens: [stray] });
      for (const entry of this.#readEntries()) entries.push(entry);
    }
    return { source: this.#source, entries, end: this.#token };
  }

  #readEntries(): Entry[] {
    const entries: Entry[] = [];
    while (!this.#sees('end') && !this.#sees('}')) entries.push(...this.#readEntry());
    return entries;
  }

  /** One entry, or the tokens of what should have been one. */
  #readEntry(): Entry[] {
    const taken: Token[] = [];
    if (!this.#sees('word')) {
      const quoted = this.#seesScalar();
      this.#complain('SYNTAX', this.#token, `${namesToken(this.#token)} stands where an option or a stanza should begin.`, {
        hint: quoted ? 'Names of options and stanzas stand without quotes.' : undefined,
      });
      return [this.#skip(taken)];
    }
    const name = this.#take(true);
    taken.push(name);
    if (INCLUDES.test(name.text) && this.#seesScalar()) return [this.#readInclude(name)];
    if (this.#sees('{')) return [this.#readStanza({ keyword: name })];
    if (this.#sees('[')) return [{ kind: 'assign', name, value: this.#readDict() }];
    if (this.#sees('=')) return this.#readAfterEquals(name, taken);
    if (this.#seesScalar()) return this.#readNamed(name, taken);
    return [this.#skip(taken, `${namesToken(this.#token)} stands where "=" or "{" should follow "${name.raw}".`)];
  }

  #readInclude(keyword: Token): Include {
    return { kind: 'include', keyword, path: this.#takeScalar(), readonly: keyword.text.toLowerCase() === 'readonly_include' };
  }

  #readAfterEquals(name: Token, taken: Token[]): Entry[] {
    const equals = this.#take();
    taken.push(equals);
    if (this.#sees('{')) return [this.#readStanza({ keyword: name, equals })];
    if (this.#sees('[')) return [{ kind: 'assign', name, equals, value: this.#readDict() }];
    if (this.#sees('(')) return [{ kind: 'assign', name, equals, value: this.#readList() }];
    if (this.#seesScalar() && !this.#startsNextEntry(equals)) {
      const value = this.#takeScalar();
      if (this.#sees('{')) return [this.#readStanza({ keyword: name, equals, instance: value })];
      const assign: Assign = { kind: 'assign', name, equals, value };
      if (this.#sees('=')) {
        const equalsAfter = this.#take();
        if (this.#sees('{')) return [this.#readStanza({ keyword: name, equals, instance: value, equalsAfter })];
        return [assign, this.#skip([equalsAfter], `"=" follows a value that is already complete.`, undefined, equalsAfter)];
      }
      if (!this.#clings(value)) return [assign];
      return [
        assign,
        this.#skip(
          [],
          `${namesToken(this.#token)} follows a value that is already complete.`,
          'A value with blanks needs quotes, several values need ( … ).',
        ),
      ];
    }
    return [this.#skip(taken, `"${name.raw} =" has no value.`, undefined, name)];
  }

  /** `name =` at the end of a line, and the next line is an assignment of its own: the value was forgotten. */
  #startsNextEntry(equals: Token): boolean {
    return this.#sees('word') && !this.#onSameLine(equals) && ASSIGNS.test(this.#lexer.textFrom(this.#token));
  }

  /** A value with more words behind it on its line, in a way that no entry can begin. */
  #clings(value: Token): boolean {
    if (!this.#seesScalar() || !this.#onSameLine(value) || INCLUDES.test(this.#token.raw)) return false;
    const [, words = '', next = ''] =
      /^([^\r\n#={}[\]()]+)(?:(?=\})|(?:#[^\r\n]*)?(?:\s*(?:\r?\n|$))+)([\s\S]*)$/.exec(this.#lexer.textFrom(this.#token)) ?? [];
    const count = words.trim().split(/\s+/).length;
    if (words === '' || count > 2) return words !== '';
    return next === '' || next.startsWith('}') || (count === 1 ? ASSIGNS : /^\w/).test(next);
  }

  #readNamed(keyword: Token, taken: Token[]): Entry[] {
    const instance = this.#takeScalar();
    taken.push(instance);
    if (this.#sees('{')) return [this.#readStanza({ keyword, instance })];
    if (this.#sees('=')) {
      const equalsAfter = this.#take();
      taken.push(equalsAfter);
      if (this.#sees('{')) return [this.#readStanza({ keyword, instance, equalsAfter })];
    }
    const forgotten = taken.length === 2 && instance.kind !== 'regex';
    return [
      this.#skip(
        taken,
        forgotten
          ? `"=" is missing between "${keyword.raw}" and ${namesToken(instance)}, or "{" after them.`
          : `"{" is missing after "${keyword.raw} ${instance.raw}".`,
        undefined,
        keyword,
      ),
    ];
  }

  #readStanza(head: Omit<Stanza, 'kind' | 'open' | 'entries' | 'close'>): Stanza {
    const open = this.#take();
    if (!this.#enter(open)) return { kind: 'stanza', ...head, open, entries: [this.#skipBlock()], close: this.#takeClose(open) };
    const entries = this.#readEntries();
    this.#depth--;
    const close = this.#takeClose(open, head.keyword);
    if (close.raw !== '' && isFirstOnLine(close) && isFirstOnLine(head.keyword) && close.at.column < head.keyword.at.column) {
      this.#suspect ??= { keyword: head.keyword, close };
    }
    return { kind: 'stanza', ...head, open, entries, close };
  }

  #readList(): List {
    const open = this.#take();
    const items: Scalar[] = [];
    while (this.#seesScalar() && !this.#looksLikeEntry()) items.push(this.#takeScalar());
    return { kind: 'list', open, items, close: this.#takeClose(open) };
  }

  #readDict(): Dict {
    const open = this.#take();
    const pairs: Pair[] = [];
    let lost: Token[] = [];
    if (this.#enter(open)) {
      while (this.#seesScalar() && lost.length === 0) this.#readPair(pairs, lost);
      this.#depth--;
    } else lost = [...this.#skipBlock().tokens];
    return { kind: 'dict', open, pairs, ...(lost.length > 0 ? { lost } : {}), close: this.#takeClose(open) };
  }

  #readPair(pairs: Pair[], lost: Token[]): void {
    const key = this.#takeScalar();
    const equals = this.#sees('=') ? this.#take() : undefined;
    const value = this.#readValue();
    if (value !== undefined) {
      pairs.push({ key, ...(equals ? { equals } : {}), value });
      return;
    }
    this.#complain('SYNTAX', this.#token, `${namesToken(this.#token)} stands where the value of "${key.raw}" should be.`);
    lost.push(key, ...(equals ? [equals] : []));
  }

  #readValue(): Value | undefined {
    if (this.#sees('[')) return this.#readDict();
    if (this.#sees('(')) return this.#readList();
    return this.#seesScalar() ? this.#takeScalar() : undefined;
  }

  /** In a list that was not closed: the next line is `name = …` or `name {`. */
  #looksLikeEntry(): boolean {
    if (!this.#sees('word')) return false;
    const { at } = this.#token;
    const line = at.source.lineAt(at.line);
    return /^\s*$/.test(line.slice(0, at.column - 1)) && /^[A-Za-z0-9_]+\s*(=|\{|\[)/.test(line.slice(at.column - 1));
  }

  /** The bracket that closes `open`; when another token stands there, a problem and an empty token. */
  #takeClose(open: Token, keyword: Token = open): Token {
    const wanted = CLOSERS[open.kind as keyof typeof CLOSERS];
    if (this.#sees(wanted)) return this.#take();
    const name = NAMES[open.kind] ?? '';
    const spot = this.#token;
    if (spot.kind === 'end') {
      if (this.#problems.some(({ code }) => code === 'CONFIG_UNCLOSED_COMMENT' || code === 'CONFIG_TOO_DEEP'))
        return { kind: wanted, before: '', raw: '', text: '', at: spot.at };
      const say = keyword === open ? `This ${name} is never closed.` : `The stanza "${keyword.raw}" is never closed.`;
      this.#complain('UNCLOSED_BRACE', keyword, say, { hint: this.#suspectHint() ?? `Add ${wanted} where it ends.` });
    } else {
      const hint = `Add ${wanted} before it.`;
      this.#complain('SYNTAX', spot, `${namesToken(spot)} stands where ${wanted} should close the ${name} of line ${open.at.line}.`, {
        hint,
      });
    }
    return { kind: wanted, before: '', raw: '', text: '', at: spot.at };
  }

  #suspectHint(): string | undefined {
    const { keyword, close } = this.#suspect ?? {};
    return (
      keyword && close && `The } of line ${close.at.line} closes "${keyword.raw}" of line ${keyword.at.line}: one may be missing before it.`
    );
  }

  #enter(open: Token): boolean {
    if (this.#depth >= MAX_NESTING) {
      this.#complain('TOO_DEEP', open, `Nothing may be nested deeper than ${MAX_NESTING}.`);
      return false;
    }
    this.#depth++;
    return true;
  }

  #skipBlock(): Skipped {
    const tokens: Token[] = [];
    let open = 0;
    while (!this.#sees('end')) {
      if ('{[('.includes(this.#token.kind)) open++;
      else if ('}])'.includes(this.#token.kind) && open-- === 0) break;
      tokens.push(this.#take());
    }
    return { kind: 'skipped', tokens };
  }

  /** Gives up an entry: what was taken and everything up to the next line that can begin one. */
  #skip(taken: readonly Token[], say?: string, hint?: string, at: Token = this.#token): Entry {
    if (say !== undefined) this.#complain('SYNTAX', at, say, { hint });
    const tokens = [...taken];
    const line = tokens.at(-1)?.at.line ?? this.#token.at.line;
    let first = tokens.length === 0;
    let braces = 0;
    for (;;) {
      const { kind, at: here } = this.#token;
      if (kind === 'end' || (kind === '}' && braces === 0)) break;
      if (!first && braces === 0 && here.line > line && kind === 'word') break;
      if (kind === '{') braces++;
      tokens.push(this.#take());
      first = false;
      if (kind === '}' && --braces === 0) break;
    }
    return { kind: 'skipped', tokens };
  }

  #take(instanceMayCome = false): Token {
    const token = this.#token;
    this.#token = this.#lexer.next(instanceMayCome);
    return token;
  }

  #takeScalar(): Scalar {
    return this.#take() as Scalar;
  }

  #sees(kind: TokenKind): boolean {
    return this.#token.kind === kind;
  }

  #seesScalar(): boolean {
    return isScalar(this.#token);
  }

  #onSameLine(before: Token): boolean {
    return !/[\r\n]/.test(this.#token.before) && this.#token.at.line === before.at.line + before.raw.split('\n').length - 1;
  }

  #complain(name: ProblemName, at: Token, say: string, more: { hint?: string | undefined } = {}): void {
    const width = at.raw.split(/[\r\n]/, 1)[0]?.length ?? 1;
    this.#problems.push(problemAt(name, at.at, say, { hint: more.hint, width }));
  }
}
