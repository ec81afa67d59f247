/** Celeris as it comes, with the four logs of ec_logger on, in a temporary folder. */
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';
import type { Subject } from './subject.js';

export interface CelerisOptions {
  /** In place of node and the compiled main file. */
  readonly command?: readonly string[];
  readonly nodeArgs?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Further lines of configuration. */
  readonly more?: string;
}

/** Starts it. The daemon ends with the process that measures. */
export async function startCeleris(sinkPort: number, options: CelerisOptions = {}): Promise<Subject & { readonly daemon: Daemon }> {
  const { more, ...rest } = options;
  const daemon = await startDaemon({
    ...rest,
    conf: (place) => plainConf(place, { sinkPort, ...(more !== undefined && { more }) }),
  });
  return {
    daemon,
    name: 'Celeris',
    version: /\d+\.\d+\.\d+/.exec(await daemon.console('version').catch(() => ''))?.[0] ?? 'unknown',
    port: daemon.port,
    pid: daemon.pid,
    waiting: async () => countWaiting(await daemon.consoleJson('summary').catch(() => undefined)),
    async purge() {
      await daemon.console('fail domain bench.example').catch(() => undefined);
    },
    lastWords: () =>
      [...daemon.lines.slice(-10), ...daemon.fileLines('mainlog.ec').slice(-3), ...daemon.fileLines('paniclog.ec').slice(-5)].join('\n'),
    async stop() {
      await daemon.stop().catch(() => undefined);
      await daemon.end();
    },
  };
}

/** Whatever number the summary calls its messages; 0 when there is no console to ask. */
function countWaiting(summary: unknown): number {
  if (typeof summary !== 'object' || summary === null) return 0;
  const queued = (summary as { queued?: unknown }).queued;
  return typeof queued === 'number' ? queued : 0;
}
