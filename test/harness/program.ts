/** Runs a program of the outside world (swaks, smtp-source, openssl …) to its end, with a time limit. */
import { spawn } from 'node:child_process';
import { programPath } from '../programs.js';

export interface Run {
  /** Exit status; undefined when a signal or the time limit ended it. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

export interface RunOptions {
  readonly input?: string | Buffer;
  /** Default 60 s; then SIGKILL. */
  readonly timeoutMs?: number;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a program by name (looked for in sbin too) or full path. Rejects only when it cannot be started. */
export function runProgram(program: string, words: readonly string[], options: RunOptions = {}): Promise<Run> {
  const started = performance.now();
  const file = program.includes('/') ? program : programPath(program);
  return new Promise((resolve, reject) => {
    const child = spawn(file, words, {
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 60_000,
      killSignal: 'SIGKILL',
      ...(options.cwd !== undefined && { cwd: options.cwd }),
      env: options.env ?? process.env,
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.once('error', reject);
    // A program that has enough before it read everything closes its end: not our failure.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.once('close', (status) => {
      const seconds = (performance.now() - started) / 1000;
      resolve({ status: status ?? undefined, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString(), seconds });
    });
  });
}

/** Sends one message by swaks to 127.0.0.1:port; `words` are further swaks options. The status is 0 when it was taken. */
export function swaks(port: number, words: readonly string[] = []): Promise<Run> {
  const usual = ['--server', `127.0.0.1:${port}`, '--from', 'ann@example.com', '--helo', 'client.example', '--timeout', '10'];
  return runProgram('swaks', [...usual, ...(words.includes('--to') ? [] : ['--to', 'bob@example.net']), ...words]);
}

/** A load of smtp-source. */
export interface Load {
  readonly messages: number;
  readonly sessions?: number;
  readonly bytes?: number;
  /** Keep connections open over messages (`-d`). */
  readonly kept?: boolean;
  readonly from?: string;
  readonly to?: string;
  readonly more?: readonly string[];
  readonly timeoutMs?: number;
}

/** Puts a load on 127.0.0.1:port by Postfix's smtp-source; rejects when it failed. */
export async function smtpSource(port: number, load: Load): Promise<Run> {
  const words = [
    '-s',
    String(load.sessions ?? 1),
    '-m',
    String(load.messages),
    '-l',
    String(load.bytes ?? 4096),
    ...(load.kept ? ['-d'] : []),
  ];
  const people = ['-f', load.from ?? 'ann@example.com', '-t', load.to ?? 'bob@example.net', '-M', 'client.example'];
  const run = await runProgram('smtp-source', [...words, ...people, ...(load.more ?? []), `inet:127.0.0.1:${port}`], {
    timeoutMs: load.timeoutMs ?? 120_000,
  });
  if (run.status !== 0) throw new Error(`smtp-source ended with ${run.status ?? 'a signal'}: ${run.stderr.trim()}`);
  return run;
}
