/** One stanza that wants an instance: the manifest with its decoded options. */

import type { OptionValues } from './lends.js';
import type { Manifest } from './manifest.js';
import type { Verdict } from './verdict.js';

export interface Plan {
  readonly manifest: Manifest;
  readonly instance: string;
  readonly options: OptionValues;
  /** kind → name → options */
  readonly blocks: ReadonlyMap<string, ReadonlyMap<string, OptionValues>>;
  readonly stanzas: ReadonlyMap<string, ReadonlyMap<string, OptionValues>>;
  /** `enabled = false`: its functions work, its hooks are silent. */
  readonly passive: boolean;
  readonly onError: Verdict;
  readonly timeoutSeconds: number;
  readonly file: string;
  readonly line: number;
}

/** Sorts so that what a module needs or follows comes before it; otherwise file order stays. Cycles keep file order. */
export function orderPlans(plans: readonly Plan[]): Plan[] {
  const done = new Set<Plan>();
  const result: Plan[] = [];
  const visit = (plan: Plan, path: ReadonlySet<Plan>): void => {
    if (done.has(plan) || path.has(plan)) return;
    for (const need of [...(plan.manifest.needs ?? []), ...(plan.manifest.after ?? [])]) {
      for (const other of plans) if (other.manifest.name === need) visit(other, new Set([...path, plan]));
    }
    done.add(plan);
    result.push(plan);
  };
  for (const plan of plans) visit(plan, new Set());
  return result;
}
