/** What the scenarios of several workers share: who the workers are, and a client that minds being refused. */
import { readFileSync } from 'node:fs';
import net from 'node:net';
import type { Daemon } from '../harness/daemon.js';

/** Process ids of the workers that run now. */
export function workersOf(daemon: Daemon): readonly number[] {
  if (daemon.ended !== undefined) throw new Error(`the daemon ended with ${daemon.ended}:\n${daemon.lines.slice(-20).join('\n')}`);
  const words = readFileSync(`/proc/${daemon.pid}/task/${daemon.pid}/children`, 'utf8').trim();
  return words === '' ? [] : words.split(' ').map(Number);
}

/** False too for a process that has ended and that nobody has asked about yet. */
export function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Numbers of the starts that gave ids to what the main log says was received: one for each worker that took mail. */
export const startsOf = (daemon: Daemon): ReadonlySet<string> =>
  new Set(
    daemon
      .fileLines('mainlog.ec')
      .filter((line) => line.split('@')[4] === 'R')
      .map((line) => line.split('@')[1]?.split('-')[1] ?? ''),
  );

/** Resolves when two workers serve. The console goes with its worker, and is back with the next. */
export const untilBothServe = (daemon: Daemon): Promise<unknown> =>
  daemon.waitFor(
    'both workers',
    () =>
      daemon.consoleJson('summary').then(
        (summary) => (summary as { workers: number }).workers === 2,
        () => false,
      ),
    20_000,
  );

/** Connects again and again until it is stopped, and counts how it went. */
export class Prober {
  greeted = 0;
  refused = 0;
  readonly #port: number;
  #running = true;
  readonly #done: Promise<void>;

  constructor(port: number) {
    this.#port = port;
    this.#done = this.#run();
  }

  stop(): Promise<void> {
    this.#running = false;
    return this.#done;
  }

  async #run(): Promise<void> {
    while (this.#running) {
      await this.#tryOnce();
      await new Promise((done) => setTimeout(done, 10));
    }
  }

  #tryOnce(): Promise<void> {
    return new Promise((done) => {
      const socket = net.connect(this.#port, '127.0.0.1');
      socket.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNREFUSED') this.refused++;
      });
      socket.once('data', () => {
        this.greeted++;
        socket.end('QUIT\r\n');
      });
      socket.once('close', () => done());
    });
  }
}
