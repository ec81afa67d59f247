import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { didYouMean, distance, nearest } from './near.js';

describe('distance', () => {
  it.each([
    ['', 'abc', 3],
    ['abc', 'abc', 0],
    ['abc', 'acb', 1],
    ['kitten', 'sitting', 3],
    ['ca', 'abc', 3],
  ])('%j to %j is %i', (a, b, steps) => expect(distance(a, b)).toBe(steps));

  it('is the same both ways, and nothing only for the same word', () => {
    const word = fc.string({ maxLength: 8, unit: fc.constantFrom('a', 'b', 'c') });
    fc.assert(fc.property(word, word, (a, b) => distance(a, b) === distance(b, a) && (distance(a, b) === 0) === (a === b)));
  });
});

describe('nearest', () => {
  it('finds slips of the pen, not other words', () => {
    expect(nearest('mesage', ['massage', 'message'])).toBe('message');
    expect(nearest('xyz', ['abc'])).toBeUndefined();
    expect(nearest('ab', ['cd'])).toBeUndefined();
    expect(nearest('TLS_VERFIY', ['tls_verify'])).toBe('tls_verify');
  });

  it('answers as it was asked', () => {
    expect(didYouMean('Retry_Intervall', ['retry_interval'])).toBe('Did you mean "Retry_Interval"?');
    expect(didYouMean('retry_intervall', ['retry_interval'])).toBe('Did you mean "retry_interval"?');
    expect(didYouMean('x', [])).toBeUndefined();
  });
});
