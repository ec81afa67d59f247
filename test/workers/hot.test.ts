/** Hot destinations that all workers deliver to: every limit is the daemon's and not each worker's, by the receivers' own stamps. */
import type net from 'node:net';
import { describe, expect, it } from 'vitest';
import { type Peer, polite, startPeer } from '../chaos/peer.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';
import { Feeder } from '../kill/feeder.js';
import { startsOf } from './team.js';

/** The receiver's stamp comes after ours, the later the busier the machine is; the exact proof stands in leases.test.ts. */
const TOLERANCE_MS = 150;
const SERVER = 14;
const RESERVE = 2;

/** Connections open at all receivers together. */
class Gauge {
  open = 0;
  most = 0;

  change(by: 1 | -1): void {
    this.open += by;
    this.most = Math.max(this.most, this.open);
  }
}

/** One receiver, all that comes to it, and the configuration that sends mail there. */
interface Destination {
  readonly name: string;
  /** Mail to each of these. */
  readonly domains: readonly string[];
  readonly mails: number;
  readonly options: string;
  /** At most so many messages or connections in any second. */
  readonly rate?: { readonly of: 'messages' | 'connections'; readonly perSecond: number };
  readonly connections?: number;
  /** A banner that is late keeps connections open, so that more of them are wanted. */
  readonly bannerMs?: number;
}

const each = (name: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${name}${i}.test`);

const DESTINATIONS: readonly Destination[] = [
  {
    name: 'messages of a domain',
    domains: ['hot.test'],
    mails: 100,
    options: 'outbound_throttle_messages = "40/1"\nmax_outbound_connections = 3',
    rate: { of: 'messages', perSecond: 40 },
    connections: 3,
  },
  {
    name: 'messages of two domains with one bucket',
    domains: each('bucket', 2),
    mails: 50,
    options: 'outbound_throttle_messages = "20/1"\nmax_outbound_connections = 2',
    rate: { of: 'messages', perSecond: 20 },
    connections: 4,
  },
  {
    name: 'connections of two domains with one bucket',
    domains: each('pace', 2),
    mails: 20,
    options: 'outbound_throttle_connections = "8/1"\nmax_deliveries_per_connection = 1',
    rate: { of: 'connections', perSecond: 8 },
  },
  {
    name: 'a scope',
    domains: each('scope', 4),
    mails: 60,
    options: 'scope_max_outbound_connections = 3\nmax_deliveries_per_connection = 3',
    connections: 3,
    bannerMs: 30,
  },
  {
    name: 'a host of two domains',
    domains: each('host', 2),
    mails: 40,
    options: 'max_deliveries_per_connection = 2',
    connections: 2,
    bannerMs: 30,
  },
  { name: 'all that the server allows', domains: ['greedy.test'], mails: 80, options: 'max_deliveries_per_connection = 1', bannerMs: 200 },
];

const HOST = '127.0.0.3';

/** The end of an earlier connection may be read in the turn after the one that accepts the next: two turns later both are known. */
async function countWhileOpen(socket: net.Socket, gauges: readonly Gauge[]): Promise<void> {
  const ended = new Promise<void>((done) => {
    for (const sign of ['end', 'close']) socket.once(sign, () => done());
  });
  for (let turn = 0; turn < 2; turn++) await new Promise<void>((done) => void setImmediate(done));
  for (const gauge of gauges) gauge.change(1);
  await ended;
  for (const gauge of gauges) gauge.change(-1);
}

/** A server that stamps each connection and each message. */
async function startStamping(destination: Destination, all: Gauge) {
  const own = new Gauge();
  const stamps = { connections: [] as number[], messages: [] as number[] };
  const behave = polite({
    received: () => void stamps.messages.push(performance.now()),
    answer: async (verb) => {
      if (verb === 'BANNER' && destination.bannerMs) await new Promise((done) => setTimeout(done, destination.bannerMs));
      return undefined;
    },
  });
  const isHost = destination.name.startsWith('a host');
  const peer: Peer = await startPeer(
    async (caller) => {
      stamps.connections.push(performance.now());
      void countWhileOpen(caller.socket, [own, all]);
      await behave(caller);
    },
    isHost ? HOST : '127.0.0.1',
  );
  const pattern = destination.domains.length === 1 ? destination.domains[0] : `/^${destination.domains[0]?.slice(0, -6)}[0-9]\\.test$/`;
  const conf = `domain "${pattern}" {\nroutes = ( "${isHost ? HOST : '127.0.0.1'}" )\nremote_smtp_port = ${peer.port}\n${destination.options}\n}\n`;
  return { destination, peer, own, stamps, conf };
}

/** The most stamps in any second. */
function mostInSecond(stamps: readonly number[]): number {
  let most = 0;
  for (let i = 0, j = 0; i < stamps.length; i++) {
    while ((stamps[i] ?? 0) - (stamps[j] ?? 0) >= 1000 - TOLERANCE_MS) j++;
    most = Math.max(most, i - j + 1);
  }
  return most;
}

/** Connections that come one after the other are spread over the workers; those of one moment may all be taken by one. */
async function feedAll(daemon: Daemon): Promise<void> {
  const feeder = new Feeder();
  const feeds: Promise<void>[] = [];
  const left = new Map(DESTINATIONS.map((each) => [each, each.mails]));
  for (let turn = 0; left.size > 0; turn++) {
    for (const [destination, mails] of left) {
      const count = Math.min(5, mails);
      const domain = destination.domains[turn % destination.domains.length] ?? '';
      feeds.push(feeder.start({ port: daemon.port, connections: 1, count, domain }).done);
      if (mails === count) left.delete(destination);
      else left.set(destination, mails - count);
      await new Promise((done) => setTimeout(done, 5));
    }
  }
  await Promise.all(feeds);
}

describe.each([1, 2, 4])('%i workers', (workers) => {
  it('keep every limit of rate and of connections in any window, and use them', { timeout: 60_000 }, async () => {
    const all = new Gauge();
    const servers = await Promise.all(DESTINATIONS.map((each) => startStamping(each, all)));
    await using daemon = await startDaemon({
      conf: (place) =>
        plainConf(place, {
          more: [
            ...servers.map(({ conf }) => conf),
            `host "${HOST}" { max_outbound_connections = 2 }`,
            `server_max_outbound_connections = ${SERVER}\nserver_reserve_outbound_connections = ${RESERVE}`,
            `connection_allocation_aggressiveness = 1\nworkers = ${workers}\n`,
          ].join('\n'),
        }),
    });
    await feedAll(daemon);
    for (const { destination, stamps } of servers)
      await daemon.waitFor(`all ${destination.name}`, () => stamps.messages.length === destination.mails, 20_000);
    expect(startsOf(daemon).size).toBe(workers);
    const measured = servers.map(({ destination: { name, rate, connections, mails }, own, stamps }) => ({
      name,
      mails,
      most: rate && mostInSecond(stamps[rate.of]),
      connections: connections && own.most,
      spanMs: (stamps.messages.at(-1) ?? 0) - (stamps.messages[0] ?? 0),
    }));
    for (const [i, { rate, connections, mails }] of DESTINATIONS.entries()) {
      const seen = measured[i];
      const hint = JSON.stringify(seen);
      if (rate) expect(seen?.most, hint).toBeLessThanOrEqual(rate.perSecond);
      // What a rate allows is taken: leases and a busy machine may cost a part of it.
      if (rate) expect(seen?.spanMs, hint).toBeLessThan((mails / rate.perSecond) * 1000 + 3000);
      if (connections) expect(seen?.connections, hint).toBeLessThanOrEqual(connections);
      if (connections) expect(seen?.connections, hint).toBeGreaterThan(1);
    }
    expect(all.most).toBeLessThanOrEqual(SERVER + RESERVE);
    // One domain wants all; places with none of their own have the reserve.
    expect(all.most).toBeGreaterThan(SERVER / 2);
    await daemon.waitFor('an empty queue', async () => ((await daemon.consoleJson('summary')) as { queued: number }).queued === 0);
    expect(await daemon.stop()).toBe('0');
    await Promise.all(servers.map(({ peer }) => peer.close()));
  });
});
