/** smtp_rcptto_proxy for other modules: ask a server whether it knows a recipient. */
import type { Service } from '#module';

export { askRecipient, isAboutRecipient, isDone, type Said } from './ask.js';

/** What is asked, and where; what is left out stands in the module's own options. */
export interface RecipientQuery {
  readonly rcptto: string;
  /** Sender of the question; empty for the null sender. */
  readonly mailfrom?: string;
  /** A name or an address; IPv6 with or without brackets. */
  readonly host?: string;
  readonly port?: number;
  /** For everything together. */
  readonly timeoutSeconds?: number;
  readonly signal: AbortSignal;
}

/**
 * `known`: the server takes mail for the recipient. `unknown`: it refused the recipient for good. `tempfail`: it would not say, or could
 * not be reached; so do refusals that are about us and not about the recipient. `timeout`: the time was over.
 */
export type RecipientKind = 'known' | 'unknown' | 'tempfail' | 'timeout';

export interface RecipientAnswer {
  readonly kind: RecipientKind;
  /** "fail: 550 5.1.1 no such user"; empty when the recipient is known. */
  readonly error: string;
  /** Code of the server's last reply, 0 where there was none. */
  readonly code: number;
  /** Enhanced status code of that reply, empty where there was none. */
  readonly status: string;
}

export const RecipientProxy: Service<{
  /** Throws a RangeError for a question that cannot be asked (no recipient, no host), else rejects only with the signal's reason. */
  query(question: RecipientQuery): Promise<RecipientAnswer>;
}> = { name: 'rcptto_proxy', module: 'smtp_rcptto_proxy' };
