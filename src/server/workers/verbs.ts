/** What supervisor and workers say to each other. */
import type { Answer } from '../../console/frame.js';
import type { LogRecord } from '../../module/reports.js';
import type { Turned } from '../../smtp/server/listener.js';
import type { Crowding } from '../../smtp/server/service.js';
import type { Orders } from '../orders.js';
import type { PassedHandle } from './channel.js';
import type { Arrival } from './crowd.js';
import type { LeaseAnswer, LeaseAsk } from './lease.js';

/** What one handler that runs once is told. */
export interface Told {
  readonly key: string;
  readonly args: readonly unknown[];
}

/** Everything a worker needs to begin. */
export interface Start {
  /** From 0. */
  readonly number: number;
  readonly workers: number;
  /** Process id of the supervisor. */
  readonly pid: number;
  /** The configuration: the name of its main file, and the texts of all its files as the supervisor read them. */
  readonly file: string;
  readonly texts: ReadonlyMap<string, string>;
  /** Number of the snapshot. */
  readonly snapshot: number;
  /** Listening sockets by printed address, as descriptors of the worker. */
  readonly sockets: ReadonlyMap<string, number>;
  readonly ticketKeys: Uint8Array;
  /** Sockets that the console switched: they are not as the configuration says. */
  readonly turned: readonly Turned[];
  readonly leads: boolean;
  /** It has died too often: one message at a time, until it is trusted again. */
  readonly onProbation: boolean;
  /** What operators have ordered so far. */
  readonly orders: Orders;
}

/** A configuration that is to be in force. */
export interface Adoption {
  readonly file: string;
  readonly texts: ReadonlyMap<string, string>;
  readonly snapshot: number;
}

/** The supervisor's answer to a reload. */
export interface ReloadAnswer {
  readonly ok: boolean;
  readonly text: string;
  readonly needRestart: readonly string[];
}

/** What the supervisor understands. */
export type SupervisorVerbs = {
  /** The first word of a worker. */
  enlist(body: null): Start;
  /** Only one at a time may take the number of its start; answers when it is this one's turn. */
  takeTurn(body: null): Promise<void>;
  endTurn(body: null): void;
  /** It serves. */
  ready(body: { readonly user: string; readonly sockets: readonly string[] }): void;
  /** It cannot begin; the words are for the operator. */
  failed(body: { readonly text: string }): void;
  /** A sign of life, with what a stop would wait for. */
  beat(body: { readonly waits: readonly string[] }): void;
  lease(asks: readonly LeaseAsk[]): void;
  /** What handlers that run once are to be told by the worker that leads. */
  pass(told: readonly Told[]): void;
  /** A connection came; answers how many there are with it. */
  enter(arrival: Arrival): Crowding;
  leave(arrival: Arrival): void;
  add(body: { readonly tally: string; readonly n: number }): void;
  read(body: { readonly tally: string }): number;
  reload(body: { readonly file: string | undefined }): Promise<ReloadAnswer>;
  /** Sockets of a listener are to be open, or not, until the next configuration. */
  turn(body: { readonly on: boolean; readonly stanza: string; readonly listen: string | undefined }): Promise<void>;
  stop(body: null): void;
  /** A console command for all other workers. */
  ask(body: { readonly command: string }): Promise<readonly Answer[]>;
  waits(body: null): readonly string[];
  /** What operators have ordered, whole, after each change. */
  keep(orders: Orders): void;
};

/** What a worker understands. */
export type WorkerVerbs = {
  lease(answers: readonly LeaseAnswer[]): void;
  /** A socket that a new configuration asks for; it comes along as a handle, before `adopt`. */
  socket(body: { readonly address: string }, handle?: PassedHandle): void;
  /** Rejects with the reason when it cannot; then the old one stays. */
  adopt(body: Adoption): Promise<void>;
  run(body: { readonly command: string }): Promise<Answer>;
  record(record: LogRecord): void;
  hear(told: readonly Told[]): void;
  lead(body: { readonly leads: boolean }): void;
  /** What operators have ordered of another worker, whole. */
  follow(orders: Orders): void;
  trust(body: null): void;
  reopenLogs(body: null): void;
  /** Ends in order; `now` ends every wait. */
  stop(body: { readonly now: boolean }): void;
};
