/** What a reply becomes: patterns in order, groups put in, the code decides what follows. */
import { type Delivery, matchWithin } from '#module';

export interface Rule {
  readonly pattern: RegExp;
  /** What stands in for the reply, with $0 to $9. */
  readonly replace: string;
}

/** What came of a rewrite: the new delivery, or why there is none. */
export type Rewritten =
  | { readonly delivery: Delivery }
  | { readonly fault: 'no failure' | 'no end'; readonly rule: Rule; readonly text: string }
  | undefined;

/** Replies are looked at up to here; no server has more to say that matters. */
const MOST_CHARACTERS = 4096;

const FAILURE = /^[45]\d\d(?:[ -]|$)/;

/** A replacement that begins with digits must begin with a reply code of a failure. */
export const mayStand = (replace: string): boolean => replace.startsWith('$') || FAILURE.test(replace);

/** The first rule that matches says what the reply becomes. Deliveries and permanent failures of our own stay as they are. */
export function rewrite(delivery: Delivery, rules: readonly Rule[]): Rewritten {
  const { outcome, reply } = delivery;
  if (outcome === 'delivered' || (outcome === 'failed' && reply.includes('[internal]'))) return undefined;
  for (const rule of rules) {
    const found = matchWithin(rule.pattern, reply.slice(0, MOST_CHARACTERS));
    if (found === undefined) return { fault: 'no end', rule, text: reply };
    if (found === null) continue;
    const text = rule.replace.replace(/\$(\d)/g, (_, group: string) => found[Number(group)] ?? '');
    if (!FAILURE.test(text)) return { fault: 'no failure', rule, text };
    return { delivery: { outcome: text.startsWith('5') ? 'failed' : 'deferred', reply: text } };
  }
  return undefined;
}
