/** A module instance of the core itself: no stanza, no options, the same hooks as everybody's. */
import type { Context, Manifest } from '../module/manifest.js';
import type { Plan } from '../module/plan.js';
import { FAIL_CLOSED } from '../module/verdict.js';

export function innerPlan(name: string, summary: string, register: (ctx: Context) => void): Plan {
  const manifest: Manifest = { name, summary, options: {}, register };
  return {
    manifest,
    instance: name,
    options: {},
    blocks: new Map(),
    stanzas: new Map(),
    passive: false,
    onError: FAIL_CLOSED,
    timeoutSeconds: 30,
    file: '',
    line: 0,
  };
}
