/** The book of log writers: what the last user of a file wrote is in it when the book closes. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../kernel/clock.js';
import { VirtualClock } from '../kernel/virtual-clock.js';
import { Journal } from './journal.js';
import { WriterBook } from './writers.js';

it('closes no sooner than the last lines of those who left are written', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-writers-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'log');
  // Nothing is written by the clock here: only closing does it.
  const book = new WriterBook(new VirtualClock(), new Journal(systemClock));
  const writer = book.open(file, { permissions: 0o640, owner: 'test' });
  const lines = Array.from({ length: 500 }, (_, n) => `line ${n} ${'x'.repeat(1000)}`);
  for (const line of lines) writer.line(line);
  // As an instance does that stops: it cannot wait.
  void writer.close();
  await book.close();
  expect(fs.readFileSync(file, 'utf8').split('\n')).toEqual([...lines, '']);
});
