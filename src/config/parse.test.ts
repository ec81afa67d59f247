import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from './parse.js';
import { print, printValue } from './print.js';
import { headOf, patternOf, startOf } from './tree.js';

const codes = (text: string): string[] => parse(text).problems.map((p) => `${p.line}:${p.column} ${p.code.slice(7)}`);
const shape = (text: string): unknown[] =>
  parse(text).tree.entries.map((entry) =>
    entry.kind === 'stanza' ? [entry.keyword.text, entry.instance?.text, entry.entries.length] : entry.kind,
  );

describe('parse', () => {
  it.each([
    ['a = b', ['assign']],
    ['a = ( )', ['assign']],
    ['a [ k = v k2 ( x ) k3 [ y = z ] ]', ['assign']],
    ['a = [ k v ]', ['assign']],
    ['s { a = b }', [['s', undefined, 1]]],
    ['s = { a = b }', [['s', undefined, 1]]],
    ['s x { }', [['s', 'x', 0]]],
    ['s = "x" { }', [['s', 'x', 0]]],
    ['s x = { }', [['s', 'x', 0]]],
    ['s = x = { }', [['s', 'x', 0]]],
    ['s /x y/ { }', [['s', 'x y', 0]]],
    ['include "x" Readonly_Include y', ['include', 'include']],
    ['a = b c = d s { } e = f', ['assign', 'assign', ['s', undefined, 0], 'assign']],
    ['a\n=\nb\nc\n=\nd', ['assign', 'assign']],
    ['a = b s\nx { }', ['assign', ['s', 'x', 0]]],
    ['a = b s x\n{ }', ['assign', ['s', 'x', 0]]],
    ['a = b s\n= { }', ['assign', ['s', undefined, 0]]],
    ['a =\ns = { }', [['a', 's', 0]]],
    ['include = { }', [['include', undefined, 0]]],
    ['', []],
  ])('reads %j', (text, wanted) => {
    expect(codes(text)).toEqual([]);
    expect(shape(text)).toEqual(wanted);
    expect(print(parse(text).tree)).toBe(text);
  });

  it.each([
    ['a', ['1:2 SYNTAX']],
    ['a = ', ['1:1 SYNTAX']],
    ['a =\nb = 1', ['1:1 SYNTAX']],
    ['a b', ['1:1 SYNTAX']],
    ['a /x/ y', ['1:1 SYNTAX']],
    ['a b = c', ['1:1 SYNTAX']],
    ['= b', ['1:1 SYNTAX']],
    ['a = b = c', ['1:7 SYNTAX']],
    ['{ a = b }', ['1:1 SYNTAX']],
    ['a = b c d e', ['1:7 SYNTAX']],
    ['a = b c', ['1:7 SYNTAX']],
    ['s { a = b c }', ['1:11 SYNTAX']],
    ['s { a = b c\n}\nd = e', ['1:11 SYNTAX']],
    ['a = b c # d\ne = f', ['1:7 SYNTAX']],
    ['s {', ['1:1 UNCLOSED_BRACE']],
    ['a = (', ['1:5 UNCLOSED_BRACE']],
    ['a = [', ['1:5 UNCLOSED_BRACE']],
    ['a = ( b { } )', ['1:9 SYNTAX', '1:9 SYNTAX', '1:13 SYNTAX']],
    ['a = ( b,, c', ['1:5 UNCLOSED_BRACE']],
    ['a = [ k = ]', ['1:11 SYNTAX']],
    ['a = [ k ]', ['1:9 SYNTAX']],
    ['a = [ k = = v ]', ['1:11 SYNTAX', '1:11 SYNTAX', '1:11 SYNTAX']],
    ['}', ['1:1 STRAY_BRACE']],
    ['s { } } a = b } c = d', ['1:7 STRAY_BRACE', '1:15 STRAY_BRACE']],
    ['s x y { a = b\n c = d }\ne = f', ['1:1 SYNTAX']],
  ])('refuses %j', (text, wanted) => {
    expect(codes(text)).toEqual(wanted);
    expect(print(parse(text).tree)).toBe(text);
  });

  it('goes on after a mistake', () => {
    const text = 'a b\nc = d\ns x y { e = f }\ng = h\n';
    expect(codes(text)).toEqual(['1:1 SYNTAX', '3:1 SYNTAX']);
    expect(shape(text)).toEqual(['skipped', 'assign', 'skipped', 'assign']);
  });

  it('does not drown in nesting', () => {
    expect(codes('a{'.repeat(100_000))).toEqual(['1:130 TOO_DEEP']);
    expect(codes(`a = ${'[ k '.repeat(100_000)}`)).toEqual(['1:261 TOO_DEEP']);
    const deep = `${'a {'.repeat(70)}${'}'.repeat(70)}`;
    expect(codes(deep)).toEqual(['1:195 TOO_DEEP']);
    expect(print(parse(deep).tree)).toBe(deep);
  });

  it('gives nodes their places', () => {
    const [entry] = parse('# x\n  a = ( b )', 'f').tree.entries;
    if (entry?.kind !== 'assign') throw new Error('not read');
    expect(entry.name.at).toMatchObject({ line: 2, column: 3, source: { path: 'f' } });
    expect(headOf(entry.value).raw).toBe('(');
    expect(printValue(entry.value)).toBe('( b )');
  });

  it('knows the first token of every entry', () => {
    const firsts = parse('a = b\ninclude c\nd { }\n= e').tree.entries.map((entry) => startOf(entry)?.raw);
    expect(firsts).toEqual(['a', 'include', 'd', '=']);
  });

  it('prints values of every kind', () => {
    const text = "a = b c = 'd' e = ( f /* g */ h ) i = [ j = ( k ) l [ m = n ] ]";
    const values = parse(text).tree.entries.map((entry) => (entry.kind === 'assign' ? printValue(entry.value) : ''));
    expect(values).toEqual(['b', "'d'", '( f /* g */ h )', '[ j = ( k ) l [ m = n ] ]']);
  });

  it('tells patterns from names', () => {
    expect(patternOf({ kind: 'regex', text: 'a' })).toBe('a');
    expect(patternOf({ kind: 'double', text: '/a/' })).toBe('a');
    expect(patternOf({ kind: 'word', text: '/a/' })).toBeUndefined();
    expect(patternOf({ kind: 'single', text: '/' })).toBeUndefined();
  });

  it('prints back every text, byte for byte, and never throws', () => {
    const pieces = fc.constantFrom(
      'a ',
      'b',
      '=',
      ' = ',
      '{',
      '}',
      ' { ',
      ' }\n',
      '[',
      ']',
      '(',
      ')',
      '"x"',
      "'y'",
      '/z/',
      '\n',
      '# c\n',
      '/* d */',
      'include ',
      '"',
      '"\n',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces, { maxLength: 80 }).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(text, (source) => print(parse(source).tree) === source),
      { numRuns: 2000 },
    );
  });
});
