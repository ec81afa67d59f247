/** Reads a rule pack: the YAML file in which the bounce rules stand, each with a reply that it is made for. */
import { parse } from 'yaml';
import { declareProblems } from '../kernel/problems.js';
import { CLASS_NAMES } from './classify.js';
import type { Rule } from './ruleset.js';

export const problems = declareProblems('bounce', {
  BAD_PACK: {
    text: 'the bounce rules cannot be used: %s',
    doc: 'A rule pack is a YAML file with `version`, a number, and `rules`, each with class, any (phrases) and example.',
  },
});

/** A rule of a pack: one reply it was written for is part of it. */
export interface PackRule extends Rule {
  readonly example: string;
}

export interface Pack {
  readonly version: number;
  readonly rules: readonly PackRule[];
}

/** Larger packs are refused before they are read. */
const LARGEST_PACK = 4 << 20;
const MOST_RULES = 20_000;
const MOST_PHRASES = 200;
/** Shorter ones would occur anywhere. */
const SHORTEST_PHRASE = 3;

const isRecord = (x: unknown): x is Readonly<Record<string, unknown>> => typeof x === 'object' && x !== null && !Array.isArray(x);

/** The pack of a text. Throws BAD_PACK with the number of the rule that is wrong. */
export function parsePack(text: string): Pack {
  if (text.length > LARGEST_PACK) throw problems.BAD_PACK(`larger than ${LARGEST_PACK} octets`);
  const read = readYaml(text);
  if (!isRecord(read) || !Number.isInteger(read.version) || !Array.isArray(read.rules)) throw problems.BAD_PACK('no version or no rules');
  if (read.rules.length > MOST_RULES) throw problems.BAD_PACK(`more than ${MOST_RULES} rules`);
  return { version: Number(read.version), rules: read.rules.map((rule: unknown, i) => readRule(rule, i + 1)) };
}

function readYaml(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw problems.BAD_PACK.because(error, 'not YAML');
  }
}

const KEYS: ReadonlySet<string> = new Set(['class', 'any', 'code', 'example']);

function readRule(rule: unknown, number: number): PackRule {
  const wrong = (what: string): Error => problems.BAD_PACK(`rule ${number}: ${what}`);
  if (!isRecord(rule)) throw wrong('not a rule');
  const { class: bounceClass, any, code, example } = rule;
  const strange = Object.keys(rule).find((key) => !KEYS.has(key));
  if (strange !== undefined) throw wrong(`"${strange}" is not known`);
  if (typeof bounceClass !== 'number' || !CLASS_NAMES.has(bounceClass)) throw wrong(`there is no class ${String(bounceClass)}`);
  if (!Array.isArray(any) || any.length === 0 || any.length > MOST_PHRASES) throw wrong('"any" is a list of phrases');
  const phrases = any.map((phrase: unknown) => {
    if (typeof phrase !== 'string' || !phrase.split('|').some((piece) => piece.length >= SHORTEST_PHRASE))
      throw wrong(`the phrase ${JSON.stringify(phrase)} is no text, or too short`);
    return phrase;
  });
  if (code !== undefined && (typeof code !== 'number' || !(code === 4 || code === 5 || (code >= 400 && code < 600))))
    throw wrong('"code" is 4, 5 or a reply code');
  if (typeof example !== 'string' || example === '') throw wrong('an example is missing');
  return { class: bounceClass, phrases, example, ...(typeof code === 'number' && { code }) };
}
