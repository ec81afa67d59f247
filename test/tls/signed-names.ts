/** A small DNS of its own: zones served by nsd, signed by keys made here where wanted, asked through a validating unbound. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import dgram from 'node:dgram';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { decode, encode } from 'dns-packet';
import { freePort } from '../harness/place.js';
import { programPath } from '../programs.js';

export interface Zone {
  readonly name: string;
  /** Records as zone files write them, without SOA and NS. */
  readonly records: readonly string[];
  readonly signed: boolean;
  /** Changes the signed text: what it touches is bogus. */
  readonly forge?: (text: string) => string;
}

export interface SignedNames {
  /** Port of unbound on 127.0.0.1. */
  readonly port: number;
  end(): Promise<void>;
}

export async function serveZones(zones: readonly Zone[]): Promise<SignedNames> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-names-'));
  const [authority, resolver] = [await freePort(), await freePort()];
  const anchors = zones.filter(({ signed }) => signed).map((zone) => writeSigned(folder, zone));
  for (const zone of zones) if (!zone.signed) fs.writeFileSync(path.join(folder, `${zone.name}.zone`), textOf(zone));
  fs.writeFileSync(path.join(folder, 'nsd.conf'), nsdConf(folder, authority, zones));
  fs.writeFileSync(path.join(folder, 'anchors'), anchors.join('\n'));
  fs.writeFileSync(path.join(folder, 'unbound.conf'), unboundConf(folder, authority, resolver, zones));
  const children = [
    start('nsd', ['-d', '-c', path.join(folder, 'nsd.conf')], folder),
    start('unbound', ['-d', '-c', path.join(folder, 'unbound.conf')], folder),
  ];
  const end = async (): Promise<void> => {
    await Promise.all(children.map(stop));
    fs.rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const { name } of zones) await untilKnown(resolver, name);
  } catch (error) {
    const words = ['nsd', 'unbound'].map((program) => fs.readFileSync(path.join(folder, `${program}.log`), 'utf8').slice(-2000));
    await end();
    throw new Error(words.join('\n'), { cause: error });
  }
  return { port: resolver, end };
}

const textOf = ({ name, records }: Zone): string =>
  [
    `$ORIGIN ${name}.`,
    '$TTL 60',
    `@ IN SOA ns.${name}. root.${name}. 1 3600 600 86400 5`,
    `@ IN NS ns.${name}.`,
    'ns IN A 127.0.0.1',
    ...records,
    '',
  ].join('\n');

/** Signs a zone; answers its DS record, the trust anchor. */
function writeSigned(folder: string, zone: Zone): string {
  const plain = path.join(folder, `${zone.name}.plain`);
  const signed = path.join(folder, `${zone.name}.zone`);
  fs.writeFileSync(plain, textOf(zone));
  const run = (program: string, words: readonly string[]): string =>
    execFileSync(programPath(program), words, { cwd: folder, encoding: 'utf8' }).trim();
  const key = run('ldns-keygen', ['-a', 'ECDSAP256SHA256', '-k', zone.name]);
  run('ldns-signzone', ['-f', signed, plain, key]);
  if (zone.forge) {
    const text = fs.readFileSync(signed, 'utf8');
    const forged = zone.forge(text);
    if (forged === text) throw new Error(`nothing of ${zone.name} was forged`);
    fs.writeFileSync(signed, forged);
  }
  return fs.readFileSync(path.join(folder, `${key}.ds`), 'utf8').trim();
}

const nsdConf = (folder: string, port: number, zones: readonly Zone[]): string =>
  [
    'server:',
    `  ip-address: 127.0.0.1@${port}`,
    '  username: ""',
    '  chroot: ""',
    `  zonesdir: "${folder}"`,
    '  database: ""',
    ...['pidfile', 'xfrdfile', 'zonelistfile'].map((file) => `  ${file}: "${folder}/nsd.${file}"`),
    `  xfrdir: "${folder}"`,
    'remote-control:',
    '  control-enable: no',
    ...zones.flatMap(({ name }) => ['zone:', `  name: "${name}"`, `  zonefile: "${name}.zone"`]),
    '',
  ].join('\n');

const unboundConf = (folder: string, authority: number, port: number, zones: readonly Zone[]): string =>
  [
    'server:',
    '  interface: 127.0.0.1',
    `  port: ${port}`,
    '  username: ""',
    '  chroot: ""',
    `  directory: "${folder}"`,
    '  pidfile: ""',
    '  use-syslog: no',
    '  do-daemonize: no',
    '  do-ip6: no',
    '  num-threads: 1',
    '  do-not-query-localhost: no',
    '  module-config: "validator iterator"',
    `  trust-anchor-file: "${folder}/anchors"`,
    '  local-zone: "test." nodefault',
    'remote-control:',
    '  control-enable: no',
    ...zones.flatMap(({ name }) => ['stub-zone:', `  name: "${name}"`, `  stub-addr: 127.0.0.1@${authority}`]),
    '',
  ].join('\n');

function start(program: string, words: readonly string[], folder: string): ChildProcess {
  const log = fs.openSync(path.join(folder, `${program}.log`), 'a');
  const child = spawn(programPath(program), words, { stdio: ['ignore', log, log] });
  fs.closeSync(log);
  process.once('exit', () => child.kill('SIGKILL'));
  return child;
}

const stop = (child: ChildProcess): Promise<void> =>
  new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) return done();
    child.once('exit', () => done());
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 3000).unref();
  });

/** Waits until the resolver answers for a zone. */
async function untilKnown(port: number, zone: string): Promise<void> {
  const end = Date.now() + 10_000;
  for (;;) {
    if (await isKnown(port, zone)) return;
    if (Date.now() > end) throw new Error(`${zone} is not served`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

function isKnown(port: number, zone: string): Promise<boolean> {
  const socket = dgram.createSocket('udp4');
  const query = encode({ type: 'query', id: 1, flags: 0x0100, questions: [{ type: 'SOA', name: zone }] });
  return new Promise<boolean>((done) => {
    const timer = setTimeout(() => done(false), 500);
    socket.once('error', () => done(false));
    socket.once('message', (bytes) => {
      clearTimeout(timer);
      done((decode(bytes).answers ?? []).length > 0);
    });
    socket.send(query, port, '127.0.0.1');
  }).finally(() => socket.close());
}
