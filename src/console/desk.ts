/** What the console's commands work on: the composition lends it. */
import type { Classification } from '../bounce/classifier.js';
import type { Unknown } from '../bounce/unknown.js';
import type { Snapshot } from '../config/snapshot.js';
import type { Answer } from '../config/verbs.js';
import type { HookSet } from '../module/hook-set.js';
import type { Instance } from '../module/instance.js';
import type { Command } from '../module/manifest.js';
import type { PlaceParts } from '../module/place.js';
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

/** An open connection, for `show` and `domain`. */
export interface ConnectionRow {
  readonly direction: 'in' | 'out';
  readonly peer: string;
  readonly state: string;
  readonly seconds: number;
  readonly domain?: string;
}

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
  stop(): void;
  /** What a stop waits for, over all workers. */
  waits(): readonly string[] | Promise<readonly string[]>;
  sessions(): number;
  outboundConnections(): number;
  route(domain: string, signal: AbortSignal): Promise<Route>;
  forgetRoutes(domain: string | undefined): void;
  /** Options at a place that bound delivery, for `why`. */
  connections(place: PlaceParts): number;
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
