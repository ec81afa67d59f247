/** Domain patterns with a star at the left: `*.x` holds what is below x, `*x` everything that ends so, `*` everything. */
import { foldDomain } from '../kernel/domain.js';

/** A list of domain patterns that can be asked; case does not matter, nor whether U-labels or A-labels are written. */
export class GlobSet {
  readonly patterns: readonly string[];
  readonly #exact = new Set<string>();
  readonly #below = new Set<string>();
  readonly #ends: string[] = [];

  constructor(patterns: readonly string[]) {
    this.patterns = Object.freeze([...patterns]);
    for (const pattern of patterns) {
      const lower = pattern.toLowerCase();
      if (lower.startsWith('*.') && lower.length > 2) this.#below.add(foldDomain(lower.slice(2)));
      else if (lower.startsWith('*')) this.#ends.push(lower.slice(1));
      else this.#exact.add(foldDomain(lower));
    }
    Object.freeze(this);
  }

  has(domain: string): boolean {
    const lower = foldDomain(domain);
    if (this.#exact.has(lower)) return true;
    if (this.#below.size > 0) {
      for (let dot = lower.indexOf('.', 1); dot >= 0; dot = lower.indexOf('.', dot + 1)) {
        if (this.#below.has(lower.slice(dot + 1))) return true;
      }
    }
    if (this.#ends.length === 0) return false;
    // An end may cut a label, so it is compared as it stands too.
    const spelled = domain.toLowerCase();
    return this.#ends.some((end) => lower.endsWith(end) || spelled.endsWith(end));
  }

  get size(): number {
    return this.patterns.length;
  }
}
