/** npm run bench: Celeris beside Debian's Postfix on the same disk, smtp-source → daemon → smtp-sink, each with its default of safety. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { findRoot } from '../../src/tools/build.js';
import { installMissing } from '../install-programs.js';
import { isInstalled } from '../programs.js';
import { type CelerisOptions, startCeleris } from './celeris.js';
import { CountingSink } from './counting-sink.js';
import { runGate } from './gate.js';
import { findCount, type Measure, measure, type Scenario } from './measure.js';
import { startPostfix } from './postfix.js';
import { profileCeleris } from './profile.js';
import { writeReport } from './report.js';
import type { Subject } from './subject.js';
import { judge, median, nameOf, printTable, type Row } from './table.js';

const USAGE = `npm run bench -- [options]
  --quick             20 sessions, 4 KiB, one pair of 2 s
  --pairs N           pairs a scenario (5)
  --seconds N         about how long one measurement takes (4)
  --sessions 1,20     which numbers of sessions (1,20,100)
  --kib 4,50          which sizes (4,50)
  --connections kept  new, kept or both (new,kept)
  --only NAME         postfix or celeris alone
  --celeris-cmd CMD   in place of node dist/src/main.js ("start -c FILE" is added)
  --write             put the table into docs/performance.md
  --gate              compare CPU a message with the yardstick; with --write store the ratio
  --profile           print where Celeris spends its time (--seconds, --connections, --kib, --sessions)`;

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    pairs: { type: 'string' },
    seconds: { type: 'string' },
    sessions: { type: 'string' },
    kib: { type: 'string' },
    connections: { type: 'string' },
    only: { type: 'string' },
    'celeris-cmd': { type: 'string' },
    write: { type: 'boolean' },
    gate: { type: 'boolean' },
    profile: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});

process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));

const quick = flags.quick === true;
const pairs = numberOf(flags.pairs, quick ? 1 : 5);
const seconds = numberOf(flags.seconds, quick ? 2 : 4);
const command = flags['celeris-cmd']?.split(' ');
const celeris: CelerisOptions = command ? { command } : {};

if (flags.help === true) process.stdout.write(`${USAGE}\n`);
else {
  if (!isInstalled('postfix')) installMissing(['postfix']);
  if (flags.gate === true)
    process.exitCode = await runGate(celeris, { store: flags.write === true, runs: numberOf(flags.pairs, 5), seconds });
  else if (flags.profile === true) await profileCeleris(celeris, scenarios(), numberOf(flags.seconds, 8));
  else await compare();
}
// Sinks and daemons end with us.
process.exit();

async function compare(): Promise<void> {
  const [load = 0] = os.loadavg();
  if (load > 1)
    process.stderr.write(`this machine is busy (load ${load.toFixed(1)}): rates will be low and CPU a message high on both sides\n`);
  const sides: [string, (port: number) => Promise<Subject>][] = [
    ['postfix', startPostfix],
    ['celeris', (port) => startCeleris(port, celeris)],
  ];
  const chosen = sides.filter(([name]) => flags.only === undefined || flags.only === name);
  if (chosen.length === 0) throw new Error(`--only ${flags.only}: postfix or celeris`);
  const subjects: { readonly name: string; readonly subject: Subject; readonly sink: CountingSink }[] = [];
  const rows: Row[] = [];
  const began = new Date();
  try {
    for (const [name, start] of chosen) {
      const sink = await CountingSink.start();
      subjects.push({ name, subject: await start(sink.port), sink });
    }
    for (const scenario of scenarios()) {
      const found: Record<string, Measure[]> = { postfix: [], celeris: [] };
      const counts = new Map<string, number>();
      for (const { name, subject, sink } of subjects) counts.set(name, await findCount(subject, sink, scenario, seconds));
      for (let pair = 0; pair < pairs; pair++) {
        for (const { name, subject, sink } of subjects) {
          const one = await measure(subject, sink, scenario, counts.get(name) ?? 0);
          found[name]?.push(one);
          process.stderr.write(
            `  ${name} ${nameOf(scenario)}: ${Math.round(one.rate)}/s, ${Math.round(one.cpuMicros)} µs (${one.messages} messages)\n`,
          );
        }
      }
      rows.push({ scenario, postfix: found.postfix ?? [], celeris: found.celeris ?? [] });
    }
  } finally {
    for (const { subject, sink } of subjects) {
      await subject.stop();
      sink.stop();
    }
  }
  const said = judge(rows);
  process.stdout.write(`${printTable(rows)}\n\n${said.map((line) => `${line}\n`).join('')}`);
  if (flags.only === 'postfix')
    process.stdout.write(`median over all: ${Math.round(median(rows.flatMap((row) => row.postfix.map((one) => one.rate))))}/s\n`);
  if (flags.write === true) {
    const versions = subjects.map(({ subject }) => `${subject.name} ${subject.version}`);
    const file = path.join(findRoot(), 'docs/performance.md');
    const call = ['npm run bench --', ...process.argv.slice(2)].join(' ');
    fs.writeFileSync(
      file,
      writeReport(fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '', 'bench', {
        rows,
        said,
        versions,
        began,
        call,
        pairs,
        machine: machine(),
      }),
    );
    process.stdout.write(`written to ${path.relative(process.cwd(), file)}\n`);
  }
}

function scenarios(): Scenario[] {
  const sessions = listOf(flags.sessions, quick || flags.profile === true ? [20] : [1, 20, 100]);
  const sizes = listOf(flags.kib, quick || flags.profile === true ? [4] : [4, 50]);
  const ways = (flags.connections ?? (flags.profile === true ? 'kept' : 'new,kept')).split(',');
  return sizes.flatMap((kib) =>
    sessions.flatMap((count) => ways.map((way) => ({ sessions: count, bytes: kib * 1024, kept: way === 'kept' }))),
  );
}

function numberOf(text: string | undefined, usual: number): number {
  if (text === undefined) return usual;
  const value = Number(text);
  if (!(value > 0)) throw new Error(`"${text}" is no number above 0\n${USAGE}`);
  return value;
}

function listOf(text: string | undefined, usual: readonly number[]): readonly number[] {
  return text === undefined ? usual : text.split(',').map((one) => numberOf(one, 0));
}

function machine(): string {
  const [cpu] = os.cpus();
  return `${os.cpus().length} × ${cpu?.model.trim() ?? 'CPU'}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, Linux ${os.release().split('-')[0]}, Node ${process.versions.node}`;
}
