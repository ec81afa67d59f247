/** Trouble with our own side of connections (bad-inputs 41): the source that has it pauses with an alarm, others go on, and it comes back by itself. */
import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/clock.js';
import { VirtualClock } from '../../src/kernel/virtual-clock.js';
import { Watch } from '../../src/kernel/watch.js';
import { ClientSession, type SessionOwner } from '../../src/smtp/client/session.js';
import type { ClientTerms } from '../../src/smtp/client/terms.js';
import { ClientKit } from '../../src/smtp/client/wire.js';
import { startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';
import { needs } from '../needs.js';
import { type Peer, polite, startPeer } from './peer.js';
import { eventually, makeRoom, type Room } from './room.js';

let room: Room | undefined;
const peers: Peer[] = [];
const watch = new Watch(systemClock, 50);
const kit = new ClientKit(systemClock, watch);
afterEach(async () => {
  await room?.stop();
  expect(room?.delivery.totals()).toEqual(room && { connections: 0, idle: 0, pendingOutcomes: 0 });
  room = undefined;
  expect(watch.size).toBe(0);
  await Promise.all(peers.splice(0).map((peer) => peer.close()));
});

const SICK = '127.0.0.2';

/** Opens connections, but from the sick source it fails as the system would: from within the call, or a turn later. */
const opening =
  (isSick: () => boolean, code: string, at: 'at once' | 'later') =>
  (id: string, terms: ClientTerms, owner: SessionOwner): ClientSession => {
    const error = Object.assign(new Error(code), { code });
    const fails = terms.source === SICK && isSick();
    if (fails && at === 'at once') throw error;
    const session = new ClientSession(id, kit, terms, owner);
    if (fails) session.fail({ kind: 'connect', reply: '451 4.4.1 [internal] x', stage: 0, detail: code });
    return session;
  };

describe.each([
  ['EADDRNOTAVAIL', 'all ports of the source in use', 'later'],
  ['EADDRINUSE', 'all ports of the source in use', 'later'],
  ['EMFILE', 'no more files', 'at once'],
  ['EMFILE', 'no more files', 'later'],
  ['ENFILE', 'no more files in the whole system', 'later'],
  ['ENOBUFS', 'no more memory for sockets', 'later'],
] as const)('%s (%s, %s)', (code, _, at) => {
  it('pauses that source, keeps its mail without an attempt, and takes it up again', async () => {
    const clock = new VirtualClock();
    const peer = await startPeer(polite());
    peers.push(peer);
    let isSick = true;
    room = await makeRoom({
      clock,
      config: `binding "sick" { bind_address = "${SICK}" }\nbinding "well" { bind_address = "127.0.0.1" }\nidle_timeout = 1`,
      routes: { 'a.test': [{ port: peer.port }] },
      connect: opening(() => isSick, code, at),
    });
    const { attempts, logs, supply, delivery } = room;
    const [sick, well] = [room.place('a.test', 'default', 'sick'), room.place('a.test', 'default', 'well')];
    for (let i = 0; i < 6; i++) room.send([`u${i}@a.test`], i % 2 === 0 ? sick : well);
    await room.until(3);
    await eventually(() => logs.length === 1 && delivery.hindrance(sick) !== undefined);
    expect(attempts.map(({ place, outcome }) => `${place.binding} ${outcome}`)).toEqual(Array(3).fill('well delivered'));
    expect(logs[0]).toMatch(new RegExp(`^error: cannot connect from 127\\.0\\.0\\.2 \\(${code}`));
    expect(delivery.hindrance(sick)).toMatchObject({ code: 'source_paused', untilMs: expect.any(Number) });
    expect(supply.waiting(sick)).toBe(3);
    await clock.advance(2000);
    await eventually(() => logs.length === 2);
    isSick = false;
    await clock.advance(4000);
    await room.until(6);
    expect(attempts.filter(({ place }) => place === sick).map(({ outcome }) => outcome)).toEqual(Array(3).fill('delivered'));
    expect(delivery.hindrance(sick)).toBeUndefined();
    expect(logs).toHaveLength(2);
  });
});

needs('util-linux')('a daemon whose limit of open files is reached', () => {
  it('says so, loses nothing, and delivers when it may open files again', { timeout: 60_000 }, async () => {
    await using sink = await startSink();
    await using daemon = await startDaemon({
      conf: (place) => plainConf(place, { sinkPort: sink.port, more: 'max_deliveries_per_connection = 1\n' }),
    });
    const client = await RawClient.connect(daemon.port);
    await client.expect(220);
    await client.command('EHLO client.test', 250);
    // The spool and the logs open their files with the first mail.
    const deliver = async (n: number): Promise<void> => {
      const { code } = await client.deliver('a@b.test', ['bob@one.test'], `Subject: ${n}\r\n\r\nx\r\n`);
      expect(code).toBe(250);
    };
    await deliver(0);
    await sink.waitFor(1);
    await daemon.waitFor('a D', () => daemon.fileLines('mainlog.ec').some((line) => line.includes('@D@')));
    const limit = (count: string): void => {
      const run = spawnSync('prlimit', ['--pid', String(daemon.pid), `--nofile=${count}`], { encoding: 'utf8' });
      expect(run.stderr).toBe('');
    };
    // Every number below it is in use or counted as such: the next socket is one too many.
    limit('4:4096');
    for (let i = 1; i <= 3; i++) await deliver(i);
    await daemon.waitFor('the alarm', () => /cannot connect from any address \(EMFILE: /.test(daemon.lines.join('\n')));
    expect(sink.messages).toBe(1);
    limit('4096:4096');
    await sink.waitFor(4, 20_000);
    await client.command('QUIT', 221);
  });
});
