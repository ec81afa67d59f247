/** Postfix as the receiving side: one smtpd for each host, on loopback addresses of their own and one port, each with its certificate. */
import fs from 'node:fs';
import path from 'node:path';
import { isListening } from '../../src/tools/listening.js';
import { makePlace } from '../harness/place.js';
import { runProgram } from '../harness/program.js';
import type { Identity } from './authority.js';

export interface PostfixHosts {
  readonly port: number;
  /** Lines of its log so far. */
  log(): readonly string[];
  end(): Promise<void>;
}

const SERVICES = [
  'cleanup unix n - n - 0 cleanup',
  'qmgr unix n - n 300 1 qmgr',
  'tlsmgr unix - - n 1000? 1 tlsmgr',
  'rewrite unix - - n - - trivial-rewrite',
  'bounce unix - - n - 0 bounce',
  'defer unix - - n - 0 bounce',
  'proxymap unix - - n - - proxymap',
  'discard unix - - n - - discard',
  'anvil unix - - n - 1 anvil',
  'postlog unix-dgram n - n - 1 postlogd',
];

/** Hosts by address; one without an identity offers no STARTTLS. Needs root, as Postfix does. */
export async function startPostfixHosts(hosts: Readonly<Record<string, Identity | undefined>>): Promise<PostfixHosts> {
  const { dir, port } = await makePlace('celeris-postfix');
  const [config, queue, data] = ['etc', 'spool', 'data'].map((name) => path.join(dir, name)) as [string, string, string];
  for (const folder of [config, queue, data]) fs.mkdirSync(folder);
  const owner = fs.statSync('/var/lib/postfix');
  fs.chownSync(data, owner.uid, owner.gid);
  const services = Object.entries(hosts).map(([ip, identity]) => {
    const how = identity
      ? `-o smtpd_tls_security_level=may -o smtpd_tls_chain_files=${joinChain(dir, ip, identity)}`
      : '-o smtpd_tls_security_level=none';
    return `${ip}:${port} inet n - n - - smtpd ${how}`;
  });
  fs.writeFileSync(path.join(config, 'master.cf'), [...services, ...SERVICES, ''].join('\n'));
  fs.writeFileSync(
    path.join(config, 'main.cf'),
    [
      'compatibility_level = 3.6',
      `queue_directory = ${queue}`,
      `data_directory = ${data}`,
      `maillog_file = ${dir}/mail.log`,
      `maillog_file_prefixes = ${dir}`,
      'myhostname = postfix.test',
      'inet_protocols = ipv4',
      'mynetworks = 127.0.0.0/8',
      'mydestination =',
      'alias_maps =',
      'default_transport = discard',
      'relay_transport = discard',
      'smtpd_tls_loglevel = 1',
      '',
    ].join('\n'),
  );
  const postfix = (word: string) => runProgram('postfix', ['-c', config, word]);
  const log = (): readonly string[] => (fs.existsSync(`${dir}/mail.log`) ? fs.readFileSync(`${dir}/mail.log`, 'utf8').split('\n') : []);
  const end = async (): Promise<void> => {
    await postfix('abort');
    fs.rmSync(dir, { recursive: true, force: true });
  };
  const run = await postfix('start');
  const until = Date.now() + 10_000;
  while (run.status !== 0 || !isListening(port)) {
    if (run.status !== 0 || Date.now() > until) {
      const words = `${run.stderr}\n${log().slice(-10).join('\n')}`;
      await end();
      throw new Error(`Postfix does not listen: ${words}`);
    }
    await new Promise((done) => setTimeout(done, 20));
  }
  return { port, log, end };
}

/** Key and chain in one file, as smtpd_tls_chain_files wants them. */
function joinChain(dir: string, ip: string, { key, chain }: Identity): string {
  const file = path.join(dir, `${ip}.pem`);
  fs.writeFileSync(file, fs.readFileSync(key, 'utf8') + fs.readFileSync(chain, 'utf8'), { mode: 0o600 });
  return file;
}
