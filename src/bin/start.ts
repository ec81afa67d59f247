/** celeris start: the daemon in the foreground, until a signal ends it; one process, or a supervisor with workers. */
import fs from 'node:fs';
import os from 'node:os';
import type { Configured } from '../config/configure.js';
import { renderProblems } from '../config/render.js';
import type { Snapshot } from '../config/snapshot.js';
import { printSocketAddress } from '../config/socket-address.js';
import { loadConfiguration } from '../server/configuration.js';
import { Control } from '../server/control.js';
import { Daemon } from '../server/daemon.js';
import { judgeDescriptors } from '../server/descriptors.js';
import { describeCause, type Journal } from '../server/journal.js';
import { reload } from '../server/reload.js';
import { PRODUCT, VERSION } from '../server/version.js';
import { Supervisor } from '../server/workers/supervisor.js';
import { EXIT } from './exit.js';

/** A shut-down takes no longer than this. */
const STOP_LIMIT_MS = 120_000;
const TELL_WAITS_MS = 2000;

/** Another daemon has the spool or a socket. A worker's reason comes as words. */
const HAS_OTHER = /\b(SPOOL_LOCKED|NET_IN_USE)\b/;

type Good = Extract<Configured, { readonly ok: true }>;

/** What runs: a daemon in this process, or the supervisor of several. */
interface Running {
  readonly journal: Journal;
  /** For the line that says it is ready. */
  readonly about: string;
  onStopAsked(stopped: () => void): void;
  waits(): readonly string[];
  reload(): void;
  reopenLogs(): void;
  stop(limit: AbortSignal): Promise<void>;
}

export async function start(file: string): Promise<number> {
  const configured = await loadConfiguration(file);
  if (configured.problems.length > 0) process.stderr.write(`${renderProblems(configured.problems)}\n`);
  if (!configured.ok) return EXIT.config;
  const { snapshot } = configured;
  let running: Running;
  try {
    const workers = chooseWorkers(snapshot, os.availableParallelism());
    running = workers === 1 ? await startAlone(file, snapshot) : await startSeveral(file, configured, workers);
  } catch (error) {
    const words = describeCause(error);
    process.stderr.write(`celeris: ${words}\n`);
    return HAS_OTHER.test(words) ? EXIT.busy : EXIT.software;
  }
  const { journal, about } = running;
  process.on('unhandledRejection', (error) => journal.say('critical', 'daemon', 'a promise was left alone', error));
  process.on('uncaughtException', (error) => journal.say('critical', 'daemon', 'an error was caught by nobody', error));
  journal.say('info', 'daemon', `${PRODUCT} ${VERSION} ready, pid ${process.pid}, ${about}`);
  for (const text of judgeDescriptors(snapshot)) journal.say('warning', 'daemon', text);
  const pidfile = snapshot.global.pidfile;
  if (pidfile !== undefined) writePid(pidfile, journal);
  const limit = new AbortController();
  await untilEnd(running, limit);
  await running.stop(AbortSignal.any([limit.signal, AbortSignal.timeout(STOP_LIMIT_MS)]));
  if (pidfile !== undefined) fs.rmSync(pidfile, { force: true });
  return EXIT.ok;
}

/** As many as were asked for; otherwise one on up to two cores, and one core is left to the system on more. */
export const chooseWorkers = (snapshot: Snapshot, cores: number): number => snapshot.global.workers ?? (cores <= 2 ? 1 : cores - 1);

async function startAlone(file: string, snapshot: Snapshot): Promise<Running> {
  const daemon = await Daemon.start(file, snapshot);
  const control = new Control(daemon);
  try {
    await control.open();
  } catch (error) {
    await daemon.stop(AbortSignal.abort());
    throw error;
  }
  const where = daemon.listeners.addresses().map(({ address }) => printSocketAddress(address));
  return {
    journal: daemon.journal,
    about: `${daemon.user}, SMTP on ${where.join(', ') || 'no socket'}`,
    onStopAsked: (stopped) => daemon.onStopAsked(stopped),
    waits: () => daemon.waits(),
    reload: () => void reload(daemon),
    reopenLogs: () => daemon.chains.log_reopen.run(),
    async stop(limit) {
      await control.close();
      await daemon.stop(limit);
    },
  };
}

async function startSeveral(file: string, { snapshot, loaded }: Good, workers: number): Promise<Running> {
  const [main = ''] = process.argv.slice(1);
  const command = [process.execPath, ...process.execArgv, main, 'worker'];
  const supervisor = await Supervisor.start({ file, snapshot, loaded, workers, command });
  const { user, sockets, pids } = supervisor.describe();
  return {
    journal: supervisor.journal,
    about: `${workers} workers (${pids.join(', ')}), ${user}, SMTP on ${sockets.join(', ') || 'no socket'}`,
    onStopAsked: (stopped) => supervisor.onStopAsked(stopped),
    waits: () => supervisor.waits(),
    reload: () => void reload(supervisor),
    reopenLogs: () => supervisor.reopenLogs(),
    stop: (limit) => supervisor.stop(limit),
  };
}

function writePid(file: string, journal: Journal): void {
  try {
    fs.writeFileSync(file, `${process.pid}\n`);
  } catch (error) {
    journal.say('warning', 'daemon', `${file} cannot be written`, error);
  }
}

/** Resolves at the first SIGTERM, SIGINT or console shutdown; the second one ends every wait. SIGHUP reopens logs, SIGUSR1 reloads. */
function untilEnd(running: Running, limit: AbortController): Promise<void> {
  return new Promise((done) => {
    let ending = false;
    const end = (why: string): void => {
      if (ending) {
        limit.abort();
        return;
      }
      ending = true;
      running.journal.say('info', 'daemon', `stopping: ${why}`);
      const telling = setInterval(() => {
        const waits = running.waits();
        if (waits.length > 0) running.journal.say('info', 'daemon', `still waiting for ${waits.join(', ')}`);
      }, TELL_WAITS_MS);
      telling.unref();
      done();
    };
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => end(signal));
    process.on('SIGHUP', () => running.reopenLogs());
    process.on('SIGUSR1', () => running.reload());
    running.onStopAsked(() => end('asked on the console'));
  });
}
