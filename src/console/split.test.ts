import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitWords } from './split.js';

describe('a command line', () => {
  it.each<[string, readonly string[] | undefined]>([
    ['', []],
    [' \t ', []],
    ['help', ['help']],
    ['  message   details\tabc ', ['message', 'details', 'abc']],
    ['fail domain "a b" c', ['fail', 'domain', 'a b', 'c']],
    ['note \'it is "so"\'', ['note', 'it is "so"']],
    ['a"b c"d', ['ab cd']],
    ['"" x', ['', 'x']],
    [String.raw`"a \"b\" \\ c"`, [String.raw`a "b" \ c`]],
    [String.raw`'a \ b'`, [String.raw`a \ b`]],
    [String.raw`a\ b`, ['a\\', 'b']],
    ['"not closed', undefined],
    ["a 'not closed", undefined],
    ['"ends with \\', undefined],
    ['"escaped end\\"', undefined],
  ])('%j', (line, words) => {
    expect(splitWords(line)).toEqual(words);
  });

  it('gives back every word that was quoted', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), (words) => {
        const line = words.map((word) => `"${word.replace(/["\\]/g, '\\$&')}"`).join(' ');
        expect(splitWords(line)).toEqual(words);
      }),
    );
  });

  it('never fails on anything', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', ' ', '"', "'", '\\', '\t') }), (line) => {
        const words = splitWords(line);
        expect(words === undefined || words.join('').length <= line.length).toBe(true);
      }),
    );
  });
});
