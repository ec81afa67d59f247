/** Names of the files of a part. Numbers of log files rise for ever: a record about a file never means a later one. */

export const acceptName = (number: number): string => `accept-${String(number).padStart(15, '0')}.log`;
export const outcomeName = (number: number): string => `outcome-${String(number).padStart(15, '0')}.log`;

const NAME = /^(accept|outcome)-(\d{15})\.log$/;
/** Format 1 had shorter numbers, and no heads. */
const FORMER = /^(accept|outcome)-\d{10}\.log$/;

/** Numbers of the log files among names, lowest first. */
export function logNumbers(kind: 'accept' | 'outcome', names: readonly string[]): number[] {
  const numbers: number[] = [];
  for (const name of names) {
    const found = NAME.exec(name);
    if (found?.[1] === kind) numbers.push(Number(found[2]));
  }
  return numbers.sort((a, b) => a - b);
}

/** The first name that a spool of format 1 gave a log file, if there is one. */
export const findFormer = (names: readonly string[]): string | undefined => names.find((name) => FORMER.test(name));

/** File numbers that one start may use. */
const NUMBERS_PER_START = 0x10_0000;

/**
 * The first number of a start that finds files with these numbers. Every start has a range of its own: a segment that was dropped left
 * no name behind, but the outcome log that says so has a number of that start or a later one.
 */
export const firstNumber = (found: readonly number[]): number =>
  found.length === 0 ? 1 : (Math.floor(found.reduce((a, b) => Math.max(a, b)) / NUMBERS_PER_START) + 1) * NUMBERS_PER_START;
