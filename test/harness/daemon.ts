/** Starts the real daemon as a process of its own, with a configuration given inline, and ends it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { ConsoleClient } from '../../src/console/client.js';
import { buildWhenStale, findRoot } from '../../src/tools/build.js';
import { isListening, isListeningAt } from '../../src/tools/listening.js';
import { makePlace, type Place } from './place.js';

export interface DaemonOptions {
  /** The configuration; a function is given the place first. */
  readonly conf: string | ((place: Place) => string);
  /** Runs in this place again (after a kill); otherwise a new one is made, and removed by `end`. */
  readonly place?: Place;
  readonly env?: NodeJS.ProcessEnv;
  /** Options of node, e.g. `--cpu-prof`. */
  readonly nodeArgs?: readonly string[];
  /** In place of node and the compiled main file; `start -c FILE` is added. */
  readonly command?: readonly string[];
  readonly readyTimeoutMs?: number;
}

export interface Daemon extends AsyncDisposable {
  readonly place: Place;
  readonly dir: string;
  readonly port: number;
  readonly pid: number;
  /** Lines of standard output and standard error so far, at most the last 10,000. */
  readonly lines: readonly string[];
  /** Exit status or signal, once it has ended. */
  readonly ended: string | undefined;
  /** One console command; rejects when the answer is a refusal. With `json` the data. */
  console(command: string): Promise<string>;
  consoleJson(command: string): Promise<unknown>;
  /** Lines of a file in the place (`mainlog.ec`), [] when there is none yet. */
  fileLines(name: string): string[];
  /** Resolves with the first value of `look` that is neither undefined nor false; rejects after `timeoutMs` with the daemon's last lines. */
  waitFor<T>(what: string, look: () => T | undefined | false | Promise<T | undefined | false>, timeoutMs?: number): Promise<T>;
  /** Sends a signal (default SIGTERM) and resolves to the exit status or signal name. */
  stop(signal?: NodeJS.Signals, timeoutMs?: number): Promise<string>;
  /** SIGKILL to the daemon and all its workers at once. */
  kill(): Promise<void>;
  /** Kills what still runs and removes the place. */
  end(): Promise<void>;
}

const MOST_LINES = 10_000;
const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) killGroup(child);
});

let build: readonly string[] | undefined;

/** The compiled command, built when it is older than its sources. */
export function mainFile(): string {
  const root = findRoot();
  build ??= buildWhenStale(root).errors;
  const main = path.join(root, 'dist/src/main.js');
  if (!fs.existsSync(main)) throw new Error(`${main} is not there:\n${build.join('\n')}`);
  return main;
}

/** As many workers as CELERIS_WORKERS says, where the configuration itself does not. */
const withWorkers = (conf: string): string =>
  /^\s*workers\s*=/m.test(conf) ? conf : `${conf.trimEnd()}\nworkers = ${process.env.CELERIS_WORKERS ?? '1'}\n`;

/** Starts a daemon; it listens when the promise resolves. Rejects with what it printed when it ends or is not ready in time. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const place = options.place ?? (await makePlace());
  const { dir, port } = place;
  const conf = path.join(dir, 'ecelerity.conf');
  const text = withWorkers(typeof options.conf === 'string' ? options.conf : options.conf(place));
  fs.writeFileSync(conf, text);
  // The console opens after the SMTP sockets; a socket file left by a killed daemon is taken away first.
  const severalWanted = options.command === undefined && !/^\s*workers\s*=\s*1\s*$/m.test(text);
  const consoleWanted = options.command === undefined && text.includes(place.consolePath);
  if (consoleWanted) fs.rmSync(place.consolePath, { force: true });

  // A group of its own, so that its workers are ended with it.
  const [program = process.execPath, ...words] = options.command ?? [process.execPath, ...(options.nodeArgs ?? []), mainFile()];
  const child = spawn(program, [...words, 'start', '-c', conf], {
    cwd: dir,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', ...options.env },
  });
  alive.add(child);
  const lines: string[] = [];
  let ended: string | undefined;
  collect(child.stdout, lines);
  collect(child.stderr, lines);
  const gone = new Promise<string>((resolve) => {
    child.once('close', (status, signal) => {
      alive.delete(child);
      ended = signal ?? String(status);
      resolve(ended);
    });
    child.once('error', (error) => {
      alive.delete(child);
      ended = error.message;
      resolve(ended);
    });
  });

  const waitFor: Daemon['waitFor'] = async (what, look, timeoutMs = 10_000) => {
    const began = performance.now();
    for (;;) {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      const waited = performance.now() - began;
      if (waited > timeoutMs) throw new Error(`no ${what} after ${timeoutMs} ms; the daemon's last words:\n${lines.slice(-20).join('\n')}`);
      // Looking costs the daemon something, too: who waits long looks seldom.
      await new Promise((resolve) => setTimeout(resolve, Math.min(250, Math.max(10, waited / 50))));
    }
  };

  const daemon: Daemon = {
    place,
    dir,
    port,
    pid: child.pid ?? 0,
    lines,
    get ended() {
      return ended;
    },
    console: async (command) => (await askConsole(place, command, false)).text ?? '',
    consoleJson: async (command) => (await askConsole(place, command, true)).data,
    fileLines: (name) => readLines(path.join(dir, name)),
    waitFor,
    async stop(signal = 'SIGTERM', timeoutMs = 10_000) {
      if (ended === undefined) child.kill(signal);
      return waitFor(`end after ${signal}`, () => ended, timeoutMs);
    },
    async kill() {
      killGroup(child);
      await gone;
    },
    async end() {
      if (ended === undefined) await daemon.kill();
      fs.rmSync(dir, { recursive: true, force: true });
    },
    [Symbol.asyncDispose]: () => daemon.end(),
  };

  try {
    await waitFor(
      'ready daemon',
      () => {
        if (ended !== undefined) throw new Error(`the daemon ended with ${ended}:\n${lines.slice(-40).join('\n')}`);
        // Of several workers the first may serve before the last is there.
        if (severalWanted && !lines.some((line) => line.includes(' ready, pid '))) return false;
        return isListening(port) && (!consoleWanted || isListeningAt(place.consolePath));
      },
      options.readyTimeoutMs ?? 15_000,
    );
  } catch (error) {
    killGroup(child);
    throw error;
  }
  return daemon;
}

async function askConsole(place: Place, command: string, json: boolean) {
  const client = await ConsoleClient.connect({ path: place.consolePath });
  try {
    const answer = await client.ask(command, json);
    if (!answer.ok) throw new Error(`console refuses "${command}": ${answer.text ?? ''}`);
    return answer;
  } finally {
    client.close();
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}

function collect(stream: NodeJS.ReadableStream, lines: string[]): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
    if (lines.length > MOST_LINES) lines.splice(0, lines.length - MOST_LINES);
  });
  void once(stream, 'end').then(() => {
    if (rest !== '') lines.push(rest);
  });
}

function readLines(file: string): string[] {
  if (!fs.existsSync(file)) return [];
  const lines = fs.readFileSync(file, 'utf8').split('\n');
  // The last piece is empty, or a line that is just being written.
  lines.pop();
  return lines;
}
