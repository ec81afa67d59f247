/** One worker's post: the process that holds it at the moment, and what is known of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { type Channel, processChannel } from './channel.js';
import { Deaths } from './deaths.js';
import type { Customer } from './lease-office.js';
import { Line, type Verbs } from './line.js';
import type { WorkerVerbs } from './verbs.js';

/** Descriptor of the lock in a worker; sockets follow. 0 to 2 are the standard streams, 3 is node's channel. */
const LOCK_FD = 4;
export const FIRST_SOCKET_FD = LOCK_FD + 1;

export interface Holder {
  readonly child: ChildProcess;
  readonly line: Line<WorkerVerbs>;
  readonly customer: Customer;
  /** Listening sockets it was given at its start, by printed address, as its descriptors. */
  readonly sockets: ReadonlyMap<string, number>;
  /** Number of the configuration it was given. */
  snapshot: number;
  /** When it was heard last (monotonic). */
  heardAt: number;
  ready: boolean;
  waits: readonly string[];
  user: string;
  /** Where it serves. */
  serves: readonly string[];
  /** Why it could not begin, in its own words. */
  failure: string | undefined;
}

export class Post {
  readonly number: number;
  readonly deaths = new Deaths();
  holder: Holder | undefined;
  /** It was ended for being silent. */
  wasSilent = false;

  constructor(number: number) {
    this.number = number;
  }

  get pid(): number {
    return this.holder?.child.pid ?? 0;
  }
}

/** Starts the process of a worker with the sockets and the lock that it inherits. */
export function spawnWorker(
  command: readonly string[],
  lock: number,
  sockets: readonly (readonly [string, number])[],
): { readonly child: ChildProcess; readonly channel: Channel; readonly sockets: ReadonlyMap<string, number> } {
  const [program = process.execPath, ...words] = command;
  const child = spawn(program, words, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', lock, ...sockets.map(([, fd]) => fd)],
    serialization: 'advanced',
  });
  return { child, channel: processChannel(child), sockets: new Map(sockets.map(([address], i) => [address, FIRST_SOCKET_FD + i])) };
}

/** The line to a process that was just started. */
export const openLine = (channel: Channel, ours: Verbs): Line<WorkerVerbs> => new Line<WorkerVerbs>(channel, ours);
