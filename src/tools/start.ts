/** npm start: the daemon in the foreground on config/ecelerity.conf, its mail taken by the built-in sink, and a word on where everything is. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse } from '../config/parse.js';
import { findRoot } from './build.js';
import { isListening } from './listening.js';
import { type Overview, readOverview } from './overview.js';
import { printLine, printParts } from './sink/show.js';
import { type Received, type Sink, startSink } from './sink/sink.js';

const POLL_MS = 20;

const root = findRoot();
const conf = path.resolve(process.argv[2] ?? path.join(root, 'config/ecelerity.conf'));
process.exitCode = await runBoth();

async function runBoth(): Promise<number> {
  const overview = readOverview(parse(fs.readFileSync(conf, 'utf8'), conf).tree);
  // Relative paths of the configuration begin here, for the daemon too.
  for (const file of [...overview.consoles, ...overview.logs, path.join(overview.spool ?? '.', 'x')]) {
    if (!/^[\d.[\]*]*:/.test(file)) fs.mkdirSync(path.dirname(path.resolve(root, file)), { recursive: true });
  }
  const sink = await openSink(overview);

  const daemon = spawn(process.execPath, [path.join(root, 'dist/src/main.js'), 'start', '-c', conf], { cwd: root, stdio: 'inherit' });
  // A terminal's Ctrl-C reaches the daemon as well; its end is ours.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => daemon.kill('SIGTERM'));
  process.on('SIGHUP', () => daemon.kill('SIGHUP'));
  const ended = new Promise<number>((resolve, reject) => {
    daemon.once('error', reject);
    daemon.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : os.constants.signals[signal])));
  });
  let running = true;
  void ended.finally(() => {
    running = false;
  });

  const port = portOf(overview.smtp[0]);
  while (running && port !== undefined && !isListening(port)) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  if (running) process.stdout.write(`${describe(overview, sink).join('\n')}\n`);
  const code = await ended;
  await sink?.close();
  return code;
}

/** The sink stands where the configuration sends all mail, when that is this machine and the port is free. */
async function openSink({ hop }: Overview): Promise<Sink | undefined> {
  if (!hop || !/^(?:127\.|::1$|localhost$)/.test(hop.host)) return undefined;
  let number = 0;
  const onMessage = async (message: Received): Promise<void> => {
    number += 1;
    process.stdout.write(`sink: ${[printLine(number, message), ...(await printParts(message))].join('\n')}\n`);
  };
  try {
    return await startSink({ host: hop.host, port: hop.port, keep: false, onMessage });
  } catch (error) {
    process.stderr.write(`no sink of our own: ${error instanceof Error ? error.message : String(error)}\n`);
    return undefined;
  }
}

function describe(overview: Overview, sink: Sink | undefined): string[] {
  const smtp = overview.smtp[0] ?? '(no listener)';
  const hop = overview.hop
    ? `${overview.hop.host}:${overview.hop.port}${sink ? ', the built-in sink, which prints each message here' : ''}`
    : 'by DNS';
  const [consolePath] = overview.consoles;
  return [
    '',
    'Celeris is running. Ctrl-C ends it.',
    `  configuration  ${here(conf)}`,
    `  SMTP           ${overview.smtp.join(', ')}`,
    `  next hop       ${hop}`,
    ...(consolePath !== undefined ? [`  console        node dist/src/main.js console ${here(consolePath)} mailq`] : []),
    `  spool          ${here(overview.spool ?? '')}`,
    `  logs           ${overview.logs.map(here).join(' ')}`,
    `  runs as        ${whoami(overview.user)}`,
    `  limits         ${limits()}`,
    'Send a first mail:',
    `  ${firstMail(smtp)}`,
    '',
  ];
}

function whoami(wished: string | undefined): string {
  const { username, uid } = os.userInfo();
  const drops = uid === 0 && wished !== undefined && wished !== username ? `, mail handled as ${wished}` : '';
  return `${username} (uid ${uid})${drops}`;
}

function limits(): string {
  const files =
    /^Max open files\s+(\S+)/m.exec(fs.existsSync('/proc/self/limits') ? fs.readFileSync('/proc/self/limits', 'utf8') : '')?.[1] ??
    'unknown';
  const memory = process.constrainedMemory() ?? 0;
  const total = memory > 0 && memory < os.totalmem() ? memory : os.totalmem();
  return `${files} open files (ulimit -n), ${(total / 2 ** 30).toFixed(1)} GiB of memory, ${os.availableParallelism()} processors`;
}

function firstMail(smtp: string): string {
  const port = portOf(smtp) ?? 25;
  const places = (process.env.PATH ?? '').split(':');
  if (places.some((folder) => fs.existsSync(path.join(folder, 'swaks'))))
    return `swaks --server 127.0.0.1:${port} --from me@example.com --to you@example.com`;
  return (
    `node -e "require('nodemailer').createTransport({port:${port}}).sendMail({from:'me@example.com',to:'you@example.com',` +
    `subject:'First',text:'Hello'}).then(r=>console.log(r.response))"`
  );
}

function portOf(address: string | undefined): number | undefined {
  const found = /:(\d+)$/.exec(address ?? '')?.[1];
  return found === undefined ? undefined : Number(found);
}

function here(file: string): string {
  const short = path.relative(process.cwd(), path.resolve(root, file));
  return short.startsWith('..') ? path.resolve(root, file) : `./${short}`;
}
