/** Phrases against a search that is too simple to be wrong. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Phrases } from './phrases.js';
import { Ruleset } from './ruleset.js';

describe('phrases', () => {
  const words = fc.string({ unit: fc.constantFrom('a', 'b', 'B', ' ', 'é', '\n'), minLength: 1, maxLength: 5 });

  it('are found wherever they stand', () => {
    fc.assert(
      fc.property(
        fc.array(words, { minLength: 1, maxLength: 8 }),
        fc.string({ unit: fc.constantFrom('a', 'A', 'b', ' ', 'é'), maxLength: 40 }),
        (list, text) => {
          const found = new Set<number>();
          new Phrases(list).find(text, 0, text.length, (n) => found.add(n));
          const plain = (s: string): string => s.toLowerCase().replaceAll('\n', ' ');
          list.forEach((phrase, n) => {
            expect(found.has(n), JSON.stringify([phrase, text])).toBe(plain(text).includes(plain(phrase)));
          });
        },
      ),
    );
  });

  it('must not be empty', () => {
    expect(() => new Phrases([''])).toThrow(RangeError);
  });
});

describe('a set of rules', () => {
  const set = new Ruleset([
    { class: 1, phrases: ['only here'], domain: 'one.test' },
    { class: 2, phrases: ['account|locked', 'déjà vu'] },
    { class: 3, phrases: ['account'], code: 5 },
    { class: 4, phrases: ['account'], code: 452 },
    { class: 5, phrases: ['|account|'] },
    { class: 6, phrases: ['a phrase that is longer than its key'] },
  ]);
  const ask = (text: string, code = 0, domain = ''): number | undefined => set.find(text, code, domain)?.rule.class;

  it.each([
    ['Account is LOCKED', 550, '', 2],
    ['locked account', 550, '', 3],
    ['locked account', 452, '', 4],
    ['locked account', 451, '', 5],
    ['locked account', 0, '', 5],
    ['only here', 550, 'one.test', 1],
    ['only here', 550, 'two.test', undefined],
    ['déjà vu', 0, '', 2],
    ['dèja vu', 0, '', undefined],
    ['nothing', 550, '', undefined],
    ['a phrase that\tis longer than its key', 0, '', 6],
    ['a phrase that is longer than what is', 0, '', undefined],
  ])('%j with %i for %j is %s', (text, code, domain, expected) => {
    expect(ask(text, code, domain)).toBe(expected);
  });

  it('agrees with looking for one phrase after the other', () => {
    const phrase = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '|'), minLength: 1, maxLength: 6 }).filter((s) => /[^|]/.test(s));
    fc.assert(
      fc.property(
        fc.array(phrase, { minLength: 1, maxLength: 6 }),
        fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd'), maxLength: 30 }),
        (list, text) => {
          const rules = list.map((one, n) => ({ class: n, phrases: [one] }));
          const expected = rules.find(({ phrases: [one = ''] }) => new RegExp(one.split('|').join('.*')).test(text));
          expect(new Ruleset(rules).find(text, 0)?.rule.class).toBe(expected?.class);
        },
      ),
    );
  });
});
