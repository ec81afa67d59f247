/** The four logs, byte for byte against golden files, and read back by a program that knows nothing of ours. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Address, type Attempt, bodyOf, Copy, type Reception, reject, type Session, STAGE, Writers } from '#module';
import { configureText } from '../../src/config/configure.js';
import { Facts } from '../../src/mail/facts.js';
import { Headers } from '../../src/mail/headers.js';
import { makeSession, rehearse } from '../../src/module/fixture.js';
import { PlaceTable } from '../../src/module/place.js';
import { Journal } from '../../src/server/journal.js';
import { makePlans } from '../../src/server/plans.js';
import { WriterBook } from '../../src/server/writers.js';
import ecLogger from './index.js';

const LOGS = ['mainlog', 'rejectlog', 'paniclog', 'acctlog'] as const;
const golden = (log: string): string => fs.readFileSync(path.join(import.meta.dirname, 'golden', `${log}.ec`), 'utf8');
const START = 1_800_000_000_000;

const places = new PlaceTable();
const factsOf = (pairs: Record<string, string>): Facts => {
  const facts = new Facts();
  for (const [key, value] of Object.entries(pairs)) facts.set(key, value);
  return facts;
};

function copyOf(id: string, recipient: Address, reception: Partial<Reception>, facts: Record<string, string> = {}): Copy {
  const whole: Reception = {
    batchId: 'B1/00-00042-0000BA7C',
    connectionId: 'C1/00-00042-0000C0DE',
    protocol: 'esmtp',
    receivedAt: START + 123,
    sender: new Address('alice', 'example.com'),
    facts: new Facts(),
    smtpUtf8: false,
    ...reception,
  };
  const headers = new Headers(Buffer.from('Subject: x\r\n\r\n'));
  return new Copy(id, whole, [recipient], headers, bodyOf([Buffer.from('hello\r\n')]), factsOf(facts));
}

const fromClient = copyOf('M1/00-00042-00000001', new Address('bob', 'example.net'), { source: { ip: '192.0.2.10', port: 41000 } });
fromClient.place = places.of('tenants', 'acme', 'example.net');
const fromUs = copyOf('M2/00-00042-00000002', new Address('"odd@name"', '[IPv6:2001:db8::1]'), {
  batchId: 'B2/00-00042-0000BA7D',
  connectionId: '00/00-00000-00000000',
  protocol: 'internal',
  sender: null,
});
fromUs.place = places.of('default', 'default', 'example.org');

function attemptOf(mail: Copy, more: Partial<Attempt>): Attempt {
  return {
    mail,
    place: mail.place,
    at: START,
    connectionId: '',
    stage: STAGE.notConnected,
    bytes: 0,
    hop: undefined,
    bounceClass: 0,
    possibleDuplicate: false,
    tls: undefined,
    outcome: 'deferred',
    reply: '',
    ...more,
  };
}

describe('the logs', () => {
  let folder = '';
  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-golden-'));
  });
  afterAll(() => fs.rmSync(folder, { recursive: true }));
  const written = (log: string): string => fs.readFileSync(path.join(folder, `${log}.ec`), 'utf8');

  it('are what the golden files say', async () => {
    const configured = await configureText(`ec_logger "main" {\n${LOGS.map((log) => `  ${log} = "${folder}/${log}.ec"`).join('\n')}\n}\n`, {
      manifests: [ecLogger],
    });
    if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
    const { snapshot } = configured;
    const rehearsal = rehearse({ outbound: (where) => snapshot.at(where), service: (token) => (token === Writers ? book : undefined) });
    const { clock, registry, faults } = rehearsal;
    const book = new WriterBook(clock, new Journal(clock));
    registry.commit(await registry.prepare(makePlans(snapshot, [ecLogger])));
    const { chains } = registry.current.hooks;

    const early = makeSession({ phase: 1, facts: factsOf({ early_talker: 'yes' }) });
    chains.received.run(fromClient, early);
    chains.received.run(fromUs, null);
    chains.authenticated.run(early, 'alice@example.com', 'ok');
    chains.authenticated.run(early, 'a\\b\nc', 'no');
    chains.authenticated.run(null, 'operator', 'error');

    const refuse = (second: number, session: Session, phase: number, module: string, text: string, draft?: Copy): void =>
      chains.rejected.run({ session, phase, module, reply: reject(text).reply, at: START + 1000 * second + 999, ...(draft && { draft }) });
    refuse(1, early, 1, 'conntrol', '550 5.7.1 you speak too early');
    const v6 = makeSession({
      id: 'C3/00-00042-0000C0DF',
      peer: { ip: '2001:db8::9', port: 1025 },
      local: { ip: '2001:db8::1', port: 25 },
      pathway: 'partners',
      pathwayGroup: 'inbound',
    });
    refuse(2, v6, 2, '', '501 5.5.2 invalid EHLO');
    refuse(3, early, 4, '', '550 5.7.1 null envelope sender not allowed');
    const marked = copyOf('D1', new Address('x', 'y.test'), {}, { mailfrom_string: 'MAIL FROM:<a"b@c>', score: '7' });
    refuse(4, early, 13, '', '550 5.7.1 relaying denied', marked);
    const unix = makeSession({ id: 'C4/00-00042-0000C0E0', peer: { ip: '', port: 0 }, local: { ip: '', port: 0 } });
    const looped = copyOf('D2', new Address('x', 'y.test'), {}, { mail_loop_header_count: '21' });
    refuse(5, unix, 10, 'mail_loop', '554 5.4.6 [internal] mail loop:\n21 Received headers', looped);

    chains.logged.run({ at: START + 1500, level: 'error', module: 'dkim_sign:sig', text: 'the key /etc/k.pem cannot be read' });
    chains.logged.run({ at: START + 2500, level: 'critical', module: 'spool', text: 'a segment is damaged\r\nsecond line' });

    const hop = { name: 'mx.example.net', ip: '198.51.100.25', port: 25 };
    chains.delivered.run(
      attemptOf(fromClient, {
        at: START + 5456,
        connectionId: 'O1/00-00042-00000ABC',
        bytes: 21,
        stage: STAGE.readingConfirmation,
        hop,
        outcome: 'delivered',
        reply: '250 2.0.0 OK',
      }),
    );
    fromClient.attempts = 3;
    chains.deferred.run(
      attemptOf(fromClient, {
        at: START + 7123,
        connectionId: 'O2/00-00042-00000ABD',
        stage: STAGE.duringRcptTo,
        hop: { ...hop, ip: '2001:db8::25' },
        reply: '451 4.7.1 greylisted, ask postmaster@example.net\nor wait',
      }),
    );
    await clock.advance(61_000);
    chains.failed.run(attemptOf(fromUs, { at: clock.now(), outcome: 'failed', reply: '554 5.4.4 [internal] no MX or A for domain' }));
    await clock.advance(60_000);
    await book.close();

    for (const log of LOGS) expect(written(log), log).toBe(golden(log));
    expect(faults).toEqual([]);
    registry.stop();
  });

  it('are read by awk: R has 14 fields, D 12, T and P 14 with the text last', () => {
    const program = `{ gsub(/\\\\@/, "\\001") } $5 == "M1" { beats++; next }
      $5 == "D" { if (NF != 12) print "D", NF } $5 == "R" { if (NF != 14) print "R", NF }
      $5 == "T" || $5 == "P" { text = $14; for (i = 15; i <= NF; i++) text = text "@" $i; print $5 "|" $6 "|" $10 "|" $13 "|" text }
      END { print beats " heartbeats" }`;
    expect(
      execFileSync('awk', ['-F@', program, path.join(folder, 'mainlog.ec')], { encoding: 'utf8' })
        .trim()
        .split('\n'),
    ).toEqual([
      'T|example.net|4|2001:db8::25|451 4.7.1 greylisted, ask postmaster@example.net or wait',
      'P|example.org|0||554 5.4.4 [internal] no MX or A for domain',
      '2 heartbeats',
    ]);
  });

  it('are readable for everybody who may read logs (mode 0644)', () => {
    const umask = process.umask();
    for (const log of LOGS) expect(fs.statSync(path.join(folder, `${log}.ec`)).mode & 0o777).toBe(0o644 & ~umask);
  });
});
