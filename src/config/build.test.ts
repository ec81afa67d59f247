import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeAssign, makeScalar, makeStanza, makeTree, makeValue } from './build.js';
import { parse } from './parse.js';
import { print } from './print.js';
import { quote } from './quote.js';
import { rawOf, tokenWithin } from './raw.js';
import type { Value } from './tree.js';

describe('tokenWithin', () => {
  const readValue = (text: string): Value => {
    const [entry] = parse(`x = ${text}`).tree.entries;
    if (entry?.kind !== 'assign') throw new Error('no value');
    return entry.value;
  };

  it('finds items by their way, and the nearest bracket where there is none', () => {
    const dict = readValue('[ a = ( b c ) a = ( d e ) ]');
    expect([['a', 1], ['a'], ['z'], []].map((path) => tokenWithin(dict, path).raw)).toEqual(['e', 'a', '[', '[']);
    expect([[1], [9], ['x']].map((path) => tokenWithin(readValue('( b c )'), path).raw)).toEqual(['c', '(', '(']);
    expect(tokenWithin(readValue('b'), [1]).raw).toBe('b');
  });
});

describe('build', () => {
  it('makes files', () => {
    const tree = makeTree([
      makeAssign('a', makeValue(['b c', 'd'])),
      makeStanza('S', 'x', [makeAssign('k', makeValue({ e: 'f', g: ['h'] }), '\n  ')]),
      makeStanza('T', undefined, []),
    ]);
    expect(print(tree)).toBe('\na = ( "b c" d )\nS "x" {\n  k = [ e = f g = ( h ) ]\n}\nT { }\n');
  });

  it('knows the kinds of scalars it makes', () => {
    expect([makeScalar('a'), makeScalar('a', { quoted: true }), makeScalar('/"/')].map((s) => s.kind)).toEqual([
      'word',
      'double',
      'single',
    ]);
  });

  it('takes single quotes where a backslash would take the last slash in', () => expect(quote('/a b\\/')).toBe("'/a b\\/'"));

  it('spells every text so that it is read back', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('/', '\\', '"', "'", 'a', ' ', '*', '\n', '#') }),
    );
    // In a regex in quotes only `\/` is decoded: one that holds both kinds of quotes, or `\/` itself, has no spelling in quotes.
    const spellable = (t: string): boolean =>
      !(
        t.startsWith('/') &&
        t.endsWith('/') &&
        t.length > 1 &&
        (/\\\/[^]/.test(t) || (t.includes('"') && t.includes("'")) || /\\\/?$/.test(t))
      );
    fc.assert(
      fc.property(text.filter(spellable), (t) => {
        const [entry, ...more] = parse(`x = ${quote(t)} y = 1`).tree.entries;
        expect(more).toHaveLength(1);
        expect(entry?.kind === 'assign' && rawOf(entry.value)).toBe(t);
      }),
      { numRuns: 3000 },
    );
  });
});
