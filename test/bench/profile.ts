/** npm run bench -- --profile: runs Celeris under node's CPU profiler and prints where its own time goes. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type CelerisOptions, startCeleris } from './celeris.js';
import { CountingSink } from './counting-sink.js';
import { findCount, measure, type Scenario } from './measure.js';
import { nameOf } from './table.js';

/** The part of a .cpuprofile that is read here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  /** Microseconds since the sample before. */
  readonly timeDeltas: readonly number[];
}

const MOST_LINES = 40;

/** Profiles each scenario in a daemon of its own; the profile files stay for a viewer, their folder is printed. */
export async function profileCeleris(celeris: CelerisOptions, scenarios: readonly Scenario[], seconds: number): Promise<void> {
  for (const scenario of scenarios) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-profile-'));
    fs.chmodSync(folder, 0o777);
    const sink = await CountingSink.start();
    // Workers that are forked inherit these; NODE_OPTIONS may not carry them.
    const nodeArgs = ['--cpu-prof', '--cpu-prof-interval=200', `--cpu-prof-dir=${folder}`];
    const subject = await startCeleris(sink.port, { ...celeris, nodeArgs });
    const count = await findCount(subject, sink, scenario, seconds);
    const { rate, cpuMicros } = await measure(subject, sink, scenario, count);
    await subject.stop();
    sink.stop();
    const files = fs.readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'));
    process.stdout.write(
      `${nameOf(scenario)}: ${Math.round(rate)}/s, ${Math.round(cpuMicros)} µs a message under the profiler; files in ${folder}\n`,
    );
    for (const name of files) {
      const profile: CpuProfile = JSON.parse(fs.readFileSync(path.join(folder, name), 'utf8'));
      process.stdout.write(`${printSelfTimes(profile, MOST_LINES).join('\n')}\n`);
    }
  }
}

/** `  12.3 %  functionName  file:line`, most first; time in which the process slept is left out. */
export function printSelfTimes({ nodes, samples, timeDeltas }: CpuProfile, most: number): string[] {
  const frames = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const times = new Map<string, number>();
  let total = 0;
  for (const [n, id] of samples.entries()) {
    const frame = frames.get(id);
    if (!frame || frame.functionName === '(idle)') continue;
    const micros = timeDeltas[n] ?? 0;
    total += micros;
    const where =
      frame.url === ''
        ? ''
        : `  ${frame.url.replace(/^file:\/\//, '').replace(/^.*\/(dist|node_modules)\//, '$1/')}:${frame.lineNumber + 1}`;
    const name = `${frame.functionName || '(anonymous)'}${where}`;
    times.set(name, (times.get(name) ?? 0) + micros);
  }
  return [...times]
    .sort(([, a], [, b]) => b - a)
    .slice(0, most)
    .map(([name, micros]) => `${((100 * micros) / total).toFixed(1).padStart(6)} %  ${name}`);
}
