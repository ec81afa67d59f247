/** Runs the program once: a message on its standard input, no shell, a process group of its own that ends as a whole. */
import { type ChildProcess, spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { constants } from 'node:os';
import { pipeline } from 'node:stream/promises';
import type { Ending } from './codes.js';

export interface Program {
  readonly file: string;
  readonly outputFile: string;
  readonly errorFile: string;
  readonly timeoutMs: number;
  /** Whose rights it has; the daemon's own without. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  /** Leaders of the process groups that run now. */
  readonly running: Set<number>;
}

/** Ends a whole process group at once. */
export function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // All of it has ended already.
  }
}

/**
 * Resolves with how the program ended. Rejects when it could not be started, or when the message could not be read to its end: the
 * program is killed before it could take a part for the whole. The signal kills it.
 */
export async function runProgram(
  program: Program,
  words: readonly string[],
  env: Record<string, string>,
  message: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<Ending> {
  signal.throwIfAborted();
  const { child, ended } = await start(program, words, env);
  const { pid, stdin } = child;
  // Without a pid the start failed, and that is what `ended` rejects with.
  if (pid === undefined || stdin === null) return ended;
  program.running.add(pid);
  let isLate = false;
  const kill = (): void => killGroup(pid);
  const timer = setTimeout(() => {
    isLate = true;
    kill();
  }, program.timeoutMs);
  signal.addEventListener('abort', kill, { once: true });
  let unread: unknown;
  const whole = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* message;
    } catch (error) {
      unread = error;
      kill();
      throw error;
    }
  };
  try {
    // A program that has read enough closes its end, and its status says what that means.
    const fed = pipeline(whole, stdin).catch(() => {});
    const ending = await ended;
    stdin.destroy();
    await fed;
    if (unread !== undefined) throw unread;
    signal.throwIfAborted();
    return isLate ? { kind: 'late' } : ending;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', kill);
    program.running.delete(pid);
  }
}

async function start(
  { file, outputFile, errorFile, owner }: Program,
  words: readonly string[],
  env: Record<string, string>,
): Promise<{ readonly child: ChildProcess; readonly ended: Promise<Ending> }> {
  // Opened for each run, so that whoever rotates the files need not ask.
  const output = await open(outputFile, 'a', 0o640);
  try {
    const errors = await open(errorFile, 'a', 0o640);
    try {
      const child = spawn(file, words, { cwd: '/', env, detached: true, stdio: ['pipe', output.fd, errors.fd], ...owner });
      // Listened to at once: its end may come while the files are closed.
      const ended = waitForEnd(child);
      ended.catch(() => {});
      return { child, ended };
    } finally {
      await errors.close();
    }
  } finally {
    await output.close();
  }
}

const waitForEnd = (child: ChildProcess): Promise<Ending> =>
  new Promise((done, fail) => {
    child.once('error', fail);
    child.once('exit', (status, signal) => {
      if (signal === null) done({ kind: 'exited', status: status ?? 0 });
      else done({ kind: 'killed', signal, status: 128 + constants.signals[signal] });
    });
  });
