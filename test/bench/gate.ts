/** npm run bench -- --gate: fails when a message costs over 20 % more CPU, measured against the yardstick, than the stored ratio. */
import fs from 'node:fs';
import path from 'node:path';
import { findRoot } from '../../src/tools/build.js';
import { runProgram } from '../harness/program.js';
import { type CelerisOptions, startCeleris } from './celeris.js';
import { CountingSink } from './counting-sink.js';
import { findCount, measure, type Scenario } from './measure.js';
import { median, nameOf } from './table.js';

const ALLOWED = 1.2;
const SCENARIOS: Readonly<Record<'kept' | 'new', Scenario>> = {
  kept: { sessions: 20, bytes: 4096, kept: true },
  new: { sessions: 20, bytes: 4096, kept: false },
};

export interface GateOptions {
  /** Store the ratios in place of comparing. */
  readonly store: boolean;
  readonly runs: number;
  readonly seconds: number;
}

/** Says whether a ratio is within what the stored one allows. */
export const isWithin = (ratio: number, stored: number): boolean => ratio <= stored * ALLOWED;

/** Resolves to the exit code: 0 within the limit, 1 above it, 2 when nothing is stored to compare with. */
export async function runGate(celeris: CelerisOptions, { store, runs, seconds }: GateOptions): Promise<number> {
  const file = path.join(findRoot(), 'test/bench/gate.json');
  const stored: Record<string, number> = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : {};
  const sink = await CountingSink.start();
  const subject = await startCeleris(sink.port, celeris);
  const ratios: Record<string, number> = {};
  let worst = 0;
  try {
    for (const [name, scenario] of Object.entries(SCENARIOS)) {
      const count = await findCount(subject, sink, scenario, seconds);
      const found: number[] = [];
      for (let run = 0; run < runs; run++) {
        const yard = await readYardstick();
        const { cpuMicros } = await measure(subject, sink, scenario, count);
        found.push(cpuMicros / yard);
        process.stderr.write(
          `  ${name}: ${cpuMicros.toFixed(1)} µs a message, yardstick ${yard.toFixed(1)} µs, ratio ${(cpuMicros / yard).toFixed(3)}\n`,
        );
      }
      const ratio = median(found);
      ratios[name] = Number(ratio.toFixed(3));
      const limit = stored[name];
      if (store) continue;
      const verdict = limit === undefined ? 2 : isWithin(ratio, limit) ? 0 : 1;
      worst = Math.max(worst, verdict);
      const words =
        limit === undefined
          ? 'nothing stored to compare with'
          : `stored ${limit}, ${percent(ratio / limit)}: ${verdict === 0 ? 'within' : 'ABOVE'} 20 %`;
      process.stdout.write(`${nameOf(scenario)}: ratio ${ratio.toFixed(3)}, ${words}\n`);
    }
  } finally {
    await subject.stop();
    sink.stop();
  }
  if (store) {
    fs.writeFileSync(file, `${JSON.stringify(ratios, undefined, 2)}\n`);
    process.stdout.write(`stored ${JSON.stringify(ratios)}\n`);
  }
  return worst;
}

/** In a process of its own, so that what this one has compiled and allocated does not count. */
async function readYardstick(): Promise<number> {
  const { stdout, stderr, status } = await runProgram(process.execPath, [path.join(import.meta.dirname, 'yardstick.js')]);
  if (status !== 0) throw new Error(`the yardstick failed: ${stderr}`);
  return Number(stdout);
}

const percent = (ratio: number): string => `${ratio >= 1 ? '+' : ''}${((ratio - 1) * 100).toFixed(0)} %`;
