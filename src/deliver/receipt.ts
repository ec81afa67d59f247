/** What a sender who asked to hear of success is told by us (RFC 3461 5.2.2, 5.2.3). */
import type { OutboundSession } from './ports.js';

/** It is where it should be, or with a server that will tell no more. */
export type Receipt = 'delivered' | 'relayed';

/** RFC 2852 4.1.4.2: the server knows of no time by which a mail is to be delivered, and hands it on itself. */
export const forgetsTime = (session: OutboundSession | undefined): boolean =>
  session?.can !== undefined && session.can.deliverBy === undefined && !session.terms.lmtp;

/** Undefined where the server was handed the sender's wish: it answers. */
export function receiptOf(session: OutboundSession | undefined): Receipt | undefined {
  if (session?.can?.dsn !== false) return undefined;
  return session.terms.lmtp ? 'delivered' : 'relayed';
}
