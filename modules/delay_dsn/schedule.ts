/** When notices of delay are due: after `base` seconds, then with pauses that double up to a cap. Pure. */

/** How many notices are due at an age. `cap` 0 = none. All in seconds. */
export function countDue(age: number, base: number, cap: number): number {
  let due = base;
  let pause = base;
  let count = 0;
  while (due <= age) {
    count++;
    const next = pause * 2;
    if (cap > 0 && next >= cap) return count + Math.floor((age - due) / Math.max(cap, base));
    pause = next;
    due += pause;
  }
  return count;
}

/** The age at which the n-th notice is due; n counts from 1. */
export function dueAt(n: number, base: number, cap: number): number {
  let due = base;
  let pause = base;
  for (let i = 1; i < n; i++) {
    pause = cap > 0 ? Math.max(base, Math.min(pause * 2, cap)) : pause * 2;
    due += pause;
  }
  return due;
}
