/** What is no rule pack is refused with the rule that is wrong. */
import { describe, expect, it } from 'vitest';
import { parsePack } from './pack.js';

const RULE = "  - class: 10\n    any: ['no such user']\n    example: '550 no such user'\n";

describe('a rule pack', () => {
  it('is read', () => {
    expect(parsePack(`version: 3\nrules:\n${RULE}`)).toEqual({
      version: 3,
      rules: [{ class: 10, phrases: ['no such user'], example: '550 no such user' }],
    });
  });

  it.each([
    ['not YAML', '{'],
    ['no version', `rules:\n${RULE}`],
    ['no version', 'just words'],
    ['no version', ''],
    ['rule 2: "clas" is not known', `version: 1\nrules:\n${RULE}${RULE.replace('class', 'clas')}`],
    ['rule 1: there is no class 11', `version: 1\nrules:\n${RULE.replace('10', '11')}`],
    ['rule 1: the phrase "ab" is no text, or too short', `version: 1\nrules:\n${RULE.replace('no such user', 'ab')}`],
    ['rule 1: the phrase "a|b" is no text, or too short', `version: 1\nrules:\n${RULE.replace('no such user', 'a|b')}`],
    ['rule 1: an example is missing', `version: 1\nrules:\n${RULE.replace("'550 no such user'", "''")}`],
    ['rule 1: "code" is 4, 5 or a reply code', `version: 1\nrules:\n${RULE}    code: 250\n`],
    ['rule 1: not a rule', 'version: 1\nrules: [7]'],
    ['larger than', `version: 1\nrules: []\n#${'x'.repeat(5 << 20)}`],
    ['not YAML', `version: 1\nrules: &a [ *a ]\n`],
  ])('is refused: %s', (say, text) => {
    expect(() => parsePack(text)).toThrow(say);
  });
});
