/** Names to hops: what delivery asks and routes, gateways and modules answer. */
import type { Hop } from './attempt.js';
import type { Place } from './place.js';
import type { TlsDemand } from './tls-demand.js';

/** A hop with its MX preference: lower goes first, equals are filled evenly. */
export interface RankedHop extends Hop {
  readonly preference: number;
  /** What its domain demands of TLS; undefined leaves it to the options. */
  readonly demand?: TlsDemand | undefined;
  /** That mail of the domain goes to this host is proven: by DNSSEC, by its MTA-STS policy, or because the operator wrote it (RFC 8689 4.2.1). */
  readonly vouched?: true;
}

/** Where mail for a routing domain goes, or why it cannot. `permanent` fails the mail at once. */
export type Route =
  | { readonly hops: readonly RankedHop[]; readonly expiresAt: number; readonly from: 'dns' | 'routes' | 'gateway' | 'literal' | 'module' }
  | { readonly problem: string; readonly permanent: boolean; readonly lookupFailed: boolean };

export interface Router {
  route(place: Place, signal: AbortSignal): Route | Promise<Route>;
  /** Looks the domain up anew next time; all of them for the empty name. */
  forget(domain: string): void;
}
