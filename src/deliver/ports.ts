/** What the delivery room needs of the rest of the house; the composition hands it in. */
import type { Clock } from '../kernel/clock.js';
import type { Watch } from '../kernel/watch.js';
import type { Attempt, Hop } from '../module/attempt.js';
import type { Copy } from '../module/copy.js';
import type { Supply } from '../module/flow.js';
import type { Later } from '../module/hook.js';
import type { Chains } from '../module/hook-set.js';
import type { Broker } from '../module/permit.js';
import type { Place } from '../module/place.js';
import type { Router } from '../module/resolver.js';
import type { Spool } from '../module/spool.js';
import type { TlsFault, TlsOutcome } from '../module/tls-demand.js';
import type { Batch } from '../smtp/client/batch.js';
import type { SessionOwner } from '../smtp/client/session.js';
import type { ClientTerms, Trace } from '../smtp/client/terms.js';
import type { Receipt } from './receipt.js';
import type { DeliverySnapshot } from './settings.js';

/** The hooks that delivery runs. `failed` is not among them: it is told when the notice is durable. */
export type DeliveryChains = Pick<
  Chains,
  'outcome' | 'attempted' | 'delivered' | 'deferred' | 'connect_failed' | 'veto' | 'sources' | 'outbound_auth'
>;

/** What delivery uses of a ClientSession. */
export interface OutboundSession {
  readonly id: string;
  readonly ready: boolean;
  readonly idle: boolean;
  readonly hasClosed: boolean;
  readonly deliveries: number;
  readonly recipients: number;
  /** XCLIENT was taken. */
  readonly isIntroduced: boolean;
  readonly tls:
    | Readonly<{ protocol: string; cipher: string; bits: number; verified: boolean; subject?: string; issuer?: string }>
    | undefined;
  /** Our end, once the connection stands. */
  readonly local?: { readonly ip: string } | undefined;
  /** What the server said it can do. */
  readonly can?: { readonly dsn: boolean; readonly deliverBy?: number | undefined };
  readonly judgement?: { readonly isProven: boolean; readonly fault: TlsFault | undefined } | undefined;
  terms: ClientTerms;
  begin(batch: Batch): void;
  leave(): void;
  stop(): void;
  abort(): void;
}

export interface DeliveryPorts {
  readonly clock: Clock;
  /** Deadlines of all connections. */
  readonly watch: Watch;
  readonly supply: Supply;
  readonly broker: Broker;
  readonly router: Router;
  readonly spool: Pick<Spool, 'blocked' | 'gone'>;
  /** The configuration in force. */
  snapshot(): DeliverySnapshot;
  /** Name of this host, for EHLO. */
  hostname(): string;
  /** Id of a connection. */
  nextId(): string;
  chains(): DeliveryChains;
  /** Bounce class of a reply: the hook's answer, or the default's. */
  classify(reply: string, domain: string): Later<number>;
  /** Ends a mail that failed: notice (none when `quiet`), end in the spool, release from the queue, hook `failed`. */
  bounce(mail: Copy, attempt: Attempt, quiet: boolean): Promise<void>;
  /** Ends a mail that was delivered and whose sender is to hear of it: notice, end in the spool, release from the queue. */
  confirm?(mail: Copy, attempt: Attempt, receipt: Receipt): Promise<void>;
  log(level: 'warning' | 'error', text: string, cause?: unknown): void;
  /** How TLS went with a host; undefined when nobody collects it. */
  tlsWent?(outcome: TlsOutcome): void;
  /** Who listens to a connection that is about to be made. */
  trace?(place: Place, hop: Hop, connection: string): Trace | undefined;
  /** Opens a connection; the SMTP client when not given. */
  connect?(id: string, terms: ClientTerms, owner: SessionOwner): OutboundSession;
}
