/** Debian's Exim as a client: a spool of its own in a temporary folder, no daemon; each call runs it to its end. Needs root, as its deliveries do. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makePlace } from '../harness/place.js';
import { type Run, runProgram } from '../harness/program.js';
import { unpackedFolder } from '../programs.js';

/** The user its deliveries run as, and whom libnss-wrapper shows it as Debian-exim. */
const NOBODY = 65_534;

export interface EximOptions {
  /** Everything goes to this port of 127.0.0.1. */
  readonly port: number;
  /** The host it routes to: 127.0.0.1 unless a name is told, whose address that is then. */
  readonly route?: string;
  /** Options of its smtp transport. */
  readonly transport?: readonly string[];
  /** Its section of authenticators. */
  readonly authenticators?: readonly string[];
  /** Further lines of the main section. */
  readonly main?: readonly string[];
}

export interface Exim extends AsyncDisposable {
  /** Runs it with these words and this input. */
  run(words: readonly string[], input?: string | Buffer): Promise<Run>;
  /** Lines of its main log. */
  log(): readonly string[];
}

/** Makes its folder and configuration. */
export async function makeExim({ port, route = '127.0.0.1', transport = [], authenticators = [], main = [] }: EximOptions): Promise<Exim> {
  const { dir } = await makePlace('celeris-exim');
  const at = (name: string): string => path.join(dir, name);
  for (const folder of ['spool', 'spool/db', 'log']) fs.mkdirSync(at(folder));
  // What its deliveries remember of hosts.
  fs.chownSync(at('spool/db'), NOBODY, NOBODY);
  fs.writeFileSync(at('passwd'), `root:x:0:0::/root:/bin/sh\nDebian-exim:x:${NOBODY}:${NOBODY}::/:/bin/false\n`);
  fs.writeFileSync(at('group'), `root:x:0:\nDebian-exim:x:${NOBODY}:\n`);
  fs.writeFileSync(at('hosts'), `127.0.0.1 ${route}\n`);
  const root = path.join(unpackedFolder('exim4-daemon-light'), 'usr');
  const libraries = path.join(root, 'lib', `${os.machine()}-linux-gnu`);
  const shown = {
    LD_LIBRARY_PATH: libraries,
    LD_PRELOAD: path.join(libraries, 'libnss_wrapper.so'),
    NSS_WRAPPER_PASSWD: at('passwd'),
    NSS_WRAPPER_GROUP: at('group'),
    NSS_WRAPPER_HOSTS: at('hosts'),
  };
  const lines = [
    'primary_hostname = exim.celeris.test',
    `spool_directory = ${at('spool')}`,
    `log_file_path = ${at('log')}/%slog`,
    'log_selector = +all',
    // Of its environment it needs nothing but to be silent about it. All but a delivery stays root: from another user
    // it would run itself again, set-user-id, and the loader would not look where the libraries lie.
    `keep_environment = ${Object.keys(shown).join(' : ')}`,
    'exim_user = 0',
    'exim_group = 0',
    // The null item: who speaks SMTP to it on its standard input.
    'smtputf8_advertise_hosts = :',
    'dsn_advertise_hosts = :',
    'acl_smtp_rcpt = all',
    'host_lookup =',
    ...main,
    'begin acl',
    'all:\n  accept',
    'begin routers',
    `all:\n  driver = manualroute\n  transport = out\n  host_find_failed = defer\n  route_list = * ${route} byname\n  self = send`,
    'begin transports',
    `out:\n  driver = smtp\n  port = ${port}\n  user = ${NOBODY}\n  group = ${NOBODY}`,
    ...transport.map((line) => `  ${line}`),
    'begin retry',
    '* * F,1h,1m',
    'begin authenticators',
    ...authenticators,
    '',
  ];
  fs.writeFileSync(at('conf'), lines.join('\n'));
  return {
    run: (words, input) =>
      runProgram(path.join(root, 'sbin/exim4'), ['-C', at('conf'), ...words], {
        ...(input !== undefined && { input }),
        env: { PATH: process.env.PATH, ...shown },
        cwd: dir,
        timeoutMs: 20_000,
      }),
    log: () => (fs.existsSync(at('log/mainlog')) ? fs.readFileSync(at('log/mainlog'), 'utf8').split('\n') : []),
    async [Symbol.asyncDispose]() {
      fs.rmSync(dir, { recursive: true, force: true });
    },
  };
}
