import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../kernel/clock.js';
import { FileLineWriter } from './line-writer.js';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-lines-'));
const writerOf = (name: string, trouble: (error: Error | undefined) => void = () => {}) =>
  new FileLineWriter({ path: path.join(folder, name), permissions: 0o640, clock: systemClock, trouble });
const linesOf = (name: string) => fs.readFileSync(path.join(folder, name), 'utf8').split('\n').slice(0, -1);

describe('FileLineWriter', () => {
  it('writes whole lines in order and makes newlines inside a line harmless', async () => {
    const writer = writerOf('a');
    writer.line('one');
    writer.line('two\r\nthree');
    await writer.close();
    expect(linesOf('a')).toEqual(['one', 'two three']);
    expect(fs.statSync(path.join(folder, 'a')).mode & 0o777).toBe(0o640);
  });

  it('counts the characters that wait, and leaves the file alone once it is closed', async () => {
    const writer = writerOf('e');
    writer.line('four');
    expect(writer.waiting).toBe(5);
    await writer.close();
    expect(writer.waiting).toBe(0);
    fs.rmSync(path.join(folder, 'e'));
    // The turn that the line had asked for comes now.
    await new Promise((done) => setTimeout(done, 60));
    expect(fs.existsSync(path.join(folder, 'e'))).toBe(false);
  });

  it('loses no line while files are renamed and reopened under load', async () => {
    const writer = writerOf('b');
    let sent = 0;
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 500; i++) writer.line(`${sent++}`);
      fs.existsSync(path.join(folder, 'b')) && fs.renameSync(path.join(folder, 'b'), path.join(folder, `b.${round}`));
      const reopened = writer.reopen();
      for (let i = 0; i < 50; i++) writer.line(`${sent++}`);
      await reopened;
    }
    await writer.close();
    const names = fs.readdirSync(folder).filter((name) => name === 'b' || name.startsWith('b.'));
    const seen = names
      .flatMap(linesOf)
      .map(Number)
      .sort((x, y) => x - y);
    expect(seen).toEqual([...Array(sent).keys()]);
  });

  it('tells trouble once, keeps lines, and writes them when the target works again', async () => {
    const told: string[] = [];
    const writer = writerOf('no/such/file', (error) => told.push(error ? 'bad' : 'good'));
    writer.line('kept');
    await writer.flush();
    writer.line('also');
    await writer.flush();
    fs.mkdirSync(path.join(folder, 'no/such'), { recursive: true });
    await writer.flush();
    await writer.close();
    expect(told).toEqual(['bad', 'good']);
    expect(linesOf('no/such/file')).toEqual(['kept', 'also']);
  });
});

describe('flushes at the same time', () => {
  it('open the file once', async () => {
    const writer = writerOf('c');
    const before = fs.readdirSync('/proc/self/fd').length;
    for (let round = 0; round < 50; round++) {
      // A leak would be two descriptors a round; the test runner may open a few of its own.
      writer.line(String(round));
      await Promise.all([writer.reopen(), writer.flush(), writer.reopen(), writer.flush()]);
    }
    expect(fs.readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before + 20);
    await writer.close();
    expect(linesOf('c')).toHaveLength(50);
  });
});
