import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeAssign, makeScalar, makeStanza, makeTree, makeValue } from './build.js';
import { parse } from './parse.js';
import { print } from './print.js';
import { quote } from './quote.js';
import { rawOf } from './raw.js';

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
        (/\\\/./.test(t) || (t.includes('"') && t.includes("'")) || /\\\/?$/.test(t))
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
