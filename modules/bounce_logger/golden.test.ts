/** The bounce log, byte for byte against a golden file, and read back by a program that knows nothing of ours. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Address, type Attempt, type Bounce, bodyOf, Copy, type Reception, STAGE, Writers } from '#module';
import { configureText } from '../../src/config/configure.js';
import { Facts } from '../../src/mail/facts.js';
import { Headers } from '../../src/mail/headers.js';
import { rehearse } from '../../src/module/fixture.js';
import { PlaceTable } from '../../src/module/place.js';
import { Journal } from '../../src/server/journal.js';
import { makePlans } from '../../src/server/plans.js';
import { WriterBook } from '../../src/server/writers.js';
import bounceLogger from './index.js';

const START = 1_800_000_000_000;
const places = new PlaceTable();
const golden = fs.readFileSync(path.join(import.meta.dirname, 'golden', 'bouncelog.ec'), 'utf8');

function copyOf(id: string, recipient: Address, sender: Address | null): Copy {
  const reception: Reception = {
    batchId: `B${id}/00-00042-0000BA7C`,
    connectionId: `C${id}/00-00042-0000C0DE`,
    protocol: 'esmtp',
    receivedAt: START,
    sender,
    facts: new Facts(),
    smtpUtf8: false,
  };
  const headers = new Headers(Buffer.from('Subject: x\r\n\r\n'));
  const copy = new Copy(`M${id}/00-00042-00000001`, reception, [recipient], headers, bodyOf([Buffer.from('hello\r\n')]), new Facts());
  copy.place = places.of('tenants', 'acme', recipient.domain);
  return copy;
}

const ours = copyOf('1', new Address('bob', 'example.net'), new Address('alice', 'example.com'));
const odd = copyOf('2', new Address('"odd@name"', '[IPv6:2001:db8::1]'), null);
const notice = copyOf('3', new Address('bounces+1', 'ours.test'), null);
const hop = { name: 'mx.example.net', ip: '198.51.100.25', port: 25 };

const attemptOf = (mail: Copy, more: Partial<Attempt>): Attempt => ({
  mail,
  place: mail.place,
  at: START + 1000,
  connectionId: 'O1/00-00042-00000ABC',
  stage: STAGE.duringRcptTo,
  bytes: 0,
  hop,
  bounceClass: 70,
  possibleDuplicate: false,
  tls: undefined,
  outcome: 'deferred',
  reply: '451 4.7.1 greylisted, ask postmaster@example.net\nor wait',
  ...more,
});

const bounceOf = (mail: Copy, more: Partial<Bounce>): Bounce => ({
  mail,
  place: mail.place,
  at: START + 2500,
  connectionId: '',
  recipient: mail.recipient,
  sender: mail.sender,
  stage: STAGE.afterRcptTo,
  bounceClass: 10,
  ip: hop.ip,
  reply: '550 5.1.1 <bob@example.net> no such user',
  ...more,
});

describe('the bounce log', () => {
  let folder = '';
  let file = '';
  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-bouncelog-'));
    file = path.join(folder, 'bouncelog.ec');
  });
  afterAll(() => fs.rmSync(folder, { recursive: true }));

  it('is what the golden file says', async () => {
    const configured = await configureText(`bounce_logger "b" {\n  bouncelog = "${file}"\n}\n`, { manifests: [bounceLogger] });
    if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
    const { snapshot } = configured;
    const { clock, registry, faults } = rehearse({
      outbound: (where) => snapshot.at(where),
      service: (token) => (token === Writers ? book : undefined),
    });
    const book = new WriterBook(clock, new Journal(clock));
    registry.commit(await registry.prepare(makePlans(snapshot, [bounceLogger])));
    const { chains } = registry.current.hooks;

    chains.deferred.run(attemptOf(ours, {}));
    chains.bounced.run(bounceOf(ours, {}));
    chains.bounced.run(
      bounceOf(odd, {
        ip: '',
        stage: STAGE.notConnected,
        bounceClass: 24,
        reply: '554 5.4.7 [internal] exceeded max time without delivery',
      }),
    );
    const unplaced = { group: 'default', binding: 'default', domain: '', index: -1 };
    const back = { place: unplaced, stage: STAGE.outOfBand, sender: notice.recipient, ip: '203.0.113.9' };
    chains.bounced.run(
      bounceOf(notice, { ...back, recipient: new Address('carol', 'example.org'), bounceClass: 22, reply: '552 5.2.2 over quota' }),
    );
    chains.bounced.run(bounceOf(notice, { ...back, recipient: undefined, bounceClass: 30, reply: 'who knows' }));
    chains.bounced.run(bounceOf(notice, { ...back, recipient: undefined, bounceClass: 80, reply: 'subscribe' }));
    await clock.advance(61_000);
    await book.close();

    expect(fs.readFileSync(file, 'utf8')).toBe(golden);
    expect(faults).toEqual([]);
    registry.stop();
  });

  it('is read by awk: 16 fields, the reply last', () => {
    const program = `{ gsub(/\\\\@/, "\\001") } $5 == "M1" { beats++; next }
      { if (NF < 16) print "too few", NF; text = $16; for (i = 17; i <= NF; i++) text = text "@" $i; print $5 "|" $6 "@" $7 "|" $12 "|" $13 "|" $14 "|" text }
      END { print beats " heartbeats" }`;
    expect(execFileSync('awk', ['-F@', program, file], { encoding: 'utf8' }).replaceAll('\x01', '\\@').trim().split('\n')).toEqual([
      'T|bob@example.net|4|70|21|451 4.7.1 greylisted, ask postmaster@example.net or wait',
      'B|bob@example.net|5|10|21|550 5.1.1 <bob@example.net> no such user',
      'B|"odd\\@name"@[IPv6:2001:db8::1]|0|24|21|554 5.4.7 [internal] exceeded max time without delivery',
      'B|carol@example.org|21|22|21|552 5.2.2 over quota',
      'B|@|21|30|21|who knows',
      '1 heartbeats',
    ]);
  });
});
