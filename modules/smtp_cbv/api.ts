/** smtp_cbv for other modules: is there a mailbox behind a sender, says the server that takes its mail? */
import type { Service } from '#module';

/**
 * `pass`: the server takes mail for the address. `fail`: it refused the address for good, or nothing takes mail for its domain.
 * `transient`: it would not say now, or could not be reached. `error`: the question cannot be asked there, or not at all.
 */
export type CallbackStatus = 'pass' | 'fail' | 'transient' | 'error';

export interface Callback {
  readonly status: CallbackStatus;
  /** The reply that decided, on one line, code first; what we say ourselves is marked `[internal]`. */
  readonly text: string;
  /** The server also takes mail for a user who cannot be; undefined where that was not asked or not told. */
  readonly catchesAll?: boolean;
}

export const Callbacks: Service<{
  /** Asks about an address, as the sender `from` (default: option mailfrom; empty is the null sender). Rejects only with the signal's reason. */
  verify(address: string, how: { readonly from?: string; readonly signal: AbortSignal }): Promise<Callback>;
}> = { name: 'callbacks', module: 'smtp_cbv' };
