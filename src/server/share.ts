/** What one worker may allow of a throttle that the workers do not count together: never more in all than is written. */
import type { Throttle } from '../receive/throttle.js';

/** An equal share, one at least. */
export function shareOf(throttle: Throttle, workers: number): Throttle {
  if (throttle === undefined || throttle === 'none' || throttle.count <= 0) return throttle;
  return { count: Math.max(1, Math.floor(throttle.count / workers)), seconds: throttle.seconds };
}
