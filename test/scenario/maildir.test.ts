/** Mail stored in Maildir folders at reception: Dovecot reads it, nothing is lost or half there, nobody writes elsewhere. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { RawClient } from '../harness/client.js';
import { type Daemon, mainFile, startDaemon } from '../harness/daemon.js';
import { freePort, type Place, plainConf } from '../harness/place.js';
import { runProgram } from '../harness/program.js';
import { needs } from '../needs.js';
import { programPath } from '../programs.js';

const boxes = ({ dir }: Place): string => path.join(dir, 'boxes');

/** A daemon's configuration with mailboxes for box.test in the place; ann and bob have one. */
const withBoxes =
  (options = 'create_users = false', more = '') =>
  (place: Place): string => {
    for (const user of ['ann', 'bob']) fs.mkdirSync(path.join(boxes(place), user), { recursive: true });
    const stanza = `maildir "local" { basedir = "${boxes(place)}" domain = ( "box.test" ) ${options} }\n`;
    return plainConf(place, { sinkPort: 9, more: `${stanza}${more}` });
  };

async function open(daemon: Daemon, timeoutMs = 20_000, lmtpPort?: number): Promise<RawClient> {
  const client = await RawClient.connect(lmtpPort ?? daemon.port, { timeoutMs });
  await client.expect(220);
  await client.command(lmtpPort === undefined ? 'EHLO client.test' : 'LHLO client.test', 250);
  return client;
}

const files = (daemon: Daemon, user: string, part: string): readonly string[] => {
  const folder = path.join(boxes(daemon.place), user, part);
  return fs.existsSync(folder) ? fs.readdirSync(folder) : [];
};
const readMail = (daemon: Daemon, user: string, n = 0): string =>
  fs.readFileSync(path.join(boxes(daemon.place), user, 'new', files(daemon, user, 'new')[n] ?? ''), 'latin1');

const MAIL = 'From: s@far.test\r\nSubject: hello\r\n\r\none\r\n..two\r\n\r\nthree\r\n';
const md5 = (text: string): string => createHash('md5').update(text, 'latin1').digest('hex');

describe('maildir', () => {
  it('stores, says so, logs a reception and a delivery, and keeps nothing in the spool', async () => {
    await using daemon = await startDaemon({ conf: withBoxes() });
    const client = await open(daemon);
    const { code, raw } = await client.deliver('s@far.test', ['Ann+news@BOX.test'], MAIL);
    expect(raw).toMatch(/^250 2\.0\.0 OK \S+ stored, \d+ octets$/);
    expect(code).toBe(250);
    const text = readMail(daemon, 'ann');
    expect(text).toMatch(/^Return-Path: <s@far\.test>\nDelivered-To: Ann\+news@box\.test\nReceived: /);
    expect(text.endsWith('\n\none\n.two\n\nthree\n')).toBe(true);
    expect(text).not.toContain('\r');
    await daemon.waitFor('lines', () => daemon.fileLines('mainlog.ec').length >= 2);
    const kinds = daemon.fileLines('mainlog.ec').map((line) => line.split('@')[4]);
    expect(kinds).toEqual(['R', 'D']);
    expect(await daemon.consoleJson('summary')).toMatchObject({ queued: 0, received: 1, successfullyDelivered: 1 });
  });

  it('does not know everybody, and never leaves its folder', async () => {
    await using daemon = await startDaemon({ conf: withBoxes() });
    const client = await open(daemon);
    expect((await client.deliver('s@far.test', ['eve@box.test'], MAIL)).raw).toBe('550 5.1.1 unknown user');
    await client.command('MAIL FROM:<s@far.test>', 250);
    await client.command('RCPT TO:<../../etc@box.test>', 501);
    await client.command('RSET', 250);
    for (const bad of ['"../../etc"@box.test', '"a/../../b"@box.test', '".ann"@box.test', '"/etc/x"@box.test', 'a/b@box.test'])
      expect((await client.deliver('s@far.test', [bad], MAIL)).raw, bad).toBe('550 5.1.3 bad recipient address');
    expect(fs.readdirSync(boxes(daemon.place), { recursive: true }).toSorted()).toEqual(['ann', 'bob']);
    for (const elsewhere of ['etc', 'a', 'b']) expect(fs.existsSync(path.join(daemon.dir, elsewhere)), elsewhere).toBe(false);
    expect((await client.deliver('s@far.test', ['ann@box.test'], MAIL)).code).toBe(250);
  });

  it('gives the modes that were asked for under umask 077', async () => {
    await using daemon = await startDaemon({
      conf: withBoxes('create_users = true dirmode = 775 filemode = 664'),
      command: ['/bin/sh', '-c', 'umask 077; exec "$@"', 'sh', process.execPath, mainFile()],
    });
    await daemon.waitFor('console', () => daemon.console('summary').catch(() => undefined));
    const client = await open(daemon);
    expect((await client.deliver('s@far.test', ['carl@box.test'], MAIL)).code).toBe(250);
    const home = path.join(boxes(daemon.place), 'carl');
    const modeOf = (...parts: string[]): string => (fs.statSync(path.join(home, ...parts)).mode & 0o7777).toString(8);
    const [name = ''] = files(daemon, 'carl', 'new');
    expect([modeOf(), modeOf('tmp'), modeOf('new'), modeOf('cur'), modeOf('new', name)]).toEqual(['775', '775', '775', '775', '664']);
  });

  it('turns a thousand messages over fifty connections into a thousand files', async () => {
    await using daemon = await startDaemon({ conf: withBoxes() });
    const session = async (): Promise<void> => {
      const client = await open(daemon, 60_000);
      for (let i = 0; i < 20; i++) expect((await client.deliver('s@far.test', ['ann@box.test'], MAIL)).code).toBe(250);
      client.close();
    };
    await Promise.all(Array.from({ length: 50 }, session));
    expect(files(daemon, 'ann', 'new')).toHaveLength(1000);
    expect(files(daemon, 'ann', 'tmp')).toEqual([]);
  }, 120_000);

  it('leaves no half message where readers look when it is killed', async () => {
    await using daemon = await startDaemon({ conf: withBoxes() });
    const body = `Subject: big\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(100_000)}`;
    const clients = await Promise.all(Array.from({ length: 6 }, () => open(daemon)));
    for (const client of clients) void client.deliver('s@far.test', ['ann@box.test'], body).catch(() => undefined);
    const tmp = path.join(boxes(daemon.place), 'ann', 'tmp');
    await daemon.waitFor(
      'file that is being written',
      () => files(daemon, 'ann', 'tmp').some((name) => fs.statSync(path.join(tmp, name), { throwIfNoEntry: false })?.size),
      30_000,
    );
    await daemon.kill();
    for (const client of clients) client.close();
    expect(files(daemon, 'ann', 'tmp').length).toBeGreaterThan(0);
    for (const name of files(daemon, 'ann', 'new')) {
      const { size } = fs.statSync(path.join(boxes(daemon.place), 'ann', 'new', name));
      expect(name).toMatch(new RegExp(`,S=${size}$`));
    }
    const again = await startDaemon({ conf: withBoxes(), place: daemon.place });
    expect((await (await open(again)).deliver('s@far.test', ['ann@box.test'], MAIL)).code).toBe(250);
    await again.kill();
  }, 60_000);

  it('tells of two recipients one by one over LMTP, and by a notice over SMTP, which is stored, too', async () => {
    const lmtpPort = await freePort();
    const more = `ESMTP_Listener { Listen "127.0.0.1:${lmtpPort}" { speak_lmtp = true } }\n`;
    await using daemon = await startDaemon({ conf: withBoxes('create_users = false', more) });
    const local = await open(daemon, 20_000, lmtpPort);
    expect((await local.deliver('bob@box.test', ['eve@box.test', 'ann@box.test', '"a..b"@box.test'], MAIL)).raw).toBe(
      '550 5.1.1 unknown user',
    );
    expect((await local.reply()).raw).toMatch(/^250 2\.0\.0 OK .* stored/);
    expect((await local.reply()).raw).toBe('550 5.1.3 bad recipient address');
    expect([files(daemon, 'ann', 'new').length, files(daemon, 'bob', 'new').length]).toEqual([1, 0]);
    const client = await open(daemon);
    expect((await client.deliver('bob@box.test', ['ann@box.test', 'eve@box.test'], MAIL)).code).toBe(250);
    expect(files(daemon, 'ann', 'new')).toHaveLength(2);
    const notice = await daemon.waitFor('notice', () => files(daemon, 'bob', 'new').length === 1 && readMail(daemon, 'bob'));
    expect(notice).toMatch(/^Return-Path: <>\nDelivered-To: bob@box\.test\n/);
    expect(notice).toContain('Final-Recipient: rfc822;eve@box.test');
    expect(notice).toContain('550 5.1.1 unknown user');
    expect((await client.deliver('bob@box.test', ['eva@box.test', 'eve@box.test'], MAIL)).raw).toBe('550 5.1.1 unknown user');
  });
});

describe('NOTIFY=SUCCESS', () => {
  it('is answered when the message lies in its mailbox', async () => {
    await using daemon = await startDaemon({ conf: withBoxes() });
    const client = await open(daemon);
    await client.command('MAIL FROM:<bob@box.test> RET=HDRS ENVID=e1', 250);
    await client.command('RCPT TO:<ann@box.test> NOTIFY=SUCCESS', 250);
    await client.command('DATA', 354);
    client.send(`${MAIL}.\r\n`);
    await client.expect(250);
    const receipt = await daemon.waitFor('receipt', () => files(daemon, 'bob', 'new').length === 1 && readMail(daemon, 'bob'));
    expect(receipt).toContain('Action: delivered\n');
    expect(receipt).toContain('Original-Envelope-Id: e1\n');
  });
});

needs('dovecot-core')('Dovecot', () => {
  it('reads what was stored, octet for octet', async () => {
    await using daemon = await startDaemon({ conf: withBoxes() });
    const client = await open(daemon);
    const large = `Subject: large\r\n\r\n${Array.from({ length: 40_000 }, (_, i) => `line ${i} \u00e9\u00fc\r\n`).join('')}`;
    for (const mail of [MAIL, large]) expect((await client.deliver('s@far.test', ['ann@box.test'], mail)).code).toBe(250);
    const { dir } = daemon;
    fs.writeFileSync(
      path.join(dir, 'dovecot.conf'),
      `base_dir = ${dir}\nlog_path = /dev/stderr\nmail_location = maildir:${boxes(daemon.place)}/ann:INDEX=MEMORY\nssl = no\n`,
    );
    // Dovecot gives root no mail.
    await runProgram('chown', ['-R', '65534:65534', boxes(daemon.place)]);
    const asNobody = process.getuid?.() === 0 ? ['--reuid=65534', '--regid=65534', '--clear-groups'] : [];
    const words = [
      ...asNobody,
      programPath('doveadm'),
      '-c',
      path.join(dir, 'dovecot.conf'),
      '-f',
      'json',
      'fetch',
      'hdr.subject body',
      'all',
    ];
    const { stdout, stderr } = await runProgram('setpriv', words, { env: { ...process.env, USER: 'nobody', HOME: dir } });
    expect(stderr).toBe('');
    const found = (JSON.parse(stdout) as { 'hdr.subject': string; body: string }[]).toSorted((a, b) => a.body.length - b.body.length);
    expect(found.map((mail) => mail['hdr.subject'])).toEqual(['hello', 'large']);
    const sums = found.map(({ body }) => createHash('md5').update(body).digest('hex'));
    expect(sums[0]).toBe(md5('one\n.two\n\nthree\n'));
    expect(found[1]?.body).toHaveLength(large.split('\r\n\r\n')[1]?.replaceAll('\r\n', '\n').length ?? 0);
  });
});
