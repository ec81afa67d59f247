/** How the answers of several workers to one command become one: declared with the command. */
import type { Told } from './command.js';

export interface Merge {
  /** What each worker is asked in place of the arguments as they were typed. */
  readonly spread?: (args: readonly string[]) => readonly string[];
  /** One worker that can answer is enough: what is asked for is in one of them only. */
  readonly any?: boolean;
  /** `told` is not empty; that of the worker that was asked comes first. */
  join(told: readonly Told[], args: readonly string[]): Told;
}

/** Puts rows in order and cuts them, by the arguments as they were typed. */
type Arrange<R> = (rows: readonly R[], args: readonly string[]) => readonly R[];

const asIs = <R>(rows: readonly R[]): readonly R[] => rows;

/** The answer stands for all: every worker did the same. */
export const same: Merge = { join: ([first]) => first as Told };

/** The one that has it answers. */
export const found: Merge = { any: true, join: ([first]) => first as Told };

/** What each of them says, one after the other; what several say is said once. One that can answer is enough. */
export const everything: Merge = {
  any: true,
  join(told) {
    const [first] = told;
    const data = Array.isArray(first?.data) ? told.flatMap(({ data: rows }) => rows as unknown[]) : first?.data;
    const texts = [...new Set(told.map(({ text }) => text))];
    const some = texts.filter((text) => text !== '(none)');
    return { data, text: (some.length === 0 ? texts : some).join('\n') };
  },
};

/** All rows, one worker's after the other's. `R` is what the command tells a row. */
export const joinRows = <R extends object>(print: (rows: readonly R[]) => string, arrange: Arrange<R> = asIs): Merge => ({
  join(told, args) {
    // The same command of the same program answered, so these are its rows.
    const rows = told.flatMap(({ data }) => (Array.isArray(data) ? (data as R[]) : []));
    const data = arrange(rows, args);
    return { data, text: print(data) };
  },
});

/** Rows with the same words become one, their numbers added. */
export const addRows = <R extends object>(
  words: readonly (keyof R)[],
  print: (rows: readonly R[]) => string,
  arrange: Arrange<R> = asIs,
): Merge =>
  joinRows<R>(print, (rows, args) => {
    return arrange(addAlike(words, rows), args);
  });

/** The rows with those of the same words made one. */
export function addAlike<R extends object>(words: readonly (keyof R)[], rows: readonly R[]): readonly R[] {
  const sums = new Map<string, R>();
  for (const row of rows) {
    const key = JSON.stringify(words.map((word) => row[word]));
    const known = sums.get(key);
    sums.set(key, known ? { ...addNumbers(known, row), ...pick(row, words) } : row);
  }
  return [...sums.values()];
}

const pick = <R extends object>(row: R, words: readonly (keyof R)[]): Partial<R> => {
  const picked: Partial<R> = {};
  for (const word of words) picked[word] = row[word];
  return picked;
};

/** One record whose numbers are added; what is no number is the first's. */
export const addRecords = <R extends object>(print: (record: R) => string): Merge => ({
  join(told) {
    const data = told.map(({ data: record }) => record as R).reduce((a, b) => addNumbers(a, b));
    return { data, text: print(data) };
  },
});

/** Numbers are added; other fields are those of `a`, or of `b` where `a` has none. */
export function addNumbers<R extends object>(a: R, b: R): R {
  const sum: Record<string, unknown> = {};
  Object.assign(sum, b, a);
  for (const [name, value] of Object.entries(b)) {
    const other = sum[name];
    if (typeof value === 'number' && typeof other === 'number' && name in a) sum[name] = other + value;
  }
  // Every field has kept its type.
  return sum as R;
}
