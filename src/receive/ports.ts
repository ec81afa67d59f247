/** What the receive room needs of the rest of the house; the composition hands it in. */
import type { InboundValues, OutboundValues } from '../config/snapshot.js';
import type { Clock } from '../kernel/clock.js';
import type { Attempt } from '../module/attempt.js';
import type { Copy } from '../module/copy.js';
import type { Intake } from '../module/flow.js';
import type { Chains } from '../module/hook-set.js';
import type { Limit } from '../module/permit.js';
import type { PlaceTable } from '../module/place.js';
import type { Session } from '../module/session.js';
import type { Spool } from '../module/spool.js';
import type { Reply } from '../module/verdict.js';
import type { Host } from './complete.js';
import type { Bindings } from './placement.js';

/** One configuration in force: options and the chains made for it. */
export interface Rules {
  readonly chains: Chains;
  readonly bindings: Bindings;
  /** Options for a client; undefined when no listener admits it any more. */
  inbound(session: Session): InboundValues | undefined;
  /** The pathway this client goes through, with its group. */
  pathwayOf(session: Session): { readonly pathway: string; readonly group: string | undefined } | undefined;
  outbound(domain: string): OutboundValues;
  /** Scope that wrote inbound_throttle_messages for this client. */
  throttleScope(session: Session): string;
}

export interface ReceivePorts {
  readonly clock: Clock;
  readonly spool: Spool;
  readonly queue: Intake;
  readonly places: PlaceTable;
  /** The newest configuration. */
  rules(): Rules;
  nextId(): string;
  /** Takes one from a budget that other processes share; undefined where there are none. */
  readonly jointRate?: ((limit: Limit) => Promise<boolean>) | undefined;
  /** A number in [0, 1). */
  random(): number;
  /** Why nothing is accepted right now (memory, shut-down), or undefined. */
  refusing(): string | undefined;
  /** Told when a hook refused one copy of several: its sender gets a notice. */
  refusedCopy(copy: Copy, reply: Reply): void;
  /** Told when a copy was delivered at reception whose sender asked to hear of it (RFC 3461 NOTIFY=SUCCESS). */
  arrivedCopy?(copy: Copy, attempt: Attempt): void;
  readonly host: Host;
  log(level: 'warning' | 'error', text: string, cause?: unknown): void;
}
