/** Rotation by weight and the domains a stanza speaks for. */
import { describe, expect, it } from 'vitest';
import { makeRotation, matches } from './choice.js';

describe('a rotation', () => {
  it('lets each target lead as often as its weight, spread over the round', () => {
    const next = makeRotation([3, 1, 1]);
    const round = (): number[] => Array.from({ length: 5 }, next);
    expect(round()).toEqual([0, 1, 0, 2, 0]);
    expect(round()).toEqual([0, 1, 0, 2, 0]);
  });

  it('of one target is that target', () => {
    const next = makeRotation([7]);
    expect([next(), next()]).toEqual([0, 0]);
  });
});

describe('domains', () => {
  const names = new Set(['one.test', '*.two.test']);

  it.each(['one.test', 'a.two.test', 'b.a.two.test'])('%s is meant', (domain) => expect(matches(names, domain)).toBe(true));

  it.each(['two.test', 'a.one.test', 'xtwo.test', 'test', ''])('%j is not', (domain) => expect(matches(names, domain)).toBe(false));
});
