/** Next attempts that no clock will reach: the spool keeps them like any other, and recovery reads them back as what they stand for. */

const ENDING = 2 ** 47;
const QUIET = ENDING + 1;
const HELD = ENDING + 2;

/** What a mark says of a mail. */
export type Mark = 'ending' | 'ending quietly' | 'held';

/** Next attempt, in wall milliseconds, that stands for a mark. */
export const MARKS: Readonly<Record<Mark, number>> = { ending: ENDING, 'ending quietly': QUIET, held: HELD };

/** The mark that a recorded next attempt stands for, if it is one. */
export function readMark(nextAttempt: number): Mark | undefined {
  if (nextAttempt < ENDING) return undefined;
  if (nextAttempt === HELD) return 'held';
  return nextAttempt === QUIET ? 'ending quietly' : nextAttempt === ENDING ? 'ending' : undefined;
}
