/** Reads a Content-Type value (RFC 2045 5.1) in one pass, whatever was sent: type, boundary, and whether it was well formed. */

/** What the walk through a message needs of a Content-Type. */
export interface ContentType {
  /** `type/subtype` in lower case; empty when the value does not begin with one. */
  readonly type: string;
  /** Empty when there is none. RFC 2231 continuations are joined. */
  readonly boundary: string;
  /** A quoted string or a comment does not end. */
  readonly isOpen: boolean;
}

/** Longer values are read up to here: what follows cannot matter to anybody. */
const LONGEST_VALUE = 65_536;
const TYPE = /^[ \t\r\n]*([!#$%&'*+.^_`|~0-9A-Za-z-]{1,127}\/[!#$%&'*+.^_`|~0-9A-Za-z-]{1,127})/;
const BOUNDARY = /^boundary(?:\*(\d{1,3})\*?|\*)?$/;

export const NO_CONTENT_TYPE: ContentType = Object.freeze({ type: '', boundary: '', isOpen: false });

/** Reads a value, folds included. Comments are skipped, parameters other than boundary read over. Linear in its length. */
export function readContentType(value: string): ContentType {
  const found = TYPE.exec(value);
  const text = value.length > LONGEST_VALUE ? value.slice(0, LONGEST_VALUE) : value;
  const walk = new Parameters(text, found ? found[0].length : 0);
  const boundary = walk.readAll();
  return { type: (found?.[1] ?? '').toLowerCase(), boundary, isOpen: walk.isOpen };
}

class Parameters {
  isOpen = false;
  readonly #text: string;
  #at: number;

  constructor(text: string, at: number) {
    this.#text = text;
    this.#at = at;
  }

  readAll(): string {
    const pieces = new Map<number, string>();
    while (this.#at < this.#text.length) {
      const word = this.#readWord(';');
      const equals = word.indexOf('=');
      const part = equals < 0 ? undefined : BOUNDARY.exec(word.slice(0, equals).trim().toLowerCase());
      if (!part) continue;
      const number = Number(part[1] ?? 0);
      if (!pieces.has(number)) pieces.set(number, word.slice(equals + 1).trim());
    }
    let boundary = '';
    for (let number = 0; pieces.has(number); number++) boundary += pieces.get(number);
    return boundary;
  }

  /** The text up to the next `end` outside of quotes and comments; quotes and comments taken out. */
  #readWord(end: string): string {
    const text = this.#text;
    const parts: string[] = [];
    let from = this.#at;
    while (this.#at < text.length) {
      const char = text[this.#at];
      if (char !== end && char !== '"' && char !== '(') {
        this.#at++;
        continue;
      }
      if (this.#at > from) parts.push(text.slice(from, this.#at));
      this.#at++;
      if (char === end) return parts.join('');
      if (char === '"') this.#readQuoted(parts);
      else this.#skipComment();
      from = this.#at;
    }
    if (this.#at > from) parts.push(text.slice(from, this.#at));
    return parts.join('');
  }

  #readQuoted(parts: string[]): void {
    const text = this.#text;
    let from = this.#at;
    while (this.#at < text.length) {
      const char = text[this.#at++];
      if (char !== '"' && char !== '\\') continue;
      parts.push(text.slice(from, this.#at - 1));
      if (char === '"') return;
      from = this.#at++;
    }
    parts.push(text.slice(from));
    this.isOpen = true;
  }

  #skipComment(): void {
    let depth = 1;
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at++];
      if (char === '\\') this.#at++;
      else if (char === '(') depth++;
      else if (char === ')' && --depth === 0) return;
    }
    this.isOpen = true;
  }
}
