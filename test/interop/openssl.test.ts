/** openssl s_client against one daemon and against two workers: versions, sessions resumed, names, certificates, LMTP. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { needs } from '../needs.js';
import { programPath } from '../programs.js';
import { startsOf, untilBothServe } from '../workers/team.js';
import { NAME, type Reception, startReception } from './reception.js';

const SOCKETS = {
  smtp: 'relay_hosts = ( 127.0.0.0/8 )',
  lmtp: 'relay_hosts = ( 127.0.0.0/8 )  speak_lmtp = true',
  secure: 'relay_hosts = ( 127.0.0.0/8 )  use_ssl = true',
  older: 'tls_protocols = "+ALL:-TLSv1.0:-TLSv1.1:-TLSv1.3"',
  newer: 'tls_protocols = "-ALL:+TLSv1.3"',
  certified: 'tls_verify_mode = require',
} as const;
type Socket = keyof typeof SOCKETS;

const MAIL = 'Subject: hello\r\n\r\ntext\r\n';
/** A whole transaction that waits for no answer. */
const transaction = (to: string): string[] => [
  `MAIL FROM:<a@b.test>`,
  `RCPT TO:<${to}>`,
  `BDAT ${MAIL.length} LAST\r\n${MAIL.slice(0, -2)}`,
];

/**
 * All it prints of a session that says hello, the commands at once when the answer has come, and QUIT with them; it ends
 * when the daemon does.
 */
function talk(reception: Reception<Socket>, socket: Socket, words: readonly string[], commands: readonly string[] = []): Promise<string> {
  const start = socket === 'secure' ? [] : ['-starttls', socket === 'lmtp' ? 'lmtp' : 'smtp', '-name', 'client.test'];
  const target = ['-connect', `127.0.0.1:${reception.ports[socket]}`, '-CAfile', reception.authority.root.cert, '-verify_hostname', NAME];
  const file = programPath('openssl');
  const child = spawn(file, ['s_client', ...target, ...start, '-nocommands', '-ign_eof', ...words], {
    timeout: 10_000,
    killSignal: 'SIGKILL',
  });
  const hello = `${socket === 'lmtp' ? 'LHLO' : 'EHLO'} client.test`;
  // Behind STARTTLS no banner comes.
  const steps: [RegExp, string][] = [
    [socket === 'secure' ? /^220 .*\r\n/m : /^---\r?\n/m, hello],
    [/^250 .*\r\n/m, [...commands, 'QUIT'].join('\r\n')],
  ];
  let [out, errors] = ['', ''];
  child.stdin.on('error', () => undefined);
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
    const [step] = steps;
    if (!step?.[0].test(out)) return;
    steps.shift();
    child.stdin.write(`${step[1]}\r\n`);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (_, signal) => (signal ? reject(new Error(`${signal}: ${out}${errors}`)) : resolve(`${out}${errors}`)));
  });
}

describe.each([1, 2])('%i workers', (workers) => {
  needs('openssl')('openssl s_client', () => {
    let reception: Reception<Socket>;
    beforeAll(async () => {
      reception = await startReception(SOCKETS, `workers = ${workers}`);
      if (workers > 1) await untilBothServe(reception.daemon);
    }, 60_000);
    afterAll(() => reception[Symbol.asyncDispose]());

    it.each(['smtp', 'lmtp', 'secure'] as const)('brings mail to the socket "%s" and believes its certificate', async (socket) => {
      const to = `${socket}${workers}@far.test`;
      const said = await talk(reception, socket, ['-tls1_3'], transaction(to));
      expect(said).toContain('Verify return code: 0 (ok)');
      expect(said).toMatch(/250 2\.0\.0 OK \S+\r\n221 /);
      await reception.daemon.waitFor('the mail', () => reception.sink.received.some((mail) => mail.to.includes(to)));
    });

    it.each([
      ['older', '-tls1_2', '-tls1_3'],
      ['newer', '-tls1_3', '-tls1_2'],
      ['smtp', '-tls1_2', '-tls1_1'],
      ['secure', '-tls1_3', '-tls1_1'],
    ] as const)('socket "%s" speaks %s and not %s', async (socket, good, bad) => {
      const said = await talk(reception, socket, [good]);
      expect(said).toContain(`New, ${good === '-tls1_2' ? 'TLSv1.2' : 'TLSv1.3'}, Cipher is`);
      expect(said).toMatch(/250[- ]PIPELINING\r\n[\s\S]*221 /);
      // Or the client itself would not say the old version.
      const refused = await talk(reception, socket, [bad, '-cipher', 'DEFAULT@SECLEVEL=0']);
      expect(refused).toMatch(/alert protocol version/);
      expect(refused).not.toContain('221 ');
    });

    it.each(['-tls1_2', '-tls1_3'])('resumes its session, whoever serves the next connection (%s)', async (version) => {
      const before = startsOf(reception.daemon).size;
      const ticket = path.join(reception.authority.folder, `ticket${version}${workers}`);
      const first = await talk(reception, 'smtp', [version, '-sess_out', ticket]);
      expect(first).toContain('New, TLSv1.');
      expect(fs.existsSync(ticket)).toBe(true);
      for (let i = 0; i < 6; i++) {
        const to = `ticket${version}${i}@far.test`;
        const again = await talk(reception, 'smtp', [version, '-sess_in', ticket], transaction(to));
        expect(again, again).toContain('Reused, TLSv1.');
        expect(again).toMatch(/250 2\.0\.0 OK/);
      }
      await reception.daemon.waitFor('those who took mail', () => startsOf(reception.daemon).size === workers);
      expect(before).toBeLessThanOrEqual(workers);
    });

    it('shows a certificate of a known authority, of a stranger, none', async () => {
      const show = ({ cert, key }: { cert: string; key: string }): string[] => ['-cert', cert, '-key', key];
      for (const version of ['-tls1_2', '-tls1_3']) {
        const known = await talk(reception, 'certified', [version, ...show(reception.customer)]);
        expect(known, version).toMatch(/250[- ]PIPELINING\r\n[\s\S]*221 /);
        for (const how of [show(reception.stranger), []]) {
          const refused = await talk(reception, 'certified', [version, ...how]);
          expect(refused, version).toContain('421 4.7.0 a client certificate is needed');
          expect(refused).not.toContain('250-PIPELINING\r\n221');
        }
      }
    });

    it('a resumed session still has the certificate it began with', async () => {
      const { cert, key } = reception.customer;
      for (const version of ['-tls1_2', '-tls1_3']) {
        const ticket = path.join(reception.authority.folder, `certified${version}${workers}`);
        await talk(reception, 'certified', [version, '-cert', cert, '-key', key, '-sess_out', ticket]);
        for (let i = 0; i < 3; i++) {
          const again = await talk(reception, 'certified', [version, '-sess_in', ticket]);
          expect(again, again).toContain('Reused, TLSv1.');
          expect(again).toMatch(/250[- ]PIPELINING\r\n[\s\S]*221 /);
        }
        // What was begun without one gains none by being resumed where one is required.
        const bare = path.join(reception.authority.folder, `bare${version}${workers}`);
        await talk(reception, 'smtp', [version, '-sess_out', bare]);
        const refused = await talk(reception, 'certified', [version, '-sess_in', bare]);
        expect(refused).not.toMatch(/250[- ]PIPELINING\r\n[\s\S]*221 /);
      }
    });
  });
});
