/** How many connections a place should have, from what is waiting for it. Pure. */

const WEIGHTS = { normal: 0.3, high: 0.75 } as const;

/**
 * `waiting` to the power of the aggressiveness, rounded up, at most `limit` (0 and below: no limit). Momentum does not publish its
 * curve; this one gives 7 (normal) and 32 (high) for 400 waiting and a limit of 32.
 */
export function connectionGoal(waiting: number, aggressiveness: number | 'normal' | 'high', limit: number): number {
  if (waiting <= 0) return 0;
  const weight = typeof aggressiveness === 'number' ? aggressiveness : WEIGHTS[aggressiveness];
  const wanted = Math.ceil(waiting ** weight);
  return limit > 0 ? Math.min(limit, wanted) : wanted;
}
