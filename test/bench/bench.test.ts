/** The arithmetic of the benchmark: trees, medians, tables, reports, profiles, the gate's limit. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { isWithin } from './gate.js';
import type { Measure } from './measure.js';
import { printSelfTimes } from './profile.js';
import { writeReport } from './report.js';
import { judge, median, nameOf, printTable, type Row, ratiosOf } from './table.js';
import { readMemory, readTree } from './tree.js';

const one = (rate: number, cpuMicros: number): Measure => ({
  messages: 100,
  seconds: 1,
  rate,
  cpuMicros,
  memory: { pssMb: 80.4, peakRssMb: 100 },
  processes: 3,
});
const row = (kept: boolean, factor: number): Row => ({
  scenario: { sessions: 20, bytes: 4096, kept },
  postfix: [one(800, 2000), one(1000, 2000), one(900, 1800)],
  celeris: [one(800 * factor, 2000 / factor), one(1000 * factor, 2000 / factor), one(900 * factor, 1800 / factor)],
});

describe('a process tree', () => {
  it('counts the CPU of members, grandchildren and those that have exited', async () => {
    const burn = 'const end = Date.now() + 300; while (Date.now() < end);';
    const code = `const { spawnSync, spawn } = require('child_process');
      spawnSync(process.execPath, ['-e', ${JSON.stringify(burn)}]);
      spawn(process.execPath, ['-e', ${JSON.stringify(`${burn} console.log('burnt'); setInterval(() => 0, 1000)`)}], { stdio: ['ignore', 'inherit', 'ignore'] });`;
    const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    await once(child.stdout, 'data');
    const { cpuMicros, processes } = readTree(child.pid ?? 0);
    expect(processes).toBe(2);
    // Two burnt 0.3 s of wall time each; on a crowded machine they got less of it, never nothing.
    expect(cpuMicros).toBeGreaterThan(100_000);
    expect(cpuMicros).toBeLessThan(2_000_000);
    const { pssMb, peakRssMb } = readMemory(child.pid ?? 0);
    expect(pssMb).toBeGreaterThan(10);
    expect(peakRssMb).toBeGreaterThanOrEqual(pssMb);
    process.kill(-(child.pid ?? 0), 'SIGKILL');
  });

  it('of nobody is empty', () => {
    expect(readTree(0x7fffffff)).toEqual({ cpuMicros: 0, processes: 0 });
  });
});

describe('a table', () => {
  it('takes medians of pairs', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(ratiosOf(row(true, 7)).rate).toEqual([7, 7, 7]);
    expect(nameOf({ sessions: 1, bytes: 51_200, kept: false })).toBe('1 session, 50 KiB, new');
    expect(
      printTable([row(true, 7)])
        .split('\n')
        .at(-1),
    ).toBe('| 20 sessions, 4 KiB, kept | 900 | 6,300 | **7.0** (7.0-7.0) | 2,000 | 286 | **7.0** (7.0-7.0) | 80 (3) | 80 (3) |');
    expect(
      printTable([{ ...row(true, 7), celeris: [] }])
        .split('\n')
        .at(-1),
    ).toBe('| 20 sessions, 4 KiB, kept | 900 |  |  | 2,000 |  |  | 80 (3) |  |');
  });

  it('judges by bar and goal', () => {
    const [kept = '', fresh = ''] = judge([
      row(true, 7),
      row(false, 3.9),
      { ...row(true, 7), scenario: { sessions: 1, bytes: 4096, kept: true } },
    ]);
    expect(kept.match(/bar reached/g)).toHaveLength(2);
    expect(fresh.match(/BELOW THE BAR/g)).toHaveLength(2);
    expect(judge([row(true, 11)])[0]?.match(/goal reached/g)).toHaveLength(2);
  });

  it('replaces its part of a document and nothing else', () => {
    const report = {
      rows: [row(true, 7)],
      said: ['well'],
      versions: ['Postfix 3'],
      began: new Date(0),
      call: 'npm run bench',
      pairs: 3,
      machine: 'm',
    };
    const first = writeReport('# Speed\n\nWords before.\n', 'bench', report);
    expect(first).toMatch(
      /^# Speed\n\nWords before\.\n\n<!-- bench: begin -->\n`npm run bench`, 1970-01-01 00:00 UTC, on m; Postfix 3; medians of 3 pairs\.\n/,
    );
    const second = writeReport(`${first}Words after.\n`, 'bench', { ...report, call: 'again' });
    expect(second).toContain('`again`');
    expect(second).not.toContain('`npm run bench`');
    expect(second.endsWith('<!-- bench: end -->\nWords after.\n')).toBe(true);
  });
});

describe('a profile', () => {
  it('sums self times without the time asleep', () => {
    const frame = (functionName: string, url = '') => ({ functionName, url, lineNumber: 9 });
    const lines = printSelfTimes(
      {
        nodes: [
          { id: 1, callFrame: frame('(idle)') },
          { id: 2, callFrame: frame('scan', 'file:///x/dist/src/mail/scan.js') },
          { id: 3, callFrame: frame('writev') },
        ],
        samples: [1, 2, 3, 2],
        timeDeltas: [1000, 200, 100, 100],
      },
      5,
    );
    expect(lines).toEqual(['  75.0 %  scan  dist/src/mail/scan.js:10', '  25.0 %  writev']);
  });
});

describe('the gate', () => {
  it('lets pass up to 20 % more', () => {
    expect(isWithin(1.2, 1)).toBe(true);
    expect(isWithin(1.21, 1)).toBe(false);
  });
});
