import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeDouble, decodeSingle, Lexer } from './lex.js';
import type { ConfigProblem } from './problem.js';
import { Source } from './source.js';
import type { Token } from './tree.js';

function lex(text: string, instanceMayCome = false): { tokens: Token[]; problems: ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const lexer = new Lexer(new Source('x', text), problems);
  const tokens: Token[] = [];
  for (let token = lexer.next(instanceMayCome); ; token = lexer.next(instanceMayCome)) {
    tokens.push(token);
    if (token.kind === 'end') return { tokens, problems };
  }
}

const kinds = (text: string, instance = false): string =>
  lex(text, instance)
    .tokens.map((t) => t.kind)
    .join(' ');

describe('Lexer', () => {
  it('knows words, quotes, structure', () => {
    expect(kinds('a = "b" \'c\' { } ( ) [ ]')).toBe('word = double single { } ( ) [ ] end');
    expect(kinds('')).toBe('end');
  });

  it('ends a word at structure, quotes and comments', () => {
    expect(lex('a=b{c"d"e#f').tokens.map((t) => t.raw)).toEqual(['a', '=', 'b', '{', 'c', '"d"', 'e', '']);
  });

  it('takes slashes into bare words', () => {
    expect(lex('10.0.0.0/8 /tmp/2025 digest:///x').tokens.map((t) => t.text)).toEqual(['10.0.0.0/8', '/tmp/2025', 'digest:///x', '']);
  });

  it('opens a comment within a word, as where one begins', () => {
    expect(lex('5/* five */6').tokens.map((t) => t.raw)).toEqual(['5', '6', '']);
    expect(lex('/* a # b */ x # c\n y').tokens.map((t) => t.before)).toEqual(['/* a # b */ ', ' # c\n ', '']);
  });

  it('does not nest comments', () => expect(lex('/* /* */ x').tokens[0]?.raw).toBe('x'));

  it.each([
    [String.raw`"a\\b"`, 'a\\b'],
    [String.raw`"a\"b"`, 'a"b'],
    [String.raw`"\n\r\t"`, '\n\r\t'],
    [String.raw`"\d\."`, String.raw`\d\.`],
    [String.raw`'\n\\'`, String.raw`\n\\`],
    [String.raw`"/a\/b\\n/"`, String.raw`/a/b\\n/`],
    [String.raw`'/a\/b/'`, '/a/b/'],
    ['"two\nlines"', 'two\nlines'],
  ])('decodes %s', (raw, text) => expect(lex(raw).tokens[0]?.text).toBe(text));

  it('decodes nothing but slashes in a regex', () => {
    expect(decodeDouble(String.raw`/\\\/\n/`)).toBe(String.raw`/\\/\n/`);
    expect(decodeSingle('/')).toBe('/');
    expect(decodeDouble(String.raw`/a\/`)).toBe(String.raw`/a\/`);
  });

  it.each([
    ['/^a b(c){2}"#$/ {', 'regex { end'],
    ['/a/{', 'regex { end'],
    ['/a/=', 'regex = end'],
    ['/a/', 'regex end'],
    ['/tmp/2025 {', 'word { end'],
    ['/tmp', 'word end'],
    ['/a\n/', 'word word end'],
    ['//', 'word end'],
  ])('tells a bare regex from a path: %s', (text, wanted) => expect(kinds(text, true)).toBe(wanted));

  it('reads a bare regex up to its first free slash', () => {
    expect(lex(String.raw`/a\/b\./ x`, true).tokens[0]?.text).toBe(String.raw`a/b\.`);
    expect(kinds('/a/ {')).toBe('word { end');
  });

  it('counts lines and columns, whatever ends a line', () => {
    const { tokens } = lex('a\r\n b\r c\n\n  "x\ny" d');
    expect(tokens.map(({ at }) => [at.line, at.column])).toEqual([
      [1, 1],
      [2, 2],
      [3, 2],
      [5, 3],
      [6, 4],
      [6, 5],
    ]);
  });

  it('blames the quote that was not closed, not the one after it', () => {
    const { tokens, problems } = lex('a = "b \nc = "d"\ne');
    expect(problems.map(({ code, line, column }) => [code, line, column])).toEqual([['CONFIG_UNCLOSED_QUOTE', 1, 5]]);
    expect(tokens.map((t) => t.text)).toEqual(['a', '=', 'b', 'c', '=', 'd', 'e', '']);
  });

  it('does not let a backslash at the end run out of the text', () => {
    expect(lex('"a\\').problems).toHaveLength(1);
    expect(lex("'a\\' b").tokens.map((t) => t.text)).toEqual(['a\\', 'b', '']);
  });

  it('reports control characters and comments without end', () => {
    expect(lex('a\u0001b').problems[0]?.code).toBe('CONFIG_BAD_CHARACTER');
    expect(lex('a /* b').problems[0]?.code).toBe('CONFIG_UNCLOSED_COMMENT');
  });

  it('never throws, and its tokens are the text', () => {
    const pieces = fc.constantFrom(
      '"',
      "'",
      '/',
      '\\',
      '{',
      '}',
      '[',
      ']',
      '(',
      ')',
      '=',
      '#',
      '/*',
      '*/',
      '\n',
      '\r\n',
      ' ',
      'a',
      '\u0000',
      'é',
      '\ufeff',
      '\ud800',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces, { maxLength: 60 }).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(text, fc.boolean(), (source, instance) => {
        const { tokens } = lex(source, instance);
        return tokens.map((t) => t.before + t.raw).join('') === source;
      }),
      { numRuns: 500 },
    );
  });
});
