/** `celeris console ENDPOINT COMMAND` from a shell: options and quoted words reach the daemon as they were written. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mainFile } from '../../test/harness/daemon.js';
import { encodeFrame, FrameReader, type Request } from '../console/frame.js';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-console-'));
const endpoint = path.join(folder, 'c.sock');
const asked: unknown[] = [];
const server = net.createServer((socket) => {
  const reader = new FrameReader(1 << 20);
  socket.on('data', (chunk: Buffer) => {
    for (const frame of reader.push(chunk)) {
      const { id, command, json } = frame as Request;
      asked.push([command, json]);
      socket.write(encodeFrame({ id, ok: true, text: 'done' }));
    }
  });
});
beforeAll(() => new Promise<void>((ready) => server.listen(endpoint, ready)));
afterAll(() => {
  server.close();
  fs.rmSync(folder, { recursive: true });
});

const run = (words: readonly string[]): Promise<number | null> =>
  new Promise((done) => spawn(process.execPath, [mainFile(), 'console', ...words], { stdio: 'ignore' }).once('close', done));

it('passes options of the command on, keeps words together, and takes --json for itself', { timeout: 20_000 }, async () => {
  expect(await run([endpoint, 'fail', 'all', '--dry-run', '--header', 'Subject', 'two "words"', '--sender', '<>', '--older', '60'])).toBe(
    0,
  );
  expect(await run(['--json', endpoint, 'mailq -d a.test'])).toBe(0);
  expect(asked).toEqual([
    ['fail all --dry-run --header Subject "two \\"words\\"" --sender <> --older 60', false],
    ['mailq -d a.test', true],
  ]);
});
