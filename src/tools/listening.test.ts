/** Who listens, seen from outside. */
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { isListeningAt } from './listening.js';

it('knows a unix socket that accepts from a file that nobody listens behind', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-listening-'));
  const file = path.join(folder, 's');
  const server = net.createServer().listen(file);
  await once(server, 'listening');
  expect(isListeningAt(file)).toBe(true);
  expect(isListeningAt(path.join(folder, 'other'))).toBe(false);
  server.close();
  await once(server, 'close');
  fs.writeFileSync(file, '');
  expect(isListeningAt(file)).toBe(false);
  fs.rmSync(folder, { recursive: true });
});
