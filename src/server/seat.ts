/** What a daemon's process is given by who started it: alone it takes everything itself, as one of several workers it is handed it. */

import type { Answer } from '../console/frame.js';
import type { Clock } from '../kernel/clock.js';
import { nodeDisk } from '../kernel/node-disk.js';
import type { Broker, Limit } from '../module/permit.js';
import type { Doorkeeper, Turned } from '../smtp/server/listener.js';
import type { SmtpService } from '../smtp/server/service.js';
import { nextIncarnation } from '../spool/incarnation.js';
import { lockSpool } from '../spool/lock.js';
import { DirectBroker } from './broker.js';
import { NO_ORDERS, type Orders } from './orders.js';
import type { Reloaded } from './reload.js';

export interface DaemonBroker extends Broker {
  /** Limits may have changed. */
  reloaded(): void;
}

type Service = Pick<SmtpService<unknown>, 'accept' | 'troubled'>;

/** The supervisor and the other workers, as one worker sees them. */
export interface Team {
  /** Process id of the daemon as operators know it: the supervisor's. */
  readonly pid: number;
  /** What asks to run once runs here now. */
  readonly leads: boolean;
  /** Takes what a handler would have been told to the worker that leads. */
  pass(key: string, args: readonly unknown[]): void;
  /** Adds to a sum over all workers. */
  add(tally: string, n: number): void;
  read(tally: string): Promise<number>;
  /** Takes one from a budget of all workers; false when it is used up. */
  tryTake(limit: Limit): Promise<boolean>;
  /** What stands between the sockets and the service. */
  guard(service: Service): Doorkeeper;
  /** A new configuration for everybody. */
  reload(file: string | undefined): Promise<Reloaded>;
  /** Binds sockets of a listener for everybody, or gives them up. Resolves when all that is there for us has come. */
  turn(on: boolean, stanza: string, listen: string | undefined): Promise<void>;
  /** Ends the whole daemon. */
  stop(): void;
  /** What the others answer to a console command: data, in the order of their numbers. */
  ask(command: string): Promise<readonly Answer[]>;
  /** Tells the others, and those that start later, what operators have ordered. */
  keep(orders: Orders): void;
  /** What the others wait for before they end. */
  waits(): Promise<readonly string[]>;
}

export interface Seat {
  /** From 0; it is the number of the part of the spool that is written. */
  readonly number: number;
  readonly workers: number;
  readonly broker: DaemonBroker;
  /** Sockets that were bound for us, by printed address; those that are not there are bound by ourselves. */
  readonly inherited: Map<string, number | object>;
  /** Sockets that are not as the configuration says. */
  readonly turned: readonly Turned[];
  /** 48 octets that all workers share. */
  readonly ticketKeys: Buffer | undefined;
  readonly team: Team | undefined;
  /** It has died too often: one message at a time. */
  readonly onProbation: boolean;
  /** What operators have ordered of the other workers before this one began. */
  readonly orders: Orders;
  /** Keeps other daemons from the spool. Throws a coded problem when one has it. */
  lock(root: string): { release(): void };
  /** A number no other start has had, durable. */
  incarnation(root: string): Promise<number>;
}

/** A daemon in one process: no supervisor, nothing to be asked for. */
export const makeLoneSeat = (clock: Clock): Seat => ({
  number: 0,
  workers: 1,
  broker: new DirectBroker(clock),
  inherited: new Map(),
  turned: [],
  ticketKeys: undefined,
  team: undefined,
  onProbation: false,
  orders: NO_ORDERS,
  lock: lockSpool,
  incarnation: (root) => nextIncarnation(nodeDisk, root),
});
