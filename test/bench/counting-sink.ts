/** Postfix's smtp-sink with its running counters, read from a file in memory: the far end of every measurement. */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isListening } from '../../src/tools/listening.js';
import { freePort } from '../harness/place.js';
import { programPath } from '../programs.js';

/** A line of counters is shorter than this. */
const TAIL_BYTES = 200;

export class CountingSink {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #file: string;
  readonly #descriptor: number;

  private constructor(port: number, child: ChildProcess, file: string, descriptor: number) {
    this.port = port;
    this.#child = child;
    this.#file = file;
    this.#descriptor = descriptor;
  }

  /** Starts it on a free port. */
  static async start(): Promise<CountingSink> {
    const port = await freePort();
    // In memory, so that counting costs the disk nothing that the daemons are measured on.
    const folder = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();
    const file = path.join(folder, `celeris-bench-sink-${process.pid}-${port}`);
    const descriptor = fs.openSync(file, 'w+');
    const rights = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
    // Unlike -M, which ends the sink before its last reply, -c counts without touching the dialogue.
    const child = spawn(programPath('smtp-sink'), [...rights, '-c', '-m', '2000', `inet:127.0.0.1:${port}`, '2000'], {
      // It complains there of connections that rest, which kept ones do.
      stdio: ['ignore', descriptor, 'ignore'],
    });
    for (let tries = 0; !isListening(port); tries++) {
      if (tries > 300 || child.exitCode !== null) throw new Error('smtp-sink does not start');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return new CountingSink(port, child, file, descriptor);
  }

  /** Messages it has answered with a 250 since its start. */
  count(): number {
    const { size } = fs.fstatSync(this.#descriptor);
    const tail = Buffer.alloc(Math.min(TAIL_BYTES, size));
    fs.readSync(this.#descriptor, tail, 0, tail.length, size - tail.length);
    const found = [...tail.toString('latin1').matchAll(/mesg=(\d+)\r/g)].at(-1);
    return Number(found?.[1] ?? 0);
  }

  stop(): void {
    this.#child.kill('SIGKILL');
    fs.closeSync(this.#descriptor);
    fs.rmSync(this.#file, { force: true });
  }
}
