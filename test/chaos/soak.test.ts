/** All ill-behaved servers at once, for half a minute (SOAK_SECONDS for longer): a healthy domain goes on, no socket, no slot and no memory stays behind. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, describe, expect, it } from 'vitest';
import { BEHAVIOURS, startBehaviour } from './behaviours.js';
import { type Peer, polite, startPeer } from './peer.js';
import { eventually, makeRoom } from './room.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const heap = (): number => {
  collect();
  return process.memoryUsage().heapUsed;
};
const sockets = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;

const SECONDS = Number(process.env.SOAK_SECONDS ?? (process.env.CI === 'true' ? 30 : 10));
/** Mails that are always under way to each bad domain; each comes back a moment after it ended. */
const AT_ONCE = 3;
const PAUSE_MS = 200;

const peers: Peer[] = [];
const strays: unknown[] = [];
const note = (error: unknown): void => void strays.push(error);
process.on('uncaughtException', note);
process.on('unhandledRejection', note);
afterAll(async () => {
  process.off('uncaughtException', note);
  process.off('unhandledRejection', note);
  await Promise.all(peers.map((peer) => peer.close()));
});

describe('a soak', () => {
  it(`of ${BEHAVIOURS.length} behaviours for ${SECONDS} s`, { timeout: SECONDS * 1000 + 60_000 }, async () => {
    expect(BEHAVIOURS.length).toBeGreaterThanOrEqual(30);
    const good = await startPeer(polite());
    peers.push(good);
    const routes: Record<string, { port: number; name: string }[]> = { 'good.test': [{ port: good.port, name: 'mx.good.test' }] };
    const ended = new Map<string, number>();
    for (const [i, name] of BEHAVIOURS.entries()) {
      const peer = await startBehaviour(name);
      peers.push(peer);
      routes[`bad${i}.test`] = [{ port: peer.port, name: `mx.bad${i}.test` }];
      ended.set(`bad${i}.test`, 0);
    }
    const timeouts = ['ehlo', 'mailfrom', 'rcptto', 'body', 'rset', 'connect', 'idle'].map((name) => `${name}_timeout = 1`).join('\n');
    const room = await makeRoom({
      config: `${timeouts}\ntls = ifavailable\nmx_failures_to_delay = 0\nconnect_timeout_to_delay = 0\nhost_failure_retry = 0\nmax_outbound_connections = 4`,
      routes,
    });
    room.keepAttempts = false;
    const before = sockets();
    let isOn = true;
    const healthy = { sent: 0, done: 0, silentMs: 0, last: performance.now() };
    room.told.push(({ place: { domain }, outcome }) => {
      if (domain === 'good.test') {
        expect(outcome).toBe('delivered');
        healthy.done++;
        healthy.silentMs = Math.max(healthy.silentMs, performance.now() - healthy.last);
        healthy.last = performance.now();
        return;
      }
      ended.set(domain, (ended.get(domain) ?? 0) + 1);
      setTimeout(() => isOn && room.send([`u@${domain}`]), PAUSE_MS);
    });
    for (const domain of ended.keys()) for (let i = 0; i < AT_ONCE; i++) room.send([`u@${domain}`]);
    const timer = setInterval(() => {
      healthy.sent++;
      room.send(['u@good.test']);
    }, 10);
    // The first quarter warms everything up.
    await new Promise((done) => setTimeout(done, SECONDS * 250));
    const heapBefore = heap();
    await new Promise((done) => setTimeout(done, SECONDS * 750));
    const growth = heap() - heapBefore;
    isOn = false;
    clearInterval(timer);
    await eventually(
      () => room.delivery.totals().connections === 0 && room.supply.taken === 0,
      20_000,
      () => JSON.stringify(room.delivery.totals()),
    );
    console.log(
      `soak: ${[...ended.values()].reduce((sum, n) => sum + n, 0)} attempts at ${ended.size} bad domains, ${healthy.done} healthy mails, ` +
        `longest silence ${healthy.silentMs.toFixed(0)} ms, heap ${(growth / 1e6).toFixed(1)} MB more`,
    );
    for (const [domain, count] of ended) expect(count, BEHAVIOURS[Number(domain.slice(3, -5))]).toBeGreaterThan(0);
    expect(healthy.done).toBe(healthy.sent);
    expect(healthy.silentMs).toBeLessThan(3000);
    expect(growth).toBeLessThan(16 << 20);
    expect(room.watch.size).toBe(0);
    await eventually(() => sockets() <= before);
    const held = [...room.broker.keys()].filter((key) => key.startsWith('connections/') && room.broker.usage(key)?.used !== 0);
    expect(held).toEqual([]);
    expect(strays).toEqual([]);
    await room.stop();
  });
});
