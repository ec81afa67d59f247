/** Rules made ready to ask: one walk over a reply finds every phrase, the first rule in order that holds wins. Pure. */
import { isExact, Phrases } from './phrases.js';

/** A rule: its class holds when one of the phrases occurs and the conditions hold. */
export interface Rule {
  readonly class: number;
  /** Any of these; `|` inside one stands for any run of characters. Case does not count. */
  readonly phrases: readonly string[];
  /** First digit of the reply code, or the whole code; unset = any, also no code at all. */
  readonly code?: number;
  /** Only for this domain; unset = all. */
  readonly domain?: string;
}

/** Octets of a text that are looked at. */
export const LONGEST_TEXT = 8192;

/** Characters of a phrase that are looked for; the rest is compared where they were found. Keeps the table of ten thousand rules small. */
const LONGEST_KEY = 16;

interface Needle {
  readonly rule: number;
  readonly phrase: string;
  /** Pieces that must follow each other. */
  readonly pieces: readonly string[];
  /** Finding its longest piece is not enough. */
  readonly isUnsure: boolean;
}

export class Ruleset<R extends Rule = Rule> {
  readonly rules: readonly R[];
  readonly #needles: Needle[] = [];
  readonly #phrases: Phrases;

  constructor(rules: readonly R[]) {
    this.rules = rules;
    const keys: string[] = [];
    rules.forEach((rule, number) => {
      for (const phrase of rule.phrases) {
        const pieces = phrase
          .toLowerCase()
          .split('|')
          .filter((piece) => piece !== '');
        const longest = pieces.reduce((best, piece) => (piece.length > best.length ? piece : best), '');
        if (longest === '') continue;
        const key = longest.slice(0, LONGEST_KEY);
        keys.push(key);
        this.#needles.push({ rule: number, phrase, pieces, isUnsure: pieces.length > 1 || key !== longest || !isExact(key) });
      }
    });
    this.#phrases = new Phrases(keys);
  }

  /** The first rule in order that holds, with the phrase that made it; undefined when none does. */
  find(text: string, code: number, domain = ''): { readonly rule: R; readonly phrase: string } | undefined {
    let best: Needle | undefined;
    let lowered: string | undefined;
    const end = Math.min(text.length, LONGEST_TEXT);
    this.#phrases.find(text, 0, end, (number) => {
      const needle = this.#needles[number];
      if (!needle || (best && needle.rule >= best.rule)) return;
      const rule = this.rules[needle.rule];
      if (!rule || !holds(rule, code, domain)) return;
      if (needle.isUnsure) {
        lowered ??= text
          .slice(0, end)
          .toLowerCase()
          .replace(/[\t\r\n\xa0]/g, ' ');
        if (!followEachOther(lowered, needle.pieces)) return;
      }
      best = needle;
    });
    const rule = best && this.rules[best.rule];
    return best && rule && { rule, phrase: best.phrase };
  }
}

const holds = (rule: Rule, code: number, domain: string): boolean =>
  (rule.code === undefined || rule.code === code || rule.code === Math.floor(code / 100)) &&
  (rule.domain === undefined || rule.domain === domain);

/** The leftmost place of each piece after the one before it: if any order of places works, this one does. */
function followEachOther(text: string, pieces: readonly string[]): boolean {
  let at = 0;
  for (const piece of pieces) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return true;
}
