/** Starting, watching and ending a daemon, with a stand-in of a few lines. */
import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isListening } from '../../src/tools/listening.js';
import { startDaemon } from './daemon.js';
import { makePlace, plainConf } from './place.js';

/** Reads its port from the configuration, says a word, listens, and starts a child that must go with it. */
const STAND_IN = `
const conf = require('fs').readFileSync(process.argv.at(-1), 'utf8');
if (conf.includes('broken')) { console.error('line 1: broken'); process.exit(78); }
const child = require('child_process').spawn('sleep', ['60']);
require('net').createServer().listen(Number(/Listen "127.0.0.1:(\\d+)"/.exec(conf)[1]), '127.0.0.1', () => console.log('ready, child ' + child.pid));
process.on('SIGTERM', () => { console.log('bye'); child.kill(); process.exit(3); });`;
const command = [process.execPath, '-e', STAND_IN, '--'];

describe('a daemon under test', () => {
  it('listens when it is there, is heard, and stops', async () => {
    await using daemon = await startDaemon({ command, conf: (place) => plainConf(place, { sinkPort: 25, more: '# more' }) });
    expect(isListening(daemon.port)).toBe(true);
    await daemon.waitFor('word', () => daemon.lines.some((line) => line.startsWith('ready')));
    fs.writeFileSync(`${daemon.dir}/mainlog.ec`, 'one\ntwo\nhal');
    expect(daemon.fileLines('mainlog.ec')).toEqual(['one', 'two']);
    expect(daemon.fileLines('none')).toEqual([]);
    await expect(daemon.waitFor('miracle', () => false, 30)).rejects.toThrow(/no miracle after 30 ms[\s\S]*ready/);
    expect(await daemon.stop()).toBe('3');
    expect(daemon.lines).toContain('bye');
  });

  it('is killed with its children, and starts again in its place', async () => {
    const place = await makePlace();
    const daemon = await startDaemon({ command, place, conf: plainConf });
    const line = await daemon.waitFor('word', () => daemon.lines.find((one) => one.startsWith('ready')));
    await daemon.kill();
    expect(daemon.ended).toBe('SIGKILL');
    const child = Number(line.split(' ').at(-1));
    await daemon.waitFor('end of the child', () => !isRunning(child));
    const again = await startDaemon({ command, place, conf: plainConf });
    expect(again.port).toBe(daemon.port);
    await again.end();
    expect(fs.existsSync(place.dir)).toBe(false);
  });

  it('that ends at once gives its words', async () => {
    const place = await makePlace();
    await expect(startDaemon({ command, place, conf: 'broken' })).rejects.toThrow(/ended with 78:\nline 1: broken/);
    fs.rmSync(place.dir, { recursive: true });
  });
});

/** A killed child may wait a while, as a zombie, for somebody to reap it. */
function isRunning(pid: number): boolean {
  const stat = fs.existsSync(`/proc/${pid}/stat`) ? fs.readFileSync(`/proc/${pid}/stat`, 'utf8') : '';
  return stat !== '' && !/\) [ZX] /.test(stat);
}
