import { describe, expect, it } from 'vitest';
import { Words } from './words.js';

describe('Words', () => {
  it('keeps each text once, as long as somebody holds it', () => {
    const words = new Words();
    const one = words.hold('one');
    const two = words.hold('two');
    expect(words.hold('one')).toBe(one);
    expect([words.at(one), words.at(two), words.size]).toEqual(['one', 'two', 2]);
    words.release(one);
    expect(words.at(one)).toBe('one');
    words.release(one);
    expect([words.at(one), words.size]).toEqual(['', 1]);
    expect(words.hold('three')).toBe(one);
    expect(words.at(one)).toBe('three');
  });

  it('gives the empty text number 0, for ever', () => {
    const words = new Words();
    expect(words.hold('')).toBe(0);
    words.release(0);
    expect([words.at(0), words.size, words.at(99)]).toEqual(['', 0, '']);
  });
});
