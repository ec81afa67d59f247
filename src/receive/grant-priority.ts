/** The priority that a client asks for with MT-PRIORITY, and what it gets (RFC 6710 4.1). */
import type { Copy } from '../module/copy.js';

/** Notes the wish and grants it: only whom we know may go before others, anybody may go behind them. */
export function grantPriority(draft: Copy, wanted: number, isKnown: boolean): void {
  draft.facts.set('mt_priority', String(wanted));
  if (wanted < 0 || isKnown) draft.priority = wanted;
}
