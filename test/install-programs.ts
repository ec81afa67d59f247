/** Installs the Debian packages that suites need and this machine lacks, so that none of their services starts. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isInstalled, KNOWN_PACKAGES, lookAgain, unpackedFolder, unpackedPackages, whereIs } from './programs.js';

const POLICY = '/usr/sbin/policy-rc.d';
const LISTS = '/var/lib/apt/lists';
/** Debian's convention: 101 means "this action is not allowed". */
const REFUSE_EVERYTHING = '#!/bin/sh\nexit 101\n';

/** Installs what is missing of `packages`; throws an Error that says what to do when that is impossible. Prints one line when it installs. */
export function installMissing(packages: readonly string[] = KNOWN_PACKAGES): void {
  const missing = packages.filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  const wish = `apt-get install --no-install-recommends ${missing.join(' ')}`;
  if (whereIs('apt-get') === undefined)
    throw new Error(`the tests need ${missing.join(', ')}, and this is no Debian: install them by hand`);
  if (process.getuid?.() !== 0) throw new Error(`the tests need ${missing.join(', ')}: as root, run "${wish}"`);
  process.stdout.write(`installing ${missing.join(', ')}\n`);
  const restore = keepServicesDown();
  try {
    // Lists may be absent (a fresh container) or older than what the mirror still has: update, then once more.
    if (!hasLists()) run(['update']);
    const installed = missing.filter((name) => unpackedPackages(name) === undefined);
    const install = ['install', '--yes', '--no-install-recommends', ...installed];
    if (installed.length > 0 && !run(install, false)) {
      run(['update']);
      run(install);
    }
    for (const name of missing) unpack(name, unpackedPackages(name) ?? []);
  } finally {
    restore();
  }
  lookAgain();
  const still = missing.filter((name) => !isInstalled(name));
  if (still.length > 0) throw new Error(`installed, but not there: ${still.join(', ')}`);
}

/** Downloads packages and lays their files into one folder, without scripts: nothing else on the machine changes. */
function unpack(name: string, packages: readonly string[]): void {
  if (packages.length === 0) return;
  const folder = unpackedFolder(name);
  const archives = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-archives-'));
  try {
    const download = ['download', ...packages];
    if (!run(download, false, archives)) {
      run(['update']);
      run(download, true, archives);
    }
    fs.mkdirSync(folder, { recursive: true });
    for (const file of fs.readdirSync(archives)) {
      const { status, stderr } = spawnSync('dpkg', ['-x', path.join(archives, file), folder], { encoding: 'utf8', timeout: 60_000 });
      if (status !== 0) throw new Error(`dpkg -x ${file} failed: ${stderr.trim()}`);
    }
  } finally {
    fs.rmSync(archives, { recursive: true, force: true });
  }
}

function run(words: readonly string[], mustSucceed = true, cwd = '/'): boolean {
  const { status, stdout, stderr } = spawnSync('apt-get', ['-q', ...words], {
    cwd,
    encoding: 'utf8',
    timeout: 300_000,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', DEBCONF_NONINTERACTIVE_SEEN: 'true', LC_ALL: 'C' },
  });
  if (status !== 0 && mustSucceed)
    throw new Error(`apt-get ${words.join(' ')} failed:\n${`${stdout}${stderr}`.trim().split('\n').slice(-12).join('\n')}`);
  return status === 0;
}

/** Lets no package start its service while it is installed (Debian's postfix would listen on port 25); resolves to what puts things back. */
function keepServicesDown(): () => void {
  const before = fs.existsSync(POLICY) ? { text: fs.readFileSync(POLICY), mode: fs.statSync(POLICY).mode } : undefined;
  fs.writeFileSync(POLICY, REFUSE_EVERYTHING, { mode: 0o755 });
  fs.chmodSync(POLICY, 0o755);
  return () => {
    if (before) {
      fs.writeFileSync(POLICY, before.text);
      fs.chmodSync(POLICY, before.mode & 0o7777);
    } else fs.rmSync(POLICY, { force: true });
  };
}

const hasLists = (): boolean => fs.existsSync(LISTS) && fs.readdirSync(LISTS).some((name) => name.includes('_Packages'));

if (process.argv[1] === import.meta.filename) {
  try {
    installMissing();
    process.stdout.write(`there: ${KNOWN_PACKAGES.join(', ')}\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
