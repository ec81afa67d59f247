/** How long to wait before the next try: doubling up to a limit, with an optional spread so that many do not come back together. */

export interface BackoffRules {
  readonly firstMs: number;
  readonly mostMs: number;
  /** What each wait is multiplied with; 2 when unset. */
  readonly factor?: number;
  /** Part of the wait that is left to chance, 0 to 1; 0 when unset. */
  readonly spread?: number;
}

/** Milliseconds before try `attempt` (1 = the first one after a failure). `chance` is a number in [0, 1), used when there is a spread. */
export function backoffMs(attempt: number, { firstMs, mostMs, factor = 2, spread = 0 }: BackoffRules, chance = 0): number {
  const whole = Math.min(mostMs, firstMs * factor ** Math.max(0, attempt - 1));
  return Math.max(0, whole - whole * spread * chance);
}
