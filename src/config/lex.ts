/** Text to tokens, one at a time: the parser says whether a stanza's name may come next, for only there a bare `/` opens a regex. */
import { type ConfigProblem, problemAt } from './problem.js';
import type { Source, Spot } from './source.js';
import type { Token, TokenKind } from './tree.js';

const BLANK = ' \t\r\n\f\v\u00a0\ufeff';
const STRUCTURE = '{}[]()=';
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\', '"': '"', n: '\n', r: '\r', t: '\t' };

const isBlank = (c: string): boolean => BLANK.includes(c);
const endsWord = (c: string): boolean => isBlank(c) || STRUCTURE.includes(c) || c === '"' || c === "'" || c === '#';
const isControl = (c: string): boolean => c < ' ' && !isBlank(c);

/** Decodes what stands between double quotes: `\\ \" \n \r \t`, any other backslash stays; in `/…/` only `\/`. */
export function decodeDouble(inner: string): string {
  if (isSlashed(inner)) return decodeSlashed(inner);
  return inner.includes('\\') ? inner.replace(/\\([\\"nrt])/g, (_, c: string) => ESCAPES[c] ?? c) : inner;
}

/** Decodes what stands between single quotes: nothing, but in `/…/` `\/`. */
export function decodeSingle(inner: string): string {
  return isSlashed(inner) ? decodeSlashed(inner) : inner;
}

const isSlashed = (inner: string): boolean => inner.length >= 2 && inner.startsWith('/') && inner.endsWith('/');
const decodeSlashed = (inner: string): string => `/${unescapeSlash(inner.slice(1, -1))}/`;

/** A backslash before a slash goes; every other pair stays as it is, so that `\\/` keeps its backslashes. */
const unescapeSlash = (pattern: string): string => pattern.replace(/\\([\s\S])/g, (pair, c: string) => (c === '/' ? '/' : pair));

/** Reads the tokens of one source. Never throws: what is wrong goes to `problems`, and reading goes on. */
export class Lexer {
  readonly source: Source;
  readonly #text: string;
  readonly #problems: ConfigProblem[];
  #at = 0;
  #line = 1;
  #lineStart = 0;

  constructor(source: Source, problems: ConfigProblem[]) {
    this.source = source;
    this.#text = source.text;
    this.#problems = problems;
  }

  /** The next token; `end` for ever once the text is used up. */
  next(instanceMayCome = false): Token {
    const from = this.#at;
    this.#skipBlanks();
    const before = this.#text.slice(from, this.#at);
    const start = this.#at;
    const spot = this.#spot();
    const c = this.#text[start];
    const make = (kind: TokenKind, text?: string): Token => {
      const raw = this.#text.slice(start, this.#at);
      return { kind, before, raw, text: text ?? raw, at: spot };
    };
    if (c === undefined) return make('end');
    if (STRUCTURE.includes(c)) {
      this.#at++;
      return make(c as TokenKind);
    }
    if (c === '"' || c === "'") {
      const inner = this.#readQuoted(c, spot);
      return c === '"' ? make('double', decodeDouble(inner)) : make('single', decodeSingle(inner));
    }
    if (instanceMayCome && c === '/') {
      const pattern = this.#readRegex();
      if (pattern !== undefined) return make('regex', unescapeSlash(pattern));
    }
    this.#readWord(spot);
    return make('word');
  }

  /** The text from the token that was read last: to guess what was meant. At most a screenful. */
  textFrom(token: Token): string {
    return this.#text.slice(this.#at - token.raw.length, this.#at + 400);
  }

  #spot(): Spot {
    return { source: this.source, line: this.#line, column: this.#at - this.#lineStart + 1 };
  }

  #step(): void {
    const c = this.#text[this.#at++];
    if (c !== '\n' && (c !== '\r' || this.#text[this.#at] === '\n')) return;
    this.#line++;
    this.#lineStart = this.#at;
  }

  #moveTo(end: number): void {
    while (this.#at < end) this.#step();
  }

  #skipBlanks(): void {
    for (;;) {
      const c = this.#text[this.#at];
      if (c === undefined) return;
      if (isBlank(c)) this.#step();
      else if (c === '#') this.#skipLine();
      else if (c === '/' && this.#text[this.#at + 1] === '*') this.#skipComment();
      else return;
    }
  }

  #skipLine(): void {
    while (this.#at < this.#text.length && !/[\r\n]/.test(this.#text[this.#at] ?? '')) this.#at++;
  }

  #skipComment(): void {
    const end = this.#text.indexOf('*/', this.#at + 2);
    if (end < 0) {
      const hint = 'If this is a path or a pattern with a star in it, put it in quotes.';
      this.#problems.push(problemAt('UNCLOSED_COMMENT', this.#spot(), 'This comment is never closed.', { hint, width: 2 }));
    }
    this.#moveTo(end < 0 ? this.#text.length : end + 2);
  }

  /** Reads up to the closing quote and gives what is inside; an unclosed one ends with its first line. */
  #readQuoted(quote: string, spot: Spot): string {
    const start = this.#at + 1;
    let end = start;
    while (end < this.#text.length && this.#text[end] !== quote) end += quote === '"' && this.#text[end] === '\\' ? 2 : 1;
    const inner = this.#text.slice(start, end);
    const closed = end < this.#text.length && !this.#looksUnclosed(inner, this.#text[end + 1]);
    if (closed) {
      this.#moveTo(end + 1);
      return inner;
    }
    this.#at = start;
    this.#skipLine();
    this.#problems.push(
      problemAt('UNCLOSED_QUOTE', spot, 'This quotation mark is never closed.', { hint: `Add ${quote} at the end of the value.` }),
    );
    return this.#text.slice(start, this.#at).trimEnd();
  }

  /** Over several lines, and what follows clings to the quote: then that one was not a closing but the next opening quote. */
  #looksUnclosed(inner: string, follows: string | undefined): boolean {
    return /[\r\n]/.test(inner) && follows !== undefined && !isBlank(follows) && !STRUCTURE.includes(follows) && follows !== '#';
  }

  /** The pattern of a bare regex, or undefined (and nothing read) when the slash begins a path. */
  #readRegex(): string | undefined {
    const start = this.#at + 1;
    for (let i = start; i < this.#text.length; i++) {
      const c = this.#text[i];
      if (c === '\n' || c === '\r') return undefined;
      if (c === '\\') i++;
      if (c !== '/') continue;
      const follows = this.#text[i + 1];
      if (i === start || (follows !== undefined && !isBlank(follows) && follows !== '{' && follows !== '=')) return undefined;
      this.#at = i + 1;
      return this.#text.slice(start, i);
    }
    return undefined;
  }

  #readWord(spot: Spot): void {
    const start = this.#at;
    let bad = false;
    for (;;) {
      const c = this.#text[this.#at];
      if (c === undefined || endsWord(c) || (c === '/' && this.#at > start && this.#text[this.#at + 1] === '*')) break;
      bad ||= isControl(c);
      this.#at++;
    }
    if (bad) this.#problems.push(problemAt('BAD_CHARACTER', spot, 'This word holds a control character.', { width: this.#at - start }));
  }
}
