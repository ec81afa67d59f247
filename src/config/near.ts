/** The word somebody probably meant. */

/** Changes, insertions, removals and swaps of neighbours that lead from one word to the other (optimal string alignment). */
export function distance(a: string, b: string): number {
  let older: number[] = [];
  let old = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min((row[j - 1] ?? 0) + 1, (old[j] ?? 0) + 1, (old[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, (older[j - 2] ?? 0) + 1);
      row[j] = best;
    }
    older = old;
    old = row;
  }
  return old[b.length] ?? 0;
}

/** The nearest of the candidates, case apart; undefined when none is near enough to be a slip of the pen. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase();
  const allowed = Math.max(1, Math.floor(wanted.length / 3));
  let best: string | undefined;
  let least = allowed + 1;
  for (const candidate of candidates) {
    const lower = candidate.toLowerCase();
    if (Math.abs(lower.length - wanted.length) >= least) continue;
    const d = distance(wanted, lower);
    if (d < least) {
      best = candidate;
      least = d;
    }
  }
  return best;
}

/** "Did you mean …?" with capitals as in the word, or nothing. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const found = nearest(word, candidates);
  if (found === undefined) return undefined;
  const spelled = /^[A-Z]/.test(word) ? found.replace(/(^|_)([a-z])/g, (_, gap: string, c: string) => gap + c.toUpperCase()) : found;
  return `Did you mean "${spelled}"?`;
}
