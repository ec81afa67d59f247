/** What is done to text of others before it is logged: escapes and replaced characters. Pure. */

export type Sanitize = (text: string) => string;

const ESCAPES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\\': '\\\\',
};
const ESCAPED = /[\x07-\r\\]/g;
/** Control characters and the line ends of Unicode. */
const NON_PRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}]/gu;
const RULE = /\s*(?:(special_characters|non_printable)|tr\/((?:[^/\\]|\\.)*)\/((?:[^/\\]|\\.)*)\/)\s*(?:,|$)/isy;

/** Reads the option: rules parted by commas. Escapes come first, then numbers, then the tables of tr in their order. */
export function readSanitize(text: string): { readonly clean: Sanitize } | { readonly say: string } {
  const words = new Set<string>();
  const tables: ReadonlyMap<string, string>[] = [];
  RULE.lastIndex = 0;
  while (RULE.lastIndex < text.length) {
    const from = RULE.lastIndex;
    const found = RULE.exec(text);
    if (!found) {
      return { say: `"${text.slice(from).trim()}" (at ${from + 1}) is none of special_characters, non_printable and tr/.../.../` };
    }
    const [, word, before, after] = found;
    if (word !== undefined) words.add(word.toLowerCase());
    else {
      const [left, right] = [expand(before ?? ''), expand(after ?? '')];
      if (left.length !== right.length || left.length === 0) {
        return { say: `tr (at ${from + 1}) has ${left.length} characters on the left and ${right.length} on the right` };
      }
      tables.push(new Map(left.map((char, n) => [char, right[n] ?? ''])));
    }
  }
  const escapes = words.has('special_characters');
  const numbers = words.has('non_printable');
  return {
    clean(value) {
      let clean = escapes ? value.replace(ESCAPED, (char) => ESCAPES[char] ?? char) : value;
      if (numbers) clean = clean.replace(NON_PRINTABLE, (char) => `\\${String(char.codePointAt(0)).padStart(3, '0')}`);
      for (const table of tables) clean = mapCharacters(clean, table);
      return clean;
    },
  };
}

function mapCharacters(text: string, table: ReadonlyMap<string, string>): string {
  let mapped = '';
  for (const char of text) mapped += table.get(char) ?? char;
  return mapped;
}

const MEANT: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** The characters of one side: `a-z` is a range, a backslash takes the meaning of what follows. */
function expand(side: string): readonly string[] {
  const chars: string[] = [];
  const pieces = [...side.matchAll(/\\(.)|(.)/gsu)].map(([, escaped, plain]) =>
    escaped === undefined ? { char: plain ?? '', isPlain: true } : { char: MEANT[escaped] ?? escaped, isPlain: false },
  );
  for (let at = 0; at < pieces.length; at++) {
    const { char = '' } = pieces[at] ?? {};
    const [dash, last] = [pieces[at + 1], pieces[at + 2]];
    if (dash?.isPlain && dash.char === '-' && last) {
      const [low, high] = [char.codePointAt(0) ?? 0, last.char.codePointAt(0) ?? 0];
      for (let code = low; code <= high && chars.length < 0x10000; code++) chars.push(String.fromCodePoint(code));
      at += 2;
    } else chars.push(char);
  }
  return chars;
}
