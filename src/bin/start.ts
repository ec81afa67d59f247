/** celeris start: the daemon in the foreground, until a signal ends it. */
import fs from 'node:fs';
import { renderProblems } from '../config/render.js';
import { CodedError } from '../kernel/problems.js';
import { loadConfiguration } from '../server/configuration.js';
import { Control } from '../server/control.js';
import { Daemon } from '../server/daemon.js';
import { describeCause } from '../server/journal.js';
import { reload } from '../server/reload.js';
import { PRODUCT, VERSION } from '../server/version.js';
import { EXIT } from './exit.js';

/** A shut-down takes no longer than this. */
const STOP_LIMIT_MS = 120_000;
const TELL_WAITS_MS = 2000;

export async function start(file: string): Promise<number> {
  const configured = await loadConfiguration(file);
  if (configured.problems.length > 0) process.stderr.write(`${renderProblems(configured.problems)}\n`);
  if (!configured.ok) return EXIT.config;
  let daemon: Daemon;
  let control: Control;
  try {
    daemon = await Daemon.start(file, configured.snapshot);
    control = new Control(daemon);
    await control.open();
  } catch (error) {
    process.stderr.write(`celeris: ${describeCause(error)}\n`);
    return error instanceof CodedError && error.code === 'SPOOL_LOCKED' ? EXIT.busy : EXIT.software;
  }
  const { journal } = daemon;
  process.on('unhandledRejection', (error) => journal.say('critical', 'daemon', 'a promise was left alone', error));
  process.on('uncaughtException', (error) => journal.say('critical', 'daemon', 'an error was caught by nobody', error));
  const where = daemon.listeners
    .addresses()
    .map(({ address }) => (address.kind === 'tcp' ? `${address.host}:${address.port}` : address.path));
  journal.say(
    'info',
    'daemon',
    `${PRODUCT} ${VERSION} ready, pid ${process.pid}, ${daemon.user}, SMTP on ${where.join(', ') || 'no socket'}`,
  );
  const { pidfile } = configured.snapshot.global;
  if (pidfile !== undefined) writePid(pidfile, daemon);
  const limit = new AbortController();
  await untilEnd(daemon, limit);
  await control.close();
  await daemon.stop(AbortSignal.any([limit.signal, AbortSignal.timeout(STOP_LIMIT_MS)]));
  if (pidfile !== undefined) fs.rmSync(pidfile, { force: true });
  return EXIT.ok;
}

function writePid(file: string, daemon: Daemon): void {
  try {
    fs.writeFileSync(file, `${process.pid}\n`);
  } catch (error) {
    daemon.journal.say('warning', 'daemon', `${file} cannot be written`, error);
  }
}

/** Resolves at the first SIGTERM, SIGINT or console shutdown; the second one ends every wait. SIGHUP reopens logs, SIGUSR1 reloads. */
function untilEnd(daemon: Daemon, limit: AbortController): Promise<void> {
  return new Promise((done) => {
    let ending = false;
    const end = (why: string): void => {
      if (ending) {
        limit.abort();
        return;
      }
      ending = true;
      daemon.journal.say('info', 'daemon', `stopping: ${why}`);
      const telling = setInterval(() => {
        const waits = daemon.waits();
        if (waits.length > 0) daemon.journal.say('info', 'daemon', `still waiting for ${waits.join(', ')}`);
      }, TELL_WAITS_MS);
      telling.unref();
      done();
    };
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => end(signal));
    process.on('SIGHUP', () => daemon.chains.log_reopen.run());
    process.on('SIGUSR1', () => void reload(daemon));
    daemon.onStopAsked(() => end('asked on the console'));
  });
}
