/** Programs take mail at reception, and what they say of it is what the client hears. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { freePort, type Place, plainConf } from '../harness/place.js';
import { needs } from '../needs.js';
import { programPath } from '../programs.js';

const CODES = 'code = [ "0" = "250 ok" 100 = "550 command failed" 111 = "450 try again later" ]';

/** The program: exit status by the recipient, e.g. exit7@pipe.test. It runs in the place. */
const program = (dir: string, script: string): string => {
  const file = path.join(dir, 'program');
  fs.writeFileSync(file, `#!/bin/sh\ncd ${dir}\n${script}\n`, { mode: 0o755 });
  return file;
};

const piping =
  (script: string, { options = CODES, sinkPort = 9, more = '' } = {}) =>
  (place: Place): string =>
    plainConf(place, {
      sinkPort,
      more: `pipe_transport "local" { program_name = "${program(place.dir, script)}" domain = ( "pipe.test" ) ${options} }\n${more}`,
    });

async function open(daemon: Daemon, lmtpPort?: number): Promise<RawClient> {
  const client = await RawClient.connect(lmtpPort ?? daemon.port, { timeoutMs: 30_000 });
  await client.expect(220);
  await client.command(lmtpPort === undefined ? 'EHLO client.test' : 'LHLO client.test', 250);
  return client;
}

const BY_NAME = 'cat > /dev/null; exit $(echo "$LOCAL" | tr -d a-z)';
const MAIL = 'From: s@far.test\r\nSubject: hello\r\n\r\none\r\n..two\r\n';

describe('pipe_transport', () => {
  it('answers what the exit status means', async () => {
    await using daemon = await startDaemon({ conf: piping(BY_NAME) });
    const client = await open(daemon);
    const answer = async (user: string): Promise<string> => (await client.deliver('s@far.test', [`${user}@pipe.test`], MAIL)).raw;
    expect(await answer('exit0')).toBe('250 ok');
    expect(await answer('exit100')).toBe('550 command failed');
    expect(await answer('exit111')).toBe('450 try again later');
    expect(await answer('exit7')).toBe('504 5.5.0 pipe transport gave exit status 7');
    expect(await daemon.consoleJson('summary')).toMatchObject({ queued: 0, received: 1, successfullyDelivered: 1 });
    await daemon.waitFor('lines', () => daemon.fileLines('rejectlog.ec').length >= 3);
    expect(daemon.fileLines('mainlog.ec').map((line) => line.split('@')[4])).toEqual(['R', 'D']);
  });

  it('hands on twenty megabytes, octet for octet', async () => {
    const conf = piping('cat > out', { options: `${CODES} line_ending = "crlf"` });
    const roomy = (place: Place): string => conf(place).replace('ESMTP_Listener {', 'ESMTP_Listener { max_message_size = 30000000 ');
    await using daemon = await startDaemon({ conf: roomy });
    const client = await open(daemon);
    const mail = `Subject: big\r\n\r\n${`${'y'.repeat(76)}\r\n`.repeat(256_500)}`;
    expect((await client.deliver('s@far.test', ['exit0@pipe.test'], mail)).raw).toBe('250 ok');
    const out = fs.readFileSync(path.join(daemon.dir, 'out'));
    const found = out.subarray(out.indexOf('Subject: big'));
    const md5 = (octets: string | Buffer): string => createHash('md5').update(octets).digest('hex');
    const [head = '', ...body] = found.toString('latin1').split('\r\n\r\n');
    expect(head).toContain('Subject: big');
    expect(md5(body.join('\r\n\r\n'))).toBe(md5(mail.slice(mail.indexOf('\r\n\r\n') + 4)));
  }, 60_000);

  it('ends a program that hangs, with all that it started', async () => {
    await using daemon = await startDaemon({ conf: piping('sleep 300 & echo $! > child; wait', { options: 'timeout = 1' }) });
    const client = await open(daemon);
    const began = performance.now();
    expect((await client.deliver('s@far.test', ['ann@pipe.test'], MAIL)).raw).toBe('451 4.3.0 pipe transport took too long');
    expect(performance.now() - began).toBeGreaterThan(990);
    const child = Number(fs.readFileSync(path.join(daemon.dir, 'child'), 'latin1'));
    await daemon.waitFor(
      'end of the child',
      () => !fs.existsSync(`/proc/${child}/stat`) || /\) [ZX] /.test(fs.readFileSync(`/proc/${child}/stat`, 'utf8')),
    );
  });

  it('leaves other domains to delivery', async () => {
    await using sink = await startSink();
    await using daemon = await startDaemon({ conf: piping('touch ran; cat > /dev/null', { sinkPort: sink.port }) });
    const client = await open(daemon);
    expect((await client.deliver('s@far.test', ['ann@far.test'], MAIL)).code).toBe(250);
    await sink.waitFor(1);
    expect(fs.existsSync(path.join(daemon.dir, 'ran'))).toBe(false);
    // One of each in one message: both arrive.
    expect((await client.deliver('s@far.test', ['ann@far.test', 'exit0@pipe.test'], MAIL)).code).toBe(250);
    await sink.waitFor(2);
    expect(fs.existsSync(path.join(daemon.dir, 'ran'))).toBe(true);
  });

  it('runs fifty at once in turns', async () => {
    const script = 'echo + >> log; cat > /dev/null; sleep 0.1; echo - >> log';
    await using daemon = await startDaemon({ conf: piping(script, { options: 'concurrency = 5', more: 'workers = 1\n' }) });
    const send = async (): Promise<void> => {
      const client = await open(daemon);
      expect((await client.deliver('s@far.test', ['ann@pipe.test'], MAIL)).code).toBe(250);
      client.close();
    };
    await Promise.all(Array.from({ length: 50 }, send));
    const log = fs.readFileSync(path.join(daemon.dir, 'log'), 'latin1').trim().split('\n');
    expect(log).toHaveLength(100);
    let now = 0;
    const widths = log.map((line) => (now += line === '+' ? 1 : -1));
    expect(Math.max(...widths)).toBe(5);
  }, 60_000);

  it('tells of two recipients one by one over LMTP, and by a notice over SMTP', async () => {
    await using sink = await startSink();
    const lmtpPort = await freePort();
    const more = `ESMTP_Listener { Listen "127.0.0.1:${lmtpPort}" { speak_lmtp = true } }\n`;
    await using daemon = await startDaemon({ conf: piping(BY_NAME, { sinkPort: sink.port, more }) });
    const local = await open(daemon, lmtpPort);
    expect((await local.deliver('s@far.test', ['exit0@pipe.test', 'exit100@pipe.test'], MAIL)).raw).toBe('250 ok');
    expect((await local.reply()).raw).toBe('550 command failed');
    const client = await open(daemon);
    expect((await client.deliver('s@far.test', ['exit0@pipe.test', 'exit100@pipe.test'], MAIL)).raw).toMatch(/^250 2\.0\.0 OK/);
    await sink.waitFor(1);
    expect((await client.deliver('s@far.test', ['exit100@pipe.test', 'exit111@pipe.test'], MAIL)).raw).toBe('450 try again later');
    await daemon.waitFor('empty queue', async () => ((await daemon.consoleJson('summary')) as { queued: number }).queued === 0);
    expect(sink.messages).toBe(1);
  });
});

/** A configuration with one program of the system and its arguments. */
const running =
  (name: string, args: string) =>
  (place: Place): string =>
    plainConf(place, {
      sinkPort: 9,
      more: `pipe_transport "local" { program_name = "${programPath(name)}" args = ( ${args.replaceAll('DIR', place.dir)} ) domain = ( "pipe.test" ) code = [ 75 = "451 later" ] }\n`,
    });

needs('procmail')('procmail', () => {
  it('takes mail', async () => {
    await using daemon = await startDaemon({ conf: running('procmail', '"-m" "DEFAULT=DIR/procmail.out" "/dev/null"') });
    const client = await open(daemon);
    expect((await client.deliver('s@far.test', ['ann@pipe.test'], MAIL)).raw).toMatch(/^250 2\.0\.0 OK /);
    expect(fs.readFileSync(path.join(daemon.dir, 'procmail.out'), 'latin1')).toMatch(/Subject: hello\n(?:.*\n)*\none\n\.two\n/);
  });
});

needs('maildrop')('maildrop', () => {
  it('takes mail, and its "later" is ours', async () => {
    const conf = (place: Place): string => {
      const filter = 'if (/^Subject: later/)\n{\n  EXITCODE=75\n  exit\n}\nto "DIR/maildrop.out"\n';
      fs.writeFileSync(path.join(place.dir, 'filter'), filter.replaceAll('DIR', place.dir), { mode: 0o600 });
      return running('maildrop', '"-f" "{sender}" "DIR/filter"')(place);
    };
    await using daemon = await startDaemon({ conf });
    const client = await open(daemon);
    expect((await client.deliver('s@far.test', ['ann@pipe.test'], MAIL)).raw).toMatch(/^250 2\.0\.0 OK /);
    expect(fs.readFileSync(path.join(daemon.dir, 'maildrop.out'), 'latin1')).toMatch(/^From s@far\.test [\s\S]*\none\n\.two\n/);
    expect((await client.deliver('s@far.test', ['ann@pipe.test'], MAIL.replace('hello', 'later'))).raw).toBe('451 later');
  });
});
