/** What a sender who asked to hear of success is told by us (RFC 3461 5.2.2, 5.2.3). */
import type { OutboundSession } from './ports.js';

/** It is where it should be, or with a server that will tell no more. */
export type Receipt = 'delivered' | 'relayed';

/** Undefined where the server was handed the sender's wish: it answers. */
export function receiptOf(session: OutboundSession | undefined): Receipt | undefined {
  if (session?.can?.dsn !== false) return undefined;
  return session.terms.lmtp ? 'delivered' : 'relayed';
}
