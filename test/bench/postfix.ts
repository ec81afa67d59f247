/** Debian's Postfix as it comes, but for ports, folders and the next hop, as an instance of its own in a temporary folder. */
import fs from 'node:fs';
import path from 'node:path';
import { isListening } from '../../src/tools/listening.js';
import { makePlace } from '../harness/place.js';
import { runProgram } from '../harness/program.js';
import { programPath } from '../programs.js';
import type { Subject } from './subject.js';

/** Services of Debian's master.cf, none in a chroot, smtpd on our port. */
const SERVICES = [
  'pickup unix n - n 60 1 pickup',
  'cleanup unix n - n - 0 cleanup',
  'qmgr unix n - n 300 1 qmgr',
  'tlsmgr unix - - n 1000? 1 tlsmgr',
  'rewrite unix - - n - - trivial-rewrite',
  'bounce unix - - n - 0 bounce',
  'defer unix - - n - 0 bounce',
  'trace unix - - n - 0 bounce',
  'verify unix - - n - 1 verify',
  'flush unix n - n 1000? 0 flush',
  'proxymap unix - - n - - proxymap',
  'proxywrite unix - - n - 1 proxymap',
  'smtp unix - - n - - smtp',
  'relay unix - - n - - smtp',
  'showq unix n - n - - showq',
  'error unix - - n - - error',
  'retry unix - - n - - error',
  'discard unix - - n - - discard',
  'local unix - n n - - local',
  'virtual unix - n n - - virtual',
  'lmtp unix - - n - - lmtp',
  'anvil unix - - n - 1 anvil',
  'scache unix - - n - 1 scache',
  'postlog unix-dgram n - n - 1 postlogd',
];

const QUEUES = ['maildrop', 'incoming', 'active', 'deferred', 'hold'];

/** Starts it; needs root, as Postfix does. `more` lines end its main.cf. */
export async function startPostfix(sinkPort: number, more: readonly string[] = []): Promise<Subject & { readonly logFile: string }> {
  if (process.getuid?.() !== 0) throw new Error("Postfix's daemons need root");
  const { dir, port } = await makePlace('celeris-bench-postfix');
  const config = path.join(dir, 'etc');
  const queue = path.join(dir, 'spool');
  const logFile = path.join(dir, 'mail.log');
  for (const folder of [config, queue, path.join(dir, 'data')]) fs.mkdirSync(folder);
  const owner = fs.statSync('/var/lib/postfix');
  fs.chownSync(path.join(dir, 'data'), owner.uid, owner.gid);
  fs.writeFileSync(path.join(config, 'master.cf'), [`127.0.0.1:${port} inet n - n - - smtpd`, ...SERVICES, ''].join('\n'));
  fs.writeFileSync(
    path.join(config, 'main.cf'),
    [
      'compatibility_level = 3.6',
      `queue_directory = ${queue}`,
      `data_directory = ${path.join(dir, 'data')}`,
      `maillog_file = ${logFile}`,
      `maillog_file_prefixes = ${dir}`,
      'myhostname = postfix.celeris.test',
      'inet_interfaces = 127.0.0.1',
      'inet_protocols = ipv4',
      'mynetworks = 127.0.0.0/8',
      'mydestination =',
      'alias_maps =',
      'alias_database =',
      `relayhost = [127.0.0.1]:${sinkPort}`,
      ...more,
      '',
    ].join('\n'),
  );

  const postfix = async (...words: string[]) => {
    const run = await runProgram('postfix', ['-c', config, ...words]);
    if (run.status !== 0) throw new Error(`postfix ${words.join(' ')}: ${run.stderr}${log(dir)}`);
  };
  await postfix('start');
  for (let tries = 0; !isListening(port); tries++) {
    if (tries > 1000) throw new Error(`Postfix does not listen\n${log(dir)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const pid = Number(fs.readFileSync(path.join(queue, 'pid/master.pid'), 'utf8'));
  const stop = async (): Promise<void> => {
    process.removeListener('exit', killNow);
    await postfix('abort').catch(() => undefined);
    fs.rmSync(dir, { recursive: true, force: true });
  };
  const killNow = (): void => {
    process.kill(pid, 'SIGTERM');
  };
  process.on('exit', killNow);

  return {
    name: 'Postfix',
    version: await readVersion(),
    port,
    pid,
    logFile,
    waiting: async () => QUEUES.reduce((sum, name) => sum + countFiles(path.join(queue, name)), 0),
    async purge() {
      await runProgram('postsuper', ['-c', config, '-d', 'ALL']);
    },
    lastWords: () => log(dir),
    stop,
  };
}

async function readVersion(): Promise<string> {
  return (await runProgram(programPath('postconf'), ['-h', 'mail_version'])).stdout.trim();
}

const log = (dir: string): string => {
  const file = path.join(dir, 'mail.log');
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').slice(-10).join('\n') : '';
};

function countFiles(folder: string): number {
  let count = 0;
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    count += entry.isDirectory() ? countFiles(path.join(folder, entry.name)) : 1;
  }
  return count;
}
