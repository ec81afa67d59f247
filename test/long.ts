/** Runs the long form of a suite: `node dist/test/long.js soak|scale|crash [--long]`; without --long what `npm test` runs of it. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { findRoot } from '../src/tools/build.js';

interface Suite {
  readonly folders: readonly string[];
  /** What makes it long, unless the caller's environment says otherwise. */
  readonly env: Readonly<Record<string, string>>;
  /** Is never meant short when asked for by name. */
  readonly alwaysLong: boolean;
}

const SUITES: ReadonlyMap<string, Suite> = new Map([
  ['soak', { folders: ['test/soak', 'test/chaos/soak.test.ts'], env: { SOAK_SECONDS: '3600' }, alwaysLong: true }],
  ['scale', { folders: ['test/scale', 'test/crash/scale.test.ts'], env: { SCALE: 'full' }, alwaysLong: true }],
  ['crash', { folders: ['test/crash', 'test/kill'], env: { KILLS: '1000', CRASH_LONG: '1' }, alwaysLong: false }],
]);

const [name = '', ...words] = process.argv.slice(2);
const suite = SUITES.get(name);
if (!suite) {
  process.stderr.write(`"${name}" is none of ${[...SUITES.keys()].join(', ')}\n`);
  process.exit(64);
}
const isLong = suite.alwaysLong || words.includes('--long');
const root = findRoot();
const { status } = spawnSync(path.join(root, 'node_modules/.bin/vitest'), ['run', '--no-file-parallelism', ...suite.folders], {
  cwd: root,
  stdio: 'inherit',
  env: { ...(isLong && suite.env), ...process.env },
});
process.exit(status ?? 70);
