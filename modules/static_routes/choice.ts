/** Which of several weighted targets comes first this time. */

/**
 * Smooth weighted rotation: in each round of as many answers as the weights sum to, every target leads as often as its
 * weight, spread over the round. Answers the index of the leader; needs no randomness.
 */
export function makeRotation(weights: readonly number[]): () => number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const credit = weights.map(() => 0);
  return () => {
    let leader = 0;
    for (const [n, weight] of weights.entries()) {
      credit[n] = (credit[n] ?? 0) + weight;
      if ((credit[n] ?? 0) > (credit[leader] ?? 0)) leader = n;
    }
    credit[leader] = (credit[leader] ?? 0) - total;
    return leader;
  };
}

/** Says whether a domain is one of `names`: itself, or below a name written as "*.example.test". Names are lower case. */
export function matches(names: ReadonlySet<string>, domain: string): boolean {
  if (names.size === 0) return false;
  if (names.has(domain)) return true;
  for (let dot = domain.indexOf('.'); dot >= 0; dot = domain.indexOf('.', dot + 1)) if (names.has(`*${domain.slice(dot)}`)) return true;
  return false;
}
