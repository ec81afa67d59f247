/** Compiles the tree into dist when a source is newer than the last compilation; safe to call from several processes at once. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/** What building came to. `errors` are the compiler's lines; with `noEmitOnError` off the JavaScript is there nevertheless. */
export interface Build {
  readonly built: boolean;
  readonly errors: readonly string[];
}

const SOURCES = ['src', 'modules', 'test', 'package.json', 'tsconfig.json'];
const LOCK_WAIT_MS = 120_000;
const LOCK_STEP_MS = 50;

/** The folder with package.json, from any file of the tree, compiled or not. */
export function findRoot(from = import.meta.dirname): string {
  let folder = from;
  while (!fs.existsSync(path.join(folder, 'package.json'))) {
    const above = path.dirname(folder);
    if (above === folder) throw new Error(`no package.json above ${from}`);
    folder = above;
  }
  return folder;
}

/** Says whether some source is newer than dist. */
export function isStale(root: string): boolean {
  const stamp = timeOf(path.join(root, 'dist/.built'));
  return stamp === 0 || SOURCES.some((name) => newest(path.join(root, name)) > stamp);
}

const lastErrors = (root: string): string[] =>
  fs
    .readFileSync(path.join(root, 'dist/.built'), 'utf8')
    .split('\n')
    .filter((line) => line !== '');

/** Compiles when needed; waits for another process that is at it. */
export function buildWhenStale(root: string): Build {
  if (!isStale(root)) return { built: false, errors: lastErrors(root) };
  const release = lock(path.join(root, 'dist'));
  try {
    if (!isStale(root)) return { built: false, errors: lastErrors(root) };
    const started = new Date();
    const tsc = path.join(root, 'node_modules/.bin/tsc');
    const { status, stdout, stderr, error } = spawnSync(tsc, ['-p', 'tsconfig.json', '--pretty', 'false'], { cwd: root, encoding: 'utf8' });
    if (error) throw error;
    const errors = status === 0 ? [] : `${stdout}${stderr}`.trim().split('\n');
    // The stamp carries the time the compiler began: a source saved meanwhile is newer than it.
    const stamp = path.join(root, 'dist/.built');
    fs.writeFileSync(stamp, errors.join('\n'));
    fs.utimesSync(stamp, started, started);
    return { built: true, errors };
  } finally {
    release();
  }
}

function lock(folder: string): () => void {
  fs.mkdirSync(folder, { recursive: true });
  const mark = path.join(folder, '.building');
  const deadline = Date.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      fs.writeFileSync(mark, String(process.pid), { flag: 'wx' });
      return () => fs.rmSync(mark, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (!ownerLives(mark)) fs.rmSync(mark, { force: true });
    if (Date.now() > deadline) throw new Error(`${mark} is held by another build for over ${LOCK_WAIT_MS / 1000} s`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_STEP_MS);
  }
}

function ownerLives(mark: string): boolean {
  try {
    const pid = Number(fs.readFileSync(mark, 'utf8'));
    // Written a moment after it was made: an empty mark is somebody's who is just starting.
    return pid === 0 || fs.existsSync(`/proc/${pid}`);
  } catch {
    return false;
  }
}

function newest(place: string): number {
  const found = fs.statSync(place, { throwIfNoEntry: false });
  if (!found) return 0;
  if (!found.isDirectory()) return place.endsWith('.ts') || place.endsWith('.json') ? found.mtimeMs : 0;
  let latest = 0;
  for (const name of fs.readdirSync(place)) latest = Math.max(latest, newest(path.join(place, name)));
  return latest;
}

const timeOf = (file: string): number => fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
