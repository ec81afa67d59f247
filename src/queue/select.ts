/** Picks the first few of many without sorting all of them. */

/** The `limit` items with the smallest keys, smallest first; items with equal keys keep their order. */
export function smallest<T>(items: Iterable<T>, limit: number, keyOf: (item: T) => number): T[] {
  let kept: { item: T; key: number; order: number }[] = [];
  let order = 0;
  let bound = Number.POSITIVE_INFINITY;
  const settle = (): void => {
    kept.sort((a, b) => a.key - b.key || a.order - b.order);
    kept = kept.slice(0, limit);
    if (kept.length === limit) bound = kept.at(-1)?.key ?? bound;
  };
  for (const item of items) {
    const key = keyOf(item);
    order++;
    if (key >= bound) continue;
    kept.push({ item, key, order });
    if (kept.length >= 2 * limit + 64) settle();
  }
  settle();
  return kept.map(({ item }) => item);
}

/** How many items come before `item`; all of them when it is not there. */
export function countBefore<T>(items: Iterable<T>, item: T): number {
  let n = 0;
  for (const other of items) {
    if (other === item) break;
    n++;
  }
  return n;
}
