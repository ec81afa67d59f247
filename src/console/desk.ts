/** What the console's commands work on: the composition lends it. */
import type { Classification } from '../bounce/classifier.js';
import type { Unknown } from '../bounce/unknown.js';
import type { Snapshot } from '../config/snapshot.js';
import type { Answer } from '../config/verbs.js';
import type { Copy } from '../module/copy.js';
import type { HookSet } from '../module/hook-set.js';
import type { Instance } from '../module/instance.js';
import type { Command } from '../module/manifest.js';
import type { Place, PlaceParts } from '../module/place.js';
import type { LogRecord } from '../module/reports.js';
import type { Route } from '../module/resolver.js';
import type { Spool } from '../module/spool.js';
import type { MailQueue } from '../queue/mail-queue.js';

/** Counted since the start or the last reset. */
export interface Totals {
  readonly received: number;
  readonly delivered: number;
  readonly deferred: number;
  readonly failed: number;
  readonly rejected: number;
  readonly resetAt: number;
}

/** The same of one binding. */
export type BindingTotals = Pick<Totals, 'received' | 'delivered' | 'deferred' | 'failed'>;

/** An open connection to a next hop. */
export interface ConnectionRow {
  /** "name [ip]:port"; empty before a hop is chosen. */
  readonly peer: string;
  readonly state: 'connecting' | 'idle' | 'busy';
  readonly seconds: number;
  readonly binding: string;
  readonly domain: string;
}

/** The MTA-STS policy of a domain. */
export interface PolicyRow {
  readonly mode: string;
  readonly mx: readonly string[];
  readonly id: string;
  readonly fetchedAt: number;
  readonly expiresAt: number;
}

/** TLS towards others. */
export interface TlsDesk {
  memory(): {
    readonly contexts: readonly Readonly<Record<'certificate' | 'authorities' | 'ciphers' | 'protocols', string | undefined>>[];
    /** `ip|port` of hosts that are spoken to in clear since their TLS failed. */
    readonly plain: readonly string[];
  };
  forgetMemory(): void;
  /** New keys for the session tickets of listeners; the other workers take them too. */
  rekey(): Promise<void>;
  policies(): Promise<readonly string[]>;
  policy(domain: string): Promise<PolicyRow | undefined>;
  forgetPolicy(domain: string): Promise<void>;
  /** Sends reports that are due; false when some are left. */
  report(): Promise<boolean>;
}
/** A socket of an esmtp_listener. */
export interface SocketRow {
  readonly stanza: string;
  readonly listen: string;
  readonly address: string;
  readonly state: 'on' | 'off';
  /** What the configuration says. */
  readonly configured: 'on' | 'off';
  readonly sessions: number;
}

/** The sockets that take mail in. */
export interface SocketDesk {
  list(): readonly SocketRow[];
  /** Opens or closes the sockets of a listener, or one, until the next configuration; closing ends their sessions with 421. */
  turn(on: boolean, stanza: string, listen?: string): Promise<void>;
}

/** Traces of outbound connections. */
export interface TraceDesk {
  /** Number of the tracer; undefined when there are too many. */
  add(binding: string, domain: string, file: string): number | undefined;
  list(): readonly { readonly id: number; readonly binding: string; readonly domain: string; readonly file: string }[];
  remove(id: number): boolean;
}

/** An answer of DNS: its records, or what came in their place. */
export type LookUp =
  | { readonly kind: string; readonly records: readonly Readonly<{ name: string; type: string; ttlSeconds: number; data: unknown }>[] }
  | { readonly kind: string; readonly why?: string };

export interface Desk {
  readonly product: string;
  readonly version: string;
  readonly startedAt: number;
  /** Process id of the daemon as a whole. */
  readonly pid: number;
  now(): number;
  readonly queue: MailQueue;
  readonly spool: Spool;
  totals(): Totals;
  /** Totals of each binding that had any. */
  bindingTotals(): ReadonlyMap<string, BindingTotals>;
  resetTotals(): void;
  /** Counters of modules by name. */
  counters(): ReadonlyMap<string, number>;
  snapshot(): Snapshot;
  reload(file: string | undefined): Promise<{ readonly ok: boolean; readonly text: string }>;
  instances(): readonly Instance[];
  hooks(): HookSet;
  moduleCommands(): ReadonlyMap<string, { readonly instance: Instance; readonly command: Command }>;
  recent(): readonly LogRecord[];
  reopenLogs(): void;
  /** Main logs to search; those of the configured loggers when not given. */
  mainLogs?(): readonly string[];
  stop(): void;
  /** What a stop waits for, over all workers. */
  waits(): readonly string[] | Promise<readonly string[]>;
  sessions(): number;
  outboundConnections(): number;
  outbound(): readonly ConnectionRow[];
  readonly traces: TraceDesk;
  /** Asks DNS through the daemon's memory. */
  lookUp(name: string, type: string, signal: AbortSignal): Promise<LookUp>;
  dnsStats(): object;
  route(domain: string, signal: AbortSignal): Promise<Route>;
  forgetRoutes(domain: string | undefined): void;
  /** Options at a place that bound delivery, for `why`. */
  connections(place: PlaceParts): number;
  readonly tls: TlsDesk;
  readonly sockets: SocketDesk;
  /** Chooses the place of a mail anew, by the configuration in force. */
  rebinder(): (mail: Copy) => Promise<Place>;
  /** Old mail that is still being read, in per cent; 100 when done. */
  loading(): number;
  /** Replies that no bounce rule knew, most frequent first. */
  unknownBounces(): { readonly total: number; readonly list: readonly Unknown[] };
  forgetUnknownBounces(): number;
  explainBounce(reply: string): Classification;
  /** Empties caches; how many entries went, or undefined when there is no such cache. */
  clearCache(name: string): number | undefined;
  caches(): readonly { readonly name: string; readonly entries: number }[];
}

export type { Answer };
