/** maildir from its stanza to files. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Address, type Body, bodyOf, Copy, type Reply } from '#module';
import { configureText } from '../../src/config/configure.js';
import { Facts } from '../../src/mail/facts.js';
import { Headers } from '../../src/mail/headers.js';
import { rehearse } from '../../src/module/fixture.js';
import { makePlans } from '../../src/server/plans.js';
import maildir from './index.js';

let base = '';
beforeEach(() => {
  base = fs.mkdtempSync(path.join(os.tmpdir(), 'maildir-'));
});
afterEach(() => fs.rmSync(base, { recursive: true, force: true }));

const configureIt = (options: string) => configureText(`maildir "m" {\n${options}\n}`, { manifests: [maildir] });

async function start(options: string) {
  const configured = await configureIt(`basedir = "${base}"\n${options}`);
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  const rehearsal = rehearse();
  const { registry } = rehearsal;
  registry.commit(await registry.prepare(makePlans(configured.snapshot, [maildir])));
  const ask = async (draft: Copy) => registry.current.hooks.chains.spool.run(draft);
  const store = async (draft: Copy, signal = new AbortController().signal): Promise<Reply | undefined> => {
    const said = await ask(draft);
    if (said?.do === 'deliver') return said.deliver(signal);
    return said && 'reply' in said ? said.reply : undefined;
  };
  return { ...rehearsal, ask, store };
}

function draftFor(
  local: string,
  {
    domain = 'box.test',
    sender = new Address('s', 'far.test') as Address | null,
    content = bodyOf([Buffer.from('one\r\ntwo\r\n')]) as Body,
  } = {},
): Copy {
  const reception = {
    batchId: 'b',
    connectionId: 'c',
    protocol: 'esmtp',
    receivedAt: 0,
    sender,
    facts: new Facts(),
    smtpUtf8: false,
  } as const;
  return new Copy(
    'id/1',
    reception,
    [new Address(local, domain)],
    new Headers(Buffer.from('Return-Path: <old@far.test>\r\nSubject: s\r\n\r\n')),
    content,
    new Facts(),
  );
}

const files = (...parts: string[]): readonly string[] => {
  const folder = path.join(base, ...parts);
  return fs.existsSync(folder) ? fs.readdirSync(folder) : [];
};
const modeOf = (...parts: string[]): string => (fs.statSync(path.join(base, ...parts)).mode & 0o7777).toString(8);

describe('storing', () => {
  it('writes Return-Path, Delivered-To and the message with LF, under a name with its size', async () => {
    const { store } = await start('domain = ( "Box.test" ) create_users = true');
    const reply = await store(draftFor('Ann'));
    const [name = ''] = files('ann', 'new');
    const text = fs.readFileSync(path.join(base, 'ann', 'new', name), 'latin1');
    expect(text).toBe('Return-Path: <s@far.test>\nDelivered-To: Ann@box.test\nSubject: s\n\none\ntwo\n');
    expect(name).toMatch(new RegExp(`^\\d+\\.M\\d+P${process.pid}Q1\\.[^,/:]+,S=${text.length}$`));
    expect(reply).toEqual({ code: 250, status: '2.0.0', text: `OK id/1 stored, ${text.length} octets` });
    expect([files('ann', 'tmp'), files('ann', 'cur')]).toEqual([[], []]);
  });

  it('writes an empty path for a notice, and reads a large body from where it is', async () => {
    const { store } = await start('domains = ( "box.test" ) createusers = true');
    const content: Body = {
      size: 0,
      dots: false,
      eightBit: false,
      resident: undefined,
      file: '/somewhere',
      async *read() {
        for (let i = 0; i < 1000; i++) yield Buffer.from(i % 2 ? '\n' : `${'x'.repeat(999)}\r`);
      },
    };
    expect((await store(draftFor('ann', { sender: null, content })))?.code).toBe(250);
    const [name = ''] = files('ann', 'new');
    const text = fs.readFileSync(path.join(base, 'ann', 'new', name), 'latin1');
    expect(text.startsWith('Return-Path: <>\n')).toBe(true);
    expect(text.endsWith(`\n\n${`${'x'.repeat(999)}\n`.repeat(500)}`)).toBe(true);
  });

  it('leaves other domains alone', async () => {
    const { ask } = await start('domain = ( "box.test" )');
    expect(await ask(draftFor('ann', { domain: 'far.test' }))).toBeUndefined();
    const all = await start('all_domains = true create_users = true domain_in_path = true');
    expect((await all.store(draftFor('ann', { domain: 'far.test' })))?.code).toBe(250);
    expect(files('far.test', 'ann', 'new')).toHaveLength(1);
  });

  it('knows who has a mailbox, and makes its parts where they lack', async () => {
    const { store } = await start('domain = ( "box.test" )');
    expect(await store(draftFor('ann'))).toEqual({ code: 550, status: '5.1.1', text: 'unknown user' });
    expect(files()).toEqual([]);
    fs.mkdirSync(path.join(base, 'ann'));
    expect((await store(draftFor('ann')))?.code).toBe(250);
    expect(files('ann').toSorted()).toEqual(['cur', 'new', 'tmp']);
  });

  it.each(['"../../etc"', '"a/b"', '.ssh', 'a..b'])('refuses %s without a look at the disk', async (local) => {
    const { store } = await start('domain = ( "box.test" ) create_users = true');
    expect(await store(draftFor(local))).toEqual({ code: 550, status: '5.1.3', text: 'bad recipient address' });
    expect(files()).toEqual([]);
  });

  it('gives files and folders the modes that were asked for, whatever the umask', async () => {
    const before = process.umask(0o077);
    try {
      const { store } = await start('domain = ( "box.test" ) create_users = true domain_in_path = true dirmode = 2775 filemode = 0664');
      await store(draftFor('ann'));
      const [name = ''] = files('box.test', 'ann', 'new');
      expect(modeOf('box.test', 'ann', 'new', name)).toBe('664');
      expect([modeOf('box.test'), modeOf('box.test', 'ann'), modeOf('box.test', 'ann', 'cur')]).toEqual(['2775', '2775', '2775']);
    } finally {
      process.umask(before);
    }
  });

  it('puts a detail into its folder where there is one and the layout has folders', async () => {
    const { store } = await start('domain = ( "box.test" ) create_users = true layout = "maildir++"');
    await store(draftFor('ann'));
    fs.mkdirSync(path.join(base, 'ann', '.lists'));
    await store(draftFor('ann+lists'));
    await store(draftFor('ann+none'));
    expect([files('ann', 'new').length, files('ann', '.lists', 'new').length]).toEqual([2, 1]);
    const plain = await start('domain = ( "box.test" )');
    await plain.store(draftFor('ann+lists'));
    expect([files('ann', 'new').length, files('ann', '.lists', 'new').length]).toEqual([3, 1]);
  });

  it('keeps to a quota, and begins again when there is room', async () => {
    const { store } = await start('domain = ( "box.test" ) create_users = true quota = "1000S,2C"');
    for (const code of [250, 250, 452]) expect((await store(draftFor('ann')))?.code).toBe(code);
    expect(await store(draftFor('ann'))).toEqual({ code: 452, status: '4.2.2', text: 'mailbox full' });
    expect([files('ann', 'new').length, files('ann', 'tmp').length]).toEqual([2, 0]);
    const past = new Date(Date.now() - 3_600_000);
    fs.rmSync(path.join(base, 'ann', 'new', files('ann', 'new')[0] ?? ''));
    fs.utimesSync(path.join(base, 'ann', 'maildirsize'), past, past);
    expect((await store(draftFor('ann')))?.code).toBe(250);
    expect((await store(draftFor('bob', { content: bodyOf([Buffer.alloc(1000)]) })))?.code).toBe(452);
  });

  it('stores a thousand at once under a thousand names', async () => {
    const { store } = await start('domain = ( "box.test" ) create_users = true fsync = false');
    const replies = await Promise.all(Array.from({ length: 1000 }, () => store(draftFor('ann'))));
    expect(replies.filter((reply) => reply?.code === 250)).toHaveLength(1000);
    expect(files('ann', 'new')).toHaveLength(1000);
    expect(files('ann', 'tmp')).toEqual([]);
  });

  it.each([
    ['ENOSPC', 452, '4.2.2'],
    ['EDQUOT', 452, '4.2.2'],
    ['EIO', 451, '4.3.0'],
  ])('leaves nothing behind on %s and says %i', async (code, expected, status) => {
    const { store } = await start('domain = ( "box.test" ) create_users = true');
    const content: Body = {
      ...bodyOf([]),
      size: 0,
      async *read() {
        yield Buffer.from('half');
        throw Object.assign(new Error(code), { code });
      },
    };
    expect(await store(draftFor('ann', { content }))).toMatchObject({ code: expected, status });
    expect([files('ann', 'tmp'), files('ann', 'new')]).toEqual([[], []]);
  });

  it('stores nothing that nobody waits for any more', async () => {
    const { store } = await start('domain = ( "box.test" ) create_users = true');
    const late = new AbortController();
    const content: Body = {
      ...bodyOf([]),
      size: 0,
      async *read() {
        yield Buffer.from('half');
        late.abort(new Error('late'));
        yield Buffer.from('whole');
      },
    };
    await expect(store(draftFor('ann', { content }), late.signal)).rejects.toThrow();
    expect([files('ann', 'tmp'), files('ann', 'new')]).toEqual([[], []]);
  });
});

describe('the stanza', () => {
  it.each([
    ['domain = ( "b.test" )', /basedir/],
    ['basedir = "mail" domain = ( "b.test" )', /not absolute/],
    ['basedir = "/" domain = ( "b.test" ) dirmode = 888', /not a file mode/],
    ['basedir = "/" domain = ( "b.test" ) quota = "1G"', /no quota/],
    ['basedir = "/" domain = ( "b.test" ) layout = "mbox"', /not one of/],
  ])('%s is a mistake', async (options, said) => {
    const configured = await configureIt(options);
    expect(configured.ok).toBe(false);
    expect(configured.problems.map(({ say }) => say).join(' ')).toMatch(said);
  });

  it('without a domain is odd, and a folder that is not there keeps it from starting', async () => {
    const odd = await configureIt('basedir = "/tmp"');
    expect(odd.problems.map(({ say }) => say).join(' ')).toMatch(/no mail is stored/);
    fs.rmSync(base, { recursive: true });
    await expect(start('domain = ( "box.test" )')).rejects.toThrow(/cannot be written/);
  });
});
