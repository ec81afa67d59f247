/** A signed pack of bounce rules that one worker pulls: all of them class replies by it, and by the old one when it is taken back. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { parseSaying } from '../../src/tools/sink/rule.js';
import { startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { type Place, plainConf } from '../harness/place.js';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');

function publish({ dir }: Place, version: number, bounceClass: number): void {
  const source = path.join(dir, 'source');
  fs.mkdirSync(source, { recursive: true });
  const pack = `version: ${version}\nrules:\n  - class: ${bounceClass}\n    any: ['zork']\n    example: '550 zork'\n`;
  const sha256 = createHash('sha256').update(pack).digest('hex');
  const manifest = JSON.stringify({ version, files: [{ name: 'bounce-rules.yaml', sha256, size: pack.length }] });
  fs.writeFileSync(path.join(source, 'bounce-rules.yaml'), pack);
  fs.writeFileSync(path.join(source, 'manifest.json'), manifest);
  fs.writeFileSync(path.join(source, 'manifest.json.sig'), sign(null, Buffer.from(manifest), privateKey));
}

/** Mail until both workers had some fail; answers the classes of all of them. */
async function classes(daemon: Daemon): Promise<ReadonlySet<string>> {
  const from = daemon.fileLines('bouncelog.ec').length;
  const bounced = (): string[][] =>
    daemon
      .fileLines('bouncelog.ec')
      .slice(from)
      .map((line) => line.split('@'));
  await daemon.waitFor('failures in both workers', async () => {
    const client = await RawClient.connect(daemon.port);
    await client.expect(220);
    await client.command('EHLO client.test', 250);
    await client.deliver('', ['b@one.test'], 'Subject: x\r\n\r\ny\r\n');
    await client.command('QUIT', 221);
    return new Set(bounced().map((fields) => fields[1]?.split('-')[1])).size === 2;
  });
  return new Set(bounced().map((fields) => fields[12] ?? ''));
}

it('is in force in all workers', { timeout: 60_000 }, async () => {
  await using sink = await startSink({ rules: [parseSaying('rcpt=550 zork')] });
  const conf = (place: Place): string => {
    fs.writeFileSync(path.join(place.dir, 'key.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
    publish(place, 1, 52);
    const source = pathToFileURL(path.join(place.dir, 'source')).href;
    const more = [
      'workers = 2',
      `bounce_logger "b" { bouncelog = "${path.join(place.dir, 'bouncelog.ec')}" }`,
      `live_bounce_updates { url = "${source}" public_key = "key.pem" updatesdir = "${place.dir}/updates" }`,
    ];
    return plainConf(place, { sinkPort: sink.port, more: `${more.join('\n')}\n` });
  };
  await using daemon = await startDaemon({ conf });
  const settle = (version: number): Promise<unknown> =>
    daemon.waitFor('the version in both workers', async () => {
      const rows = (await daemon.consoleJson('live_bounce_updates status')) as { version: number }[];
      return rows.length === 2 && rows.every((row) => row.version === version);
    });
  expect(await classes(daemon)).toEqual(new Set(['1']));
  expect(await daemon.console('live_bounce_updates pull')).toBe('version 1 installed');
  await settle(1);
  expect(await classes(daemon)).toEqual(new Set(['52']));
  publish(daemon.place, 2, 53);
  await daemon.console('live_bounce_updates pull');
  await settle(2);
  expect(await classes(daemon)).toEqual(new Set(['53']));
  expect(await daemon.console('live_bounce_updates rollback')).toContain('Version 1 is in force');
  await settle(1);
  expect(await classes(daemon)).toEqual(new Set(['52']));
});
