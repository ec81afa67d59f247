/** Before all tests: with CI=true programs are installed and the tree is built; after all: one line names what suites lacked. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { buildWhenStale, findRoot } from '../src/tools/build.js';
import { installMissing } from './install-programs.js';
import { LACK_FILE } from './programs.js';

/** Vitest calls it in its main process, and the function it returns when everything has run. */
export default function setUp(): () => void {
  // Each project calls it, all in one process: the first call is the one.
  if (process.env[LACK_FILE] !== undefined) return () => {};
  if (process.env.CI === 'true') {
    installMissing();
    const { errors } = buildWhenStale(findRoot());
    if (errors.length > 0) throw new Error(`the tree does not compile:\n${errors.join('\n')}`);
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-test-'));
  const file = path.join(folder, 'lacks');
  // Worker processes inherit it.
  process.env[LACK_FILE] = file;
  return () => {
    const lacks = fs.existsSync(file) ? [...new Set(fs.readFileSync(file, 'utf8').trim().split('\n'))].sort() : [];
    if (lacks.length > 0) process.stdout.write(`skipped for lack of: ${lacks.join(', ')}\n`);
    fs.rmSync(folder, { recursive: true, force: true });
  };
}
