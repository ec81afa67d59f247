/** Finds many phrases in one walk over a text (Aho and Corasick, 1975): time grows with the text, never with the number of phrases. */

/** Characters that are told apart: letters, digits and what replies are written with. Everything else is one and the same. */
const ALPHABET = ' abcdefghijklmnopqrstuvwxyz0123456789.-_#[]()/@<>=\'"%:,;+!?&';
const OTHER = ALPHABET.length;
const WIDTH = OTHER + 1;

/** Symbol of each octet-sized character; letters count as their small ones, line ends and tabs as blanks. */
const SYMBOL = new Uint8Array(256).fill(OTHER);
for (let i = 0; i < ALPHABET.length; i++) SYMBOL[ALPHABET.charCodeAt(i)] = i;
for (let i = 0; i < 26; i++) SYMBOL[65 + i] = SYMBOL[97 + i] ?? OTHER;
for (const blank of [9, 10, 13, 0xa0]) SYMBOL[blank] = 0;

const symbolAt = (text: string, at: number): number => SYMBOL[text.charCodeAt(at)] ?? OTHER;

/** A phrase with other characters is found wherever any others stand in their place: whoever looks for it has to look again. */
export const isExact = (phrase: string): boolean => {
  for (let i = 0; i < phrase.length; i++) if (symbolAt(phrase, i) === OTHER) return false;
  return true;
};

export class Phrases {
  /** Where to go from each state by each symbol, complete: a walk never goes back. */
  readonly #next: Int32Array;
  /** Numbers of the phrases that end in a state; most have none. */
  readonly #ends: readonly (readonly number[] | undefined)[];

  /** Phrases must not be empty; the number of one is its index. */
  constructor(phrases: readonly string[]) {
    const children: Map<number, number>[] = [new Map()];
    const ends: (number[] | undefined)[] = [undefined];
    phrases.forEach((phrase, number) => {
      if (phrase === '') throw new RangeError('a phrase must not be empty');
      const state = addPath(children, ends, phrase);
      ends[state] = [...(ends[state] ?? []), number];
    });
    this.#next = completeTable(children, ends);
    this.#ends = ends;
  }

  /** Calls back once for each place where a phrase ends, from left to right. */
  find(text: string, from: number, to: number, found: (phrase: number) => void): void {
    const next = this.#next;
    let state = 0;
    for (let i = from; i < to; i++) {
      state = next[state * WIDTH + symbolAt(text, i)] ?? 0;
      const here = this.#ends[state];
      if (here) for (const phrase of here) found(phrase);
    }
  }
}

function addPath(children: Map<number, number>[], ends: (number[] | undefined)[], phrase: string): number {
  let state = 0;
  for (let i = 0; i < phrase.length; i++) {
    const symbol = symbolAt(phrase, i);
    let child = children[state]?.get(symbol);
    if (child === undefined) {
      child = children.push(new Map()) - 1;
      ends.push(undefined);
      children[state]?.set(symbol, child);
    }
    state = child;
  }
  return state;
}

/** Fills in, breadth first, where each state goes when its own path ends: to where its longest proper suffix would go. */
function completeTable(children: readonly Map<number, number>[], ends: (number[] | undefined)[]): Int32Array {
  const next = new Int32Array(children.length * WIDTH);
  const suffix = new Int32Array(children.length);
  const queue: number[] = [0];
  for (let head = 0; head < queue.length; head++) {
    const state = queue[head] ?? 0;
    const back = suffix[state] ?? 0;
    const inherited = state === 0 ? undefined : ends[back];
    if (inherited) ends[state] = [...(ends[state] ?? []), ...inherited];
    for (let symbol = 0; symbol < WIDTH; symbol++) {
      const elsewhere = state === 0 ? 0 : (next[back * WIDTH + symbol] ?? 0);
      const child = children[state]?.get(symbol);
      next[state * WIDTH + symbol] = child ?? elsewhere;
      if (child === undefined) continue;
      suffix[child] = elsewhere;
      queue.push(child);
    }
  }
  return next;
}
