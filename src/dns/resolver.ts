/** The resolver as those see it who run it: its questions, and what it counts. */
import type { Answer, Names } from '../module/names.js';

export type { AddressWish, AnyRecord, HostAddress, Mx } from '../module/names.js';

export interface ServerStats {
  readonly server: string;
  readonly asked: number;
  readonly answered: number;
  readonly timeouts: number;
  /** Failures in a row; a server with some is asked last. */
  readonly failures: number;
  /** Mean of the last answers in milliseconds; 0 before the first. */
  readonly meanMs: number;
}

export interface ResolverStats {
  /** Questions of callers. */
  readonly asked: number;
  /** Of these, answered from memory, and joined to a question on its way. */
  readonly hits: number;
  readonly joined: number;
  /** Queries sent. */
  readonly udp: number;
  readonly tcp: number;
  /** Questions by what came of them. */
  readonly outcomes: Readonly<Record<Answer<unknown>['kind'], number>>;
  /** Questions by type. */
  readonly types: Readonly<Record<string, number>>;
  readonly truncated: number;
  /** Datagrams that did not belong to the question. */
  readonly stray: number;
  /** Questions on their way, and answers in memory. */
  readonly pending: number;
  readonly entries: number;
  readonly servers: readonly ServerStats[];
}

export interface Resolver extends Names {
  stats(): ResolverStats;
  /** Forgets a name, or everything; answers how many answers went. */
  flush(name?: string): number;
  /** Ends everything on its way; later questions are `refused`. */
  close(): void;
}
