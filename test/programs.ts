/** The Debian packages that suites may need, each with the proof that it is there; and their installation. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { findRoot } from '../src/tools/build.js';

/** Environment variable with the file in which suites note what they lacked; the global set-up makes it and reads it at the end. */
export const LACK_FILE = 'CELERIS_TEST_LACKS';

type Proof =
  | { readonly programs: readonly string[] }
  | { readonly command: readonly [string, ...string[]] }
  /** It conflicts with another package here: it is unpacked, with what it links to, and never installed. `file` lies within. */
  | { readonly unpacked: readonly string[]; readonly file: string };

/**
 * One line a package: programs that must be found, or a command that must succeed. A suite can need only what stands here.
 * Interpreters by full path: another python3 earlier on the path does not see Debian's libraries.
 */
const PROOF: Readonly<Record<string, Proof>> = {
  postfix: { programs: ['smtp-source', 'smtp-sink', 'postfix', 'postconf'] },
  'dovecot-core': { programs: ['dovecot', 'doveadm'] },
  maildrop: { programs: ['maildrop'] },
  procmail: { programs: ['procmail'] },
  swaks: { programs: ['swaks'] },
  openssl: { programs: ['openssl'] },
  nsd: { programs: ['nsd'] },
  unbound: { programs: ['unbound'] },
  ldnsutils: { programs: ['ldns-keygen', 'ldns-signzone'] },
  p0f: { programs: ['p0f'] },
  'util-linux': { programs: ['flock', 'mount'] },
  'icu-devtools': { programs: ['uconv'] },
  'libmail-dkim-perl': { command: ['/usr/bin/perl', '-MMail::DKIM::Verifier', '-e', '1'] },
  opendkim: { programs: ['opendkim'] },
  'opendkim-tools': { programs: ['opendkim-genkey'] },
  'libauthen-sasl-perl': { command: ['/usr/bin/perl', '-MAuthen::SASL', '-e', '1'] },
  'libnet-ssleay-perl': { command: ['/usr/bin/perl', '-MNet::SSLeay', '-e', '1'] },
  'libsasl2-modules': { command: ['/bin/sh', '-c', 'ls /usr/lib/*/sasl2/libcrammd5.so'] },
  // It looks for its user, whom only the installation would make: libnss-wrapper shows it one.
  'exim4-daemon-light': {
    unpacked: ['exim4-daemon-light', 'libgnutls-dane0', 'libidn12', 'libnss-wrapper'],
    file: 'usr/sbin/exim4',
  },
  'python3-dkim': { command: ['/usr/bin/python3', '-c', 'import dkim'] },
};

/** Names of all packages a suite may need. */
export const KNOWN_PACKAGES: readonly string[] = Object.keys(PROOF);

// Daemons' programs lie in sbin, which is not on everybody's path.
const PLACES = [...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin'];
const found = new Map<string, boolean>();

/** The full path of a program, or undefined. */
export function whereIs(program: string): string | undefined {
  return PLACES.map((folder) => `${folder}/${program}`).find((file) => isExecutable(file));
}

/** The path of a program of a package that `needs()` has proved; throws when it is not there after all. */
export function programPath(program: string): string {
  const file = whereIs(program);
  if (file === undefined) throw new Error(`${program} is not installed`);
  return file;
}

/** Says whether a package is there. Asked once a process; throws for a package without a line in the table. */
export function isInstalled(name: string): boolean {
  const known = found.get(name);
  if (known !== undefined) return known;
  const proof = PROOF[name];
  if (!proof) throw new Error(`"${name}" has no line in test/programs.ts`);
  const there = isThere(name, proof);
  found.set(name, there);
  return there;
}

function isThere(name: string, proof: Proof): boolean {
  if ('unpacked' in proof) return isExecutable(path.join(unpackedFolder(name), proof.file));
  if ('programs' in proof) return proof.programs.every((program) => whereIs(program) !== undefined);
  return spawnSync(proof.command[0], proof.command.slice(1), { stdio: 'ignore', timeout: 20_000 }).status === 0;
}

/** What has to be unpacked into `unpackedFolder` for a package; undefined for one that is installed. */
export function unpackedPackages(name: string): readonly string[] | undefined {
  const proof = PROOF[name];
  return proof && 'unpacked' in proof ? proof.unpacked : undefined;
}

/** Where a package lies that is unpacked in place of installed: the root of its own tree. */
export const unpackedFolder = (name: string): string => path.join(findRoot(), 'var/unpacked', name);

/** Forgets what was found, after an installation. */
export function lookAgain(): void {
  found.clear();
}

function isExecutable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
