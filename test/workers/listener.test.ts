/** Sockets that the console turns off and on while the daemon runs, in one process and over two workers. */
import net from 'node:net';
import { expect, it } from 'vitest';
import { RawClient } from '../harness/client.js';
import { startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';

const knock = (port: number): Promise<string> =>
  new Promise((done) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.setTimeout(3000, () => socket.destroy(new Error('silence')));
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    socket.once('data', (banner) => {
      done(banner.toString().slice(0, 3));
      socket.destroy();
    });
  });

it.each([1, 2])('listener off refuses new clients and says 421 to those there are; on again; %i workers', async (workers) => {
  await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: 9, more: `workers = ${workers}\n` }) });
  const listen = async () =>
    (await daemon.consoleJson('listener list')) as { stanza: string; listen: string; state: string; sessions: number }[];
  const [row] = await listen();
  if (!row) throw new Error('one socket');
  expect(row.state).toBe('on');
  const client = await RawClient.connect(daemon.port);
  await client.expect(220);
  await client.command('EHLO x', 250);
  await daemon.waitFor('the session', async () => (await listen())[0]?.sessions === 1);
  await daemon.consoleJson(`listener off "${row.stanza}" "${row.listen}"`);
  expect((await client.reply()).code).toBe(421);
  expect(await knock(daemon.port)).toBe('ECONNREFUSED');
  // The session ends when its client has closed, too.
  await daemon.waitFor('the end of the session', async () => (await listen())[0]?.sessions === 0);
  expect(await listen()).toEqual([expect.objectContaining({ state: 'off', configured: 'on' })]);
  await daemon.consoleJson(`listener on "${row.stanza}" "${row.listen}"`);
  expect(await Promise.all(Array.from({ length: 8 }, () => knock(daemon.port)))).toEqual(Array(8).fill('220'));
  await daemon.consoleJson(`listener off "${row.stanza}"`);
  expect(await knock(daemon.port)).toBe('ECONNREFUSED');
  await daemon.consoleJson('config reload');
  expect(await knock(daemon.port)).toBe('220');
});
