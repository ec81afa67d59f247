/** Limits of connections by the receiver's own clock: no window of S seconds ever sees more than "N/S", no instant more than the limit. */
import { afterEach, describe, expect, it } from 'vitest';
import { RawClient } from '../harness/client.js';
import { startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';
import { type Peer, polite, startPeer } from './peer.js';
import { makeRoom, type Room } from './room.js';

let room: Room | undefined;
const peers: Peer[] = [];
afterEach(async () => {
  await room?.stop();
  room = undefined;
  await Promise.all(peers.splice(0).map((peer) => peer.close()));
});

/** A server that stamps each connection and each message, and knows the most connections it ever had at once. */
async function stamping() {
  const seen = { connections: [] as number[], messages: [] as number[], open: 0, most: 0 };
  const behave = polite({ received: () => void seen.messages.push(performance.now()) });
  const peer = await startPeer(async (caller) => {
    seen.connections.push(performance.now());
    seen.most = Math.max(seen.most, ++seen.open);
    caller.socket.on('close', () => seen.open--);
    await behave(caller);
  });
  peers.push(peer);
  return { peer, seen };
}

/** What the receiver's clock may lag behind ours: it stamps when its loop comes to it. */
const TOLERANCE_MS = 100;

/** The most stamps in any window of so many milliseconds. */
function mostIn(stamps: readonly number[], windowMs: number): number {
  let most = 0;
  for (let i = 0, j = 0; i < stamps.length; i++) {
    while ((stamps[i] ?? 0) - (stamps[j] ?? 0) >= windowMs - TOLERANCE_MS) j++;
    most = Math.max(most, i - j + 1);
  }
  return most;
}

describe('the measure', () => {
  it('finds the fullest window', () => {
    expect(mostIn([0, 10, 20, 995, 1005, 1015, 2000], 1000)).toBe(3);
    expect(mostIn([0, 10, 20, 700, 710, 720, 730], 1000)).toBe(7);
  });
});

const domains = ['a', 'b', 'c', 'd'];

describe.each([
  { rate: 3, seconds: 1, most: 2, config: 'outbound_throttle_connections = "3/1"\nmax_outbound_connections = 2', scoped: false },
  { rate: 5, seconds: 1, most: 3, config: 'outbound_throttle_connections = "5"\nscope_max_outbound_connections = 3', scoped: true },
  { rate: 8, seconds: 2, most: 4, config: 'outbound_throttle_connections = "8/2"\nserver_max_outbound_connections = 4', scoped: true },
])('$config', ({ rate, seconds, most, config, scoped }) => {
  it('holds in every window, with mail in bursts and connections that are given up all the time', { timeout: 30_000 }, async () => {
    const { peer, seen } = await stamping();
    const used = scoped ? domains : ['a'];
    room = await makeRoom({
      // No reserve: it is meant to go above the limit of the server.
      config: `${config}\nserver_reserve_outbound_connections = 0\nmax_deliveries_per_connection = 1\nconnection_allocation_aggressiveness = 1`,
      routes: Object.fromEntries(domains.map((name) => [`${name}.test`, [{ port: peer.port, name: `mx.${name}.test` }]])),
    });
    const total = rate * 4;
    for (let i = 0; i < total; i++) {
      room.send([`u${i}@${used[i % used.length]}.test`]);
      // Bursts of different size, and pauses in which windows slide.
      if (i % (rate + 1) === rate) await new Promise((done) => setTimeout(done, 37 * (i % 11)));
    }
    await room.until(total, 25_000);
    expect(room.attempts.every(({ outcome }) => outcome === 'delivered')).toBe(true);
    expect(seen.connections).toHaveLength(total);
    expect(mostIn(seen.connections, seconds * 1000)).toBeLessThanOrEqual(rate);
    expect(seen.most).toBeLessThanOrEqual(most);
    // The limit is used, not only kept: four full windows take three spans.
    const took = (seen.connections.at(-1) ?? 0) - (seen.connections[0] ?? 0);
    expect(took).toBeLessThan(seconds * 3000 + 2500);
  });
});

describe('messages, over connections that are kept', () => {
  it('hold "N/S" in every window', { timeout: 30_000 }, async () => {
    const { peer, seen } = await stamping();
    room = await makeRoom({
      config: 'outbound_throttle_messages = "10/1"\nconnection_allocation_aggressiveness = 1\nmax_outbound_connections = 5',
      routes: { 'a.test': [{ port: peer.port }] },
    });
    for (let i = 0; i < 35; i++) room.send([`u${i}@a.test`]);
    await room.until(35, 25_000);
    expect(mostIn(seen.messages, 1000)).toBeLessThanOrEqual(10);
    expect(seen.most).toBeLessThanOrEqual(5);
  });
});

describe('the daemon itself', () => {
  it('holds rate and number of connections by the clock of another process', { timeout: 40_000 }, async () => {
    const { peer, seen } = await stamping();
    const limits = 'outbound_throttle_connections = "4/1"\nscope_max_outbound_connections = 3\nmax_deliveries_per_connection = 1\n';
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: peer.port, more: limits }) });
    const client = await RawClient.connect(daemon.port);
    await client.expect(220);
    await client.command('EHLO client.test', 250);
    for (let i = 0; i < 16; i++)
      expect((await client.deliver('a@b.test', [`u@${domains[i % 4]}.test`], `Subject: ${i}\r\n\r\nx\r\n`)).code).toBe(250);
    await client.command('QUIT', 221);
    await daemon.waitFor('all mail', () => seen.messages.length === 16, 20_000);
    expect(mostIn(seen.connections, 1000)).toBeLessThanOrEqual(4);
    expect(seen.most).toBeLessThanOrEqual(3);
  });
});
