/** What the core lends to module instances; the composition hands it in. */
import type { GlobalValues, InboundValues, OutboundValues } from '../config/snapshot.js';
import type { Clock } from '../kernel/clock.js';
import type { Guard } from './engine.js';
import type { Offers } from './manifest.js';
import type { Mail } from './message.js';
import type { PlaceParts } from './place.js';
import type { LogRecord } from './reports.js';
import type { Service } from './service.js';
import type { Session } from './session.js';

export type OptionValues = Readonly<Record<string, unknown>>;

export interface Lends {
  readonly clock: Clock;
  readonly guard: Guard;
  /** Core services by token. */
  service(token: Service<unknown>): unknown;
  global(): GlobalValues;
  outbound(where: PlaceParts): OutboundValues;
  inbound(session: Session): InboundValues;
  /** A module's own scoped options. */
  scoped(module: string, where: PlaceParts | Session): OptionValues;
  logged(record: LogRecord): void;
  count(name: string, labels: Readonly<Record<string, string>>): void;
  readFile(path: string): Promise<Buffer>;
  /** Undefined when there is one process only. */
  readonly joint?: Joint | undefined;
  /** A scheme, codec, agent or verifier came with the configuration that is now in force. */
  offered?<K extends keyof Offers>(kind: K, name: string, thing: Offers[K]): void;
}

/** What instances in several processes have together; a daemon of one process lends none. */
export interface Joint {
  /** What is to run once runs in this process now. */
  leads(): boolean;
  /** Takes what a handler would have been told to the process that leads; there the registry hears it. */
  pass(key: string, args: readonly unknown[]): void;
  add(tally: string, n: number): void;
  read(tally: string): Promise<number>;
}

/** The place of a mail, or the parts that were given. */
export const placeOf = (where: PlaceParts | Mail): PlaceParts => ('place' in where ? where.place : where);
