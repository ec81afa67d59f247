/** TLS reports of a daemon with two workers: both count, one reports, and the report has the sessions of both. */
import fs from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Answer, decode, encode, type Packet } from 'dns-packet';
import { expect, it } from 'vitest';
import { NameServerAt, type Question } from '../dns/name-server.js';
import { RawClient } from '../harness/client.js';
import { startDaemon } from '../harness/daemon.js';
import { makePlace, plainConf } from '../harness/place.js';
import { needs } from '../needs.js';
import { Authority } from '../tls/authority.js';
import { startTlsPeer } from '../tls/tls-peer.js';
import { startsOf, untilBothServe } from './team.js';

const NAMES: Readonly<Record<string, Answer>> = {
  'MX fine.test': { type: 'MX', name: 'fine.test', ttl: 60, data: { preference: 10, exchange: 'mx.fine.test' } },
  'MX reports.test': { type: 'MX', name: 'reports.test', ttl: 60, data: { preference: 10, exchange: 'mx.fine.test' } },
  'A mx.fine.test': { type: 'A', name: 'mx.fine.test', ttl: 60, data: '127.0.0.1' },
  'TXT _smtp._tls.fine.test': { type: 'TXT', name: '_smtp._tls.fine.test', ttl: 60, data: 'v=TLSRPTv1; rua=mailto:tls@reports.test' },
};
const answer = (question: Question): void => {
  const asked = decode(question.query) as Packet & { id: number };
  const known = NAMES[`${question.type} ${question.name}`];
  question.send(encode({ type: 'response', id: asked.id, flags: 0x0180, questions: asked.questions ?? [], answers: known ? [known] : [] }));
};

interface Report {
  readonly policies: readonly { readonly summary: Readonly<Record<string, number>> }[];
}

/** The report in a message: the gzip part is the one whose base64 begins as gzip does. */
function readReport(message: string): Report {
  const packed = /\r\n\r\n(H4sI[A-Za-z0-9+/=\r\n]+)/.exec(message)?.[1] ?? '';
  return JSON.parse(gunzipSync(Buffer.from(packed, 'base64')).toString()) as Report;
}

needs('openssl')('TLS reports of two workers', () => {
  it('count the sessions of both, and are sent once', { timeout: 60_000 }, async () => {
    const authority = new Authority();
    const names = await NameServerAt.open(answer);
    const peer = await startTlsPeer(authority.issue('mx.fine.test'));
    const place = await makePlace();
    fs.writeFileSync(path.join(place.dir, 'resolv.conf'), `nameserver [127.0.0.1]:${names.port}\noptions timeout:2 attempts:1\n`);
    const more = [
      `resolv_conf = "${place.dir}/resolv.conf"`,
      `remote_smtp_port = ${peer.port}`,
      'deliver_to_private = true',
      'tls = ifavailable',
      'tlsrpt = true',
      'max_deliveries_per_connection = 1',
      'max_recipients_per_batch = 1',
      'workers = 2\n',
    ];
    const conf = plainConf(place, { more: more.join('\n') });
    let daemon = await startDaemon({ conf, place });
    try {
      let sent = 0;
      await daemon.waitFor('mail in both workers', async () => {
        const client = await RawClient.connect(daemon.port);
        await client.expect(220);
        await client.command('EHLO client.test', 250);
        expect((await client.deliver('a@sender.test', [`u${sent++}@fine.test`], 'Subject: x\r\n\r\ny\r\n')).code).toBe(250);
        await client.command('QUIT', 221);
        return startsOf(daemon).size === 2 && sent >= 6;
      });
      await daemon.waitFor('deliveries', () => peer.arrived.length === sent);
      expect(peer.arrived.every(({ secure }) => secure)).toBe(true);
      expect(await daemon.stop()).toBe('0');

      const folder = path.join(place.dir, 'spool/tlsrpt');
      const counts = fs.readdirSync(folder).filter((name) => name.endsWith('.counts'));
      expect(counts).toHaveLength(1);
      // Each of the two has written what it counted.
      const lines = fs
        .readFileSync(path.join(folder, counts[0] ?? ''), 'utf8')
        .trim()
        .split('\n');
      expect(lines).toHaveLength(2);
      const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
      fs.renameSync(path.join(folder, counts[0] ?? ''), path.join(folder, `${yesterday}.counts`));

      daemon = await startDaemon({ conf, place });
      await untilBothServe(daemon);
      expect(await daemon.console('tls report')).toBe('Reports sent.');
      const isReport = ({ to }: { readonly to: readonly string[] }): boolean => to.includes('tls@reports.test');
      await daemon.waitFor('the report', () => peer.arrived.some(isReport));
      expect(await daemon.console('tls report')).toBe('Reports sent.');
      const { policies } = readReport(peer.arrived.find(isReport)?.text ?? '');
      expect(policies.map(({ summary }) => summary)).toEqual([
        { 'total-successful-session-count': sent, 'total-failure-session-count': 0 },
      ]);
      await daemon.waitFor('an empty queue', async () => ((await daemon.consoleJson('summary')) as { queued: number }).queued === 0);
      expect(peer.arrived.filter(isReport)).toHaveLength(1);
      expect(fs.readdirSync(folder).filter((name) => name.startsWith(yesterday))).toEqual([]);
    } finally {
      await daemon.end();
      await peer.close();
      await names.close();
      authority.end();
    }
  });
});
