/** BODY=BINARYMIME through the whole daemon: the octets arrive in mail of lines that is signed as it leaves, and none of them is a line. */
import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { simpleParser } from 'mailparser';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Received, type Sink, startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
let sink: Sink;
let daemon: Daemon;

beforeAll(async () => {
  sink = await startSink();
  daemon = await startDaemon({
    conf: (place) => {
      const key = path.join(place.dir, 'k1.private');
      fs.writeFileSync(key, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
      const stanza = [
        `dkim_sign "sig" { key = "${key}"  selector = "k1"  digest = "rsa-sha256"  headerlist = "From:Subject"`,
        '  header_canon = "simple"  body_canon = "simple"  dk_domain "site.test" { } }',
      ];
      return plainConf(place, { sinkPort: sink.port, more: `${stanza.join('\n')}\n` });
    },
  });
}, 60_000);

afterAll(async () => {
  await daemon.end();
  await sink.close();
});

const SMUGGLED = 'MAIL FROM:<evil@site.test>\nRCPT TO:<evil@far.test>\nDATA\n';
const NASTY = Buffer.from(`\0\n.\n${SMUGGLED}\r.\r${SMUGGLED}\r\n.\r\n${SMUGGLED}\n.\r\n${SMUGGLED}\xff${'x'.repeat(5000)}\r`, 'latin1');

const messageOf = (octets: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from('From: ann@site.test\r\nSubject: octets\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=cut\r\n'),
    Buffer.from('Content-Transfer-Encoding: binary\r\n\r\n--cut\r\nContent-Type: text/plain; charset=utf-8\r\n'),
    Buffer.from('Content-Transfer-Encoding: binary\r\n\r\nGrüße\r\n.\r\n--cut\r\nContent-Type: a/b\r\n'),
    Buffer.from('Content-Disposition: attachment\r\nContent-Transfer-Encoding: binary\r\n\r\n'),
    octets,
    Buffer.from('\r\n--cut--'),
  ]);

/** One message in chunks of these sizes, the rest in the last. */
async function bring(client: RawClient, to: string, message: Buffer, sizes: readonly number[]): Promise<Received> {
  client.send(`MAIL FROM:<ann@site.test> BODY=BINARYMIME\r\nRCPT TO:<${to}>\r\n`);
  let at = 0;
  for (const size of sizes) {
    client.send(`BDAT ${size}\r\n`);
    client.send(message.subarray(at, at + size));
    at += size;
  }
  client.send(`BDAT ${message.length - at} LAST\r\n`);
  client.send(message.subarray(at));
  for (let n = 0; n < sizes.length + 3; n++) await client.expect(250);
  return daemon.waitFor(`mail for ${to}`, () => sink.received.find((one) => one.to.includes(to)), 30_000);
}

const resolver = async () => [[`v=DKIM1; k=rsa; p=${pair.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`]];

it('chunks cut anywhere arrive as the same octets in signed mail of lines, from memory and from a file', async () => {
  const client = await RawClient.connect(daemon.port, { timeoutMs: 30_000 });
  await client.expect(220);
  expect((await client.command('EHLO client.test', 250)).texts).toContain('BINARYMIME');
  const small = messageOf(NASTY);
  const large = messageOf(Buffer.concat(Array.from({ length: 60 }, () => NASTY)));
  const inText = small.indexOf('\n.\n') + 1;
  const bodies = new Set<string>();
  const cuts = [[], [1, 7, 300, 1, 1], [inText, 1, 1], Array.from({ length: 40 }, (_, n) => n * 3 + 1)];
  for (const [n, sizes] of [...cuts, [100_000, 13]].entries()) {
    const message = n < cuts.length ? small : large;
    const { raw } = await bring(client, `to${n}@far.test`, message, sizes);
    expect(raw.toString('latin1')).not.toMatch(/\0|\r(?!\n)|(?<!\r)\n|evil|encoding: binary/i);
    const { attachments, text } = await simpleParser(raw);
    const sent = n < cuts.length ? NASTY : Buffer.concat(Array.from({ length: 60 }, () => NASTY));
    expect([attachments.length, attachments[0]?.content.equals(sent), text?.trim()]).toEqual([1, true, 'Grüße\n.']);
    const { results } = await dkimVerify(raw, { resolver });
    expect(results.map(({ status }) => status.result)).toEqual(['pass']);
    if (n < cuts.length) bodies.add(raw.toString('latin1', raw.indexOf('\r\n\r\n')));
  }
  expect(bodies.size).toBe(1);
  expect(sink.received.flatMap(({ to }) => to)).not.toContain('evil@far.test');
  await client.command('NOOP', 250);
});
