import { describe, expect, it } from 'vitest';
import { matchWithin } from './guarded-match.js';

describe('matchWithin', () => {
  it('finds what the expression finds', () => {
    expect(matchWithin(/(\d)(x)?/, 'a1')).toMatchObject({ 0: '1', 1: '1', 2: undefined, index: 1 });
    expect(matchWithin(/b/, 'a')).toBeNull();
  });

  it('begins at the start each time, whatever the flags', () => {
    const regex = /a/g;
    expect(matchWithin(regex, 'a')).not.toBeNull();
    expect(matchWithin(regex, 'a')).not.toBeNull();
  });

  it('ends a match that would take for ever', () => {
    const started = performance.now();
    expect(matchWithin(/^(a+)+$/, `${'a'.repeat(64)}b`)).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(matchWithin(/^a/, 'a')).not.toBeNull();
  });
});
