/** chunk_logger from its stanza to the file. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configureText } from '../../src/config/configure.js';
import { systemClock } from '../../src/kernel/clock.js';
import { planOf, rehearse } from '../../src/module/fixture.js';
import { type LineWriter, Writers } from '../../src/module/service.js';
import type { Journal } from '../../src/server/journal.js';
import { makePlans } from '../../src/server/plans.js';
import { WriterBook } from '../../src/server/writers.js';
import { ChunkLog } from './api.js';
import chunkLogger from './index.js';

let folder = '';
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'chunk-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

const configureIt = (text: string) => configureText(text, { manifests: [chunkLogger] });
const silent = { say: () => undefined } as Partial<Journal> as Journal;

/** The module as its stanza says, over real files. */
async function start(options: string, writers: Pick<WriterBook, 'open'> = new WriterBook(systemClock, silent)) {
  const configured = await configureIt(`chunk_logger "c" { ${options} }`);
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  const rehearsal = rehearse({ service: (token) => (token === Writers ? writers : undefined) });
  let log: ChunkLog | undefined;
  const user = planOf({ name: 'user', needs: ['chunk_logger'], register: (ctx) => void (log = ctx.use(ChunkLog)) });
  rehearsal.registry.commit(await rehearsal.registry.prepare([...makePlans(configured.snapshot, [chunkLogger]), user]));
  if (!log) throw new Error('no log');
  return { ...rehearsal, log, book: writers };
}

const file = () => path.join(folder, 'debug.log');
const read = () => fs.readFileSync(file(), 'utf8');

describe('chunk_logger', () => {
  it('writes a line for each text, with its time before it, and loses none when it stops', async () => {
    const book = new WriterBook(systemClock, silent);
    const { log, registry, clock } = await start(`destination = "${file()}" timestamp_format = "%s |"`, book);
    const second = Math.floor(clock.now() / 1000);
    for (let i = 0; i < 100_000; i++) log.log(`line ${i} ${'x'.repeat(80)}`);
    log.log('a\r\nb\n');
    registry.stop();
    await book.close();
    const lines = read().split('\n');
    expect(lines).toHaveLength(100_002);
    expect(lines[0]).toBe(`${second} | line 0 ${'x'.repeat(80)}`);
    expect(lines[99_999]).toMatch(/ line 99999 x+$/);
    expect(lines[100_000]).toBe(`${second} | a b`);
  });

  it('writes texts as they are without add_newline', async () => {
    const book = new WriterBook(systemClock, silent);
    const { log, registry } = await start(`destination = "file://${file()}" add_newline = false`, book);
    for (const text of ['a', 'b\nc', '', '\r\n', 'd']) log.log(text);
    registry.stop();
    await book.close();
    expect(read()).toBe('ab\nc\r\nd');
  });

  it('opens its file again after a rotation', async () => {
    const book = new WriterBook(systemClock, silent);
    const { log, registry } = await start(`destination = "${file()}"`, book);
    log.log('before');
    await book.flush();
    fs.renameSync(file(), `${file()}.1`);
    registry.current.hooks.chains.log_reopen.run();
    log.log('after');
    await book.flush();
    expect([fs.readFileSync(`${file()}.1`, 'utf8'), read()]).toEqual(['before\n', 'after\n']);
    const told = await registry.current.commands.get('chunk_logger:c internal stats')?.command.run([], new AbortController().signal);
    expect(told).toEqual([{ log: file(), waiting: 0, dropped: 0 }]);
    registry.stop();
    await book.close();
  });

  it('gives whole lines to a scheme that takes no others, and refuses what such a scheme cannot do', async () => {
    const lines: string[] = [];
    const writer: LineWriter = {
      line: (text) => void lines.push(text),
      reopen: async () => undefined,
      flush: async () => undefined,
      close: async () => undefined,
      dropped: 0,
    };
    const { log } = await start('destination = "syslog://?facility=mail" timestamp_format = "at"', { open: () => writer });
    log.log('hello\n');
    expect(lines).toEqual(['at hello']);
    await expect(start('destination = "syslog://" add_newline = false', { open: () => writer })).rejects.toThrow(/whole lines/);
  });

  it.each([
    ['chunk_logger "a" { }', 'destination'],
    ['chunk_logger "a" { destination = "" }', 'destination'],
    ['chunk_logger "a" { destination = ( "/tmp/a" "/tmp/b" ) }', 'destination'],
    ['chunk_logger "a" { destination = "/tmp/a" } chunk_logger "b" { destination = "/tmp/b" }', 'second'],
    ['chunk_logger "a" { destination = "/tmp/a" timestamp_format = "%Q" }', 'strftime'],
  ])('check refuses %s', async (text, word) => {
    const { ok, problems } = await configureIt(text);
    expect(ok).toBe(false);
    expect(problems.map(({ say }) => say).join(' ')).toContain(word);
  });

  it.each([
    ['a folder', () => folder, /is a folder/],
    ['something below a file', () => path.join(folder, 'plain', 'x.log'), /cannot be written/],
    ['a place where nothing can be made', () => '/proc/nowhere/x.log', /cannot be written/],
  ])('does not start with %s as destination', async (_what, destination, words) => {
    fs.writeFileSync(path.join(folder, 'plain'), '');
    await expect(start(`destination = "${destination()}"`)).rejects.toThrow(words);
  });
});
