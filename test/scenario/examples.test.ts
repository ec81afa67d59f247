/** Every configuration we ship is started as it stands, only ports, addresses and folders replaced, and carries a mail as its comment says. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { findRoot } from '../../src/tools/build.js';
import { type Sink, startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { startDaemon } from '../harness/daemon.js';
import { type Place, plainConf } from '../harness/place.js';

const root = findRoot();

/** The shipped text for a place: what names this machine is replaced, everything else is in force. */
function adapt(name: string, place: Place, sinkPort: number): string {
  const text = fs.readFileSync(path.join(root, 'config', name), 'utf8');
  const at = (file: string): string => path.join(place.dir, file);
  const [certificate, key] = [at('mx.crt'), at('mx.key')];
  if (text.includes('/etc/celeris/mx.pem')) {
    const how = ['-subj', '/CN=mx.example.test', '-days', '2', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
    execFileSync('openssl', ['req', '-x509', ...how, '-keyout', key, '-out', certificate], { stdio: 'pipe' });
    fs.writeFileSync(at('mx.pem'), fs.readFileSync(certificate, 'utf8') + fs.readFileSync(key, 'utf8'), { mode: 0o600 });
  }
  const adapted = text
    .replace(/listen "(127\.0\.0\.1)?:\d+"/, `listen "127.0.0.1:${place.port}"`)
    .replace(/"[^"]*console\.sock"/, `"${place.consolePath}"`)
    .replace(/"[^"]*\/log\/(?:celeris\/)?(\w+\.ec)"/g, (_, log: string) => `"${at(log)}"`)
    .replaceAll('/etc/celeris/mx.pem', at('mx.pem'))
    .replace('"192.0.2.20"', '"127.0.0.1"')
    .replace('lmtp_port = 24', `lmtp_port = ${sinkPort}`)
    .replace(/remote_smtp_port = \d+/, `remote_smtp_port = ${sinkPort}`)
    .replaceAll(/192\.0\.2\.1([01])/g, '127.0.0.1$1')
    .replace('10.20.0.0/16', '127.0.0.0/8')
    .replace('spoolbase = "var/spool"', '');
  const security = /^security .*$/m.exec(plainConf(place))?.[0] ?? '';
  // Where the example leaves the way to DNS, the sink is the world.
  const world = /\b(?:gateway|routes) =/.test(adapted) ? [] : ['gateway = "[127.0.0.1]"', `remote_smtp_port = ${sinkPort}`];
  return [adapted, `spoolbase = "${at('spool')}"`, security, ...world, ''].join('\n');
}

const TO: ReadonlyMap<string, string> = new Map([['examples/mx.conf', 'bob@example.test']]);
const names = ['ecelerity.conf', ...fs.readdirSync(path.join(root, 'config/examples')).map((name) => `examples/${name}`)];

it.each(names)(
  'config/%s starts and carries a mail',
  async (name) => {
    const lmtp = name === 'examples/mx.conf';
    const sink: Sink = await startSink({ lmtp });
    try {
      await using daemon = await startDaemon({ conf: (place) => adapt(name, place, sink.port) });
      const to = TO.get(name) ?? 'bob@elsewhere.test';
      const client = await RawClient.connect(daemon.port, { timeoutMs: 15_000 });
      await client.expect(220);
      await client.command('EHLO client.test', 250);
      expect((await client.deliver('ann@sender.test', [to], 'Subject: x\r\n\r\ntext\r\n')).code).toBe(250);
      if (lmtp) {
        await client.command('MAIL FROM:<ann@sender.test>', 250);
        expect((await client.command('RCPT TO:<x@elsewhere.test>')).raw).toBe('550 5.7.1 relaying denied');
      }
      await client.command('QUIT', 221);
      await sink.waitFor(1, 15_000);
      expect(sink.received[0]).toMatchObject({ from: 'ann@sender.test', to: [to] });
      await daemon.waitFor('a D line', () => daemon.fileLines('mainlog.ec').some((line) => line.split('@')[4] === 'D'));
    } finally {
      await sink.close();
    }
  },
  60_000,
);
