/** pipe_transport from its stanza to the end of a program. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Address, type Body, bodyOf, Copy, type Reply } from '#module';
import { configureText } from '../../src/config/configure.js';
import { Facts } from '../../src/mail/facts.js';
import { Headers } from '../../src/mail/headers.js';
import { rehearse } from '../../src/module/fixture.js';
import type { Registry } from '../../src/module/registry.js';
import { makePlans } from '../../src/server/plans.js';
import pipeTransport from './index.js';
import { findUser } from './user.js';

let base = '';
beforeEach(() => {
  base = fs.mkdtempSync(path.join(os.tmpdir(), 'pipe-'));
});
const registries: Registry[] = [];
afterEach(() => {
  for (const registry of registries.splice(0)) registry.stop();
  fs.rmSync(base, { recursive: true, force: true });
});

const configureIt = (options: string) => configureText(`pipe_transport "p" {\n${options}\n}`, { manifests: [pipeTransport] });

/** An instance whose program is this shell script; it writes to files in the test's folder. */
async function start(script: string, options = '') {
  const file = path.join(base, 'program');
  fs.writeFileSync(file, `#!/bin/sh\ncd ${base}\n${script}\n`, { mode: 0o755 });
  const configured = await configureIt(`program_name = "${file}"\ndomain = ( "Box.test" )\n${options}`);
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  const rehearsal = rehearse({ readFile: (name) => fs.promises.readFile(name) });
  const { registry } = rehearsal;
  registries.push(registry);
  registry.commit(await registry.prepare(makePlans(configured.snapshot, [pipeTransport])));
  const ask = async (draft: Copy) => registry.current.hooks.chains.spool.run(draft);
  const hand = async (draft: Copy, signal = new AbortController().signal): Promise<Reply | undefined> => {
    const said = await ask(draft);
    if (said?.do === 'deliver') return said.deliver(signal);
    return said && 'reply' in said ? said.reply : undefined;
  };
  return { ...rehearsal, ask, hand };
}

function draftFor(
  local: string,
  { domain = 'box.test', sender = 's@far.test' as string | null, content = bodyOf([Buffer.from('one\r\ntwo\r\n')]) as Body } = {},
): Copy {
  const [name = '', place = ''] = sender?.split('@') ?? [];
  const from = sender === null ? null : new Address(name, place);
  const source = { ip: '192.0.2.7', port: 9 };
  const reception = {
    batchId: 'b',
    connectionId: 'c',
    protocol: 'esmtp',
    receivedAt: 0,
    source,
    sender: from,
    facts: new Facts(),
    smtpUtf8: false,
  } as const;
  return new Copy('id/1', reception, [new Address(local, domain)], new Headers(Buffer.from('Subject: s\r\n\r\n')), content, new Facts());
}
const read = (name: string): string => fs.readFileSync(path.join(base, name), 'latin1');

describe('a run', () => {
  it.each([
    ['exit 0', '', '250 2.0.0 OK id/1'],
    ['exit 100', 'code = [ 100 = "550 command failed" 111 = "450 try again later" ]', '550  command failed'],
    ['exit 111', 'code = [ 100 = "550 command failed" 111 = "450 4.2.0 try again later" ]', '450 4.2.0 try again later'],
    ['exit 0', 'code = [ "0" = "250 ok" ]', '250  ok'],
    ['exit 7', 'code = [ 100 = "550 command failed" ]', '504 5.5.0 pipe transport gave exit status 7'],
    ['kill -9 $$', '', '451 4.3.0 pipe transport was ended by SIGKILL'],
    ['kill -9 $$', 'code = [ 137 = "554 killed" ]', '554  killed'],
    ['exit 137', '', '504 5.5.0 pipe transport gave exit status 137'],
  ])('%s with "%s"', async (script, options, answer) => {
    const { hand } = await start(`cat > /dev/null; ${script}`, options);
    const { code, status, text } = (await hand(draftFor('ann'))) ?? {};
    expect(`${code} ${status} ${text}`).toBe(answer);
  });

  it('gets the message with LF or CRLF, as asked for', async () => {
    const { hand } = await start('cat > out');
    await hand(draftFor('ann'));
    expect(read('out')).toBe('Subject: s\n\none\ntwo\n');
    const other = await start('cat > out', 'line_ending = "crlf"');
    await other.hand(draftFor('ann'));
    expect(read('out')).toBe('Subject: s\r\n\r\none\r\ntwo\r\n');
  });

  it('gets arguments as they are, one each, and an environment of its own', async () => {
    process.env.CELERIS_SECRET = 'x';
    const { hand } = await start(
      'cat > /dev/null; for a in "$@"; do echo "$a"; done > args; env > env',
      'args = ( "-f" "{sender}" "--to={recipient}" "{user}|{domain}" "{id}" ) env = [ COLOUR = "blue" SENDER = "forged" ]',
    );
    await hand(draftFor('"a;touch pwned $(touch pwned)"', { sender: 'b`touch pwned`@far.test' }));
    expect(read('args')).toBe(
      '-f\nb`touch pwned`@far.test\n--to="a;touch pwned $(touch pwned)"@box.test\na;touch pwned $(touch pwned)|box.test\nid/1\n',
    );
    expect(fs.existsSync(path.join(base, 'pwned'))).toBe(false);
    const env = read('env').split('\n');
    expect(env).toEqual(
      expect.arrayContaining([
        'SENDER=b`touch pwned`@far.test',
        'COLOUR=blue',
        'LOCAL=a;touch pwned $(touch pwned)',
        'CLIENT_ADDRESS=192.0.2.7',
      ]),
    );
    expect(env.some((line) => line.includes('CELERIS_SECRET'))).toBe(false);
    delete process.env.CELERIS_SECRET;
  });

  it('never takes an address for an option', async () => {
    const { hand } = await start('cat > /dev/null', 'args = ( "{recipient}" )');
    expect(await hand(draftFor('-oQ/tmp'))).toEqual({ code: 550, status: '5.1.3', text: 'bad address for the program' });
    expect((await hand(draftFor('ann')))?.code).toBe(250);
    const safe = await start('cat > /dev/null', 'args = ( "--" "to:{recipient}" )');
    expect((await safe.hand(draftFor('-oQ/tmp')))?.code).toBe(250);
  });

  it('may leave the message unread', async () => {
    const { hand } = await start('exec 0<&-; exit 0');
    const content = bodyOf([Buffer.alloc(5_000_000, 'x')]);
    expect((await hand(draftFor('ann', { content })))?.code).toBe(250);
  });

  it('gets twenty megabytes whole', async () => {
    const { hand } = await start('md5sum > sum', 'line_ending = "crlf"');
    const body = Buffer.alloc(20_000_000, `${'y'.repeat(76)}\r\n`);
    expect((await hand(draftFor('ann', { content: bodyOf([body]) })))?.code).toBe(250);
    const wanted = createHash('md5').update('Subject: s\r\n\r\n').update(body).digest('hex');
    expect(read('sum')).toMatch(new RegExp(`^${wanted}`));
  });

  it('is killed with all it started when it takes too long', async () => {
    const { hand } = await start('sleep 60 & echo $! > child; echo $$ > self; wait', 'timeout = 0.5');
    expect(await hand(draftFor('ann'))).toEqual({ code: 451, status: '4.3.0', text: 'pipe transport took too long' });
    await expectEnd(Number(read('child')));
    await expectEnd(Number(read('self')));
  });

  it('is killed when nobody waits any more, or the message cannot be read: a part is never taken for the whole', async () => {
    const { hand } = await start('echo $$ > self; cat > out; sync; echo whole > done; exit 0');
    const late = new AbortController();
    setTimeout(() => late.abort(new Error('late')), 300);
    const slow: Body = {
      ...bodyOf([]),
      size: 0,
      async *read() {
        yield Buffer.from('half');
        await new Promise((done) => setTimeout(done, 600));
      },
    };
    await expect(hand(draftFor('ann', { content: slow }), late.signal)).rejects.toThrow('late');
    await expectEnd(Number(read('self')));
    const torn: Body = {
      ...bodyOf([]),
      size: 0,
      async *read() {
        yield Buffer.from('half');
        await new Promise((done) => setTimeout(done, 200));
        throw new Error('EIO');
      },
    };
    expect(await hand(draftFor('ann', { content: torn }))).toEqual({ code: 451, status: '4.3.0', text: 'pipe transport could not be run' });
    expect(fs.existsSync(path.join(base, 'done'))).toBe(false);
  });

  it('adds what it says to its files', async () => {
    const { hand } = await start('cat > /dev/null; echo said; echo complained >&2', `output_file = "${base}/o" error_file = "${base}/e"`);
    await hand(draftFor('ann'));
    await hand(draftFor('bob'));
    expect([read('o'), read('e')]).toEqual(['said\nsaid\n', 'complained\ncomplained\n']);
  });

  it('waits for its turn', async () => {
    const { hand } = await start('echo + >> log; cat > /dev/null; sleep 0.1; echo - >> log', 'concurrency = 3');
    const replies = await Promise.all(Array.from({ length: 12 }, () => hand(draftFor('ann'))));
    expect(replies.every((reply) => reply?.code === 250)).toBe(true);
    let now = 0;
    let most = 0;
    for (const line of read('log').trim().split('\n')) most = Math.max(most, (now += line === '+' ? 1 : -1));
    expect(most).toBe(3);
  });

  it('leaves other domains alone', async () => {
    const { ask } = await start('exit 1');
    expect(await ask(draftFor('ann', { domain: 'far.test' }))).toBeUndefined();
  });

  it.skipIf(process.getuid?.() !== 0)('runs as another user when the daemon is root', async () => {
    fs.chmodSync(base, 0o755);
    const { hand } = await start('cat > /dev/null; exit $(id -u)', 'user = "daemon" code = [ 1 = "250 daemon" ]');
    expect((await hand(draftFor('ann')))?.text).toBe('daemon');
  });

  it('that cannot be started is a failure for now', async () => {
    const { hand } = await start('exit 0');
    fs.rmSync(path.join(base, 'program'));
    expect(await hand(draftFor('ann'))).toMatchObject({ code: 451 });
  });
});

/** Waits until a process has ended; a zombie has. */
async function expectEnd(pid: number): Promise<void> {
  for (let i = 0; i < 100; i++) {
    const stat = fs.existsSync(`/proc/${pid}/stat`) ? fs.readFileSync(`/proc/${pid}/stat`, 'utf8') : '';
    if (stat === '' || /\) [ZX] /.test(stat)) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error(`${pid} still runs`);
}

describe('the stanza', () => {
  it.each([
    ['domain = ( "b.test" )', /program_name/],
    ['program_name = "/bin/cat"', /domain/],
    ['program_name = "/bin/cat" domain = ( )', /no domain/],
    ['program_name = "cat" domain = ( "b.test" )', /full path/],
    ['program_name = "/bin/cat" domain = ( "b.test" ) code = [ 7 = "no" ]', /begin with a reply code/],
    ['program_name = "/bin/cat" domain = ( "b.test" ) code = [ 7 = "354 go on" ]', /begin with a reply code/],
    ['program_name = "/bin/cat" domain = ( "b.test" ) code = [ seven = "550 no" ]', /no exit status/],
    ['program_name = "/bin/cat" domain = ( "b.test" ) code = [ 256 = "550 no" ]', /no exit status/],
    ['program_name = "/bin/cat" domain = ( "b.test" ) args = ( "{body}" )', /stands for nothing/],
    ['program_name = "/bin/cat" domain = ( "b.test" ) output_file = "out"', /full path/],
    ['program_name = "/bin/cat" domain = ( "b.test" ) timeout = 600', /from 0.1 to 120/],
  ])('%s is a mistake', async (options, said) => {
    const configured = await configureIt(options);
    expect(configured.ok).toBe(false);
    expect(configured.problems.map(({ say }) => say).join(' ')).toMatch(said);
  });

  it('with a program that is not there, or an unknown user, does not start', async () => {
    await expect(start('exit 0', 'program_name = "/no/such"')).rejects.toThrow(/cannot be run/);
    await expect(start('exit 0', 'user = "nobody-at-all"')).rejects.toThrow(process.getuid?.() === 0 ? /no user/ : /runs as root/);
  });
});

describe('users', () => {
  it.each([
    ['ann', { uid: 7, gid: 8 }],
    ['bob', undefined],
    ['broken', undefined],
  ])('%s', (name, found) => expect(findUser('root:x:0:0::/root:/bin/sh\nann:x:7:8::/:/bin/sh\nbroken:x:a:b\n', name)).toEqual(found));
});
