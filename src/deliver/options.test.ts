/** Options of delivery that no other test would miss if they were ignored. */
import { afterEach, describe, expect, it } from 'vitest';
import { DEEDS, type Manners, type Peer, polite, startPeer } from '../../test/chaos/peer.js';
import { eventually, makeRoom, type Room, type RoomWishes } from '../../test/chaos/room.js';
import { VirtualClock } from '../kernel/virtual-clock.js';

let room: Room | undefined;
const peers: Peer[] = [];
afterEach(async () => {
  await room?.stop();
  room = undefined;
  await Promise.all(peers.splice(0).map((peer) => peer.close()));
});
const peerWith = async (manners: Manners = {}): Promise<Peer> => {
  const peer = await startPeer(polite(manners));
  peers.push(peer);
  return peer;
};
const open = async (wishes: RoomWishes): Promise<Room> => {
  room = await makeRoom(wishes);
  return room;
};
const hanging: Manners = { answer: (verb) => (verb === 'MAIL' ? DEEDS.HANG : undefined) };
const settle = (): Promise<void> => new Promise((done) => setTimeout(done, 40));

describe('bind_address', () => {
  it('is where connections come from', async () => {
    const from: (string | undefined)[] = [];
    const peer = await peerWith({ received: (_, __, { socket }) => void from.push(socket.remoteAddress) });
    await open({
      config: 'binding "two" { bind_address = "127.0.0.2" }\nbinding "three" { bind_address = "127.0.0.3" }',
      routes: { 'a.test': [{ port: peer.port }] },
    });
    for (const [i, name] of ['two', 'three'].entries()) {
      room?.send(['x@a.test'], room.place('a.test', 'default', name));
      await room?.until(i + 1);
    }
    expect(from).toEqual(['127.0.0.2', '127.0.0.3']);
  });

  it('passes over hosts of the other family, and is not blamed for them', async () => {
    const peer = await peerWith();
    const v6 = { ip: '::1', port: peer.port, preference: 1 };
    const { attempts, logs } = await open({
      config: 'binding "four" { bind_address = "127.0.0.1" }',
      routes: { 'a.test': [v6, { port: peer.port, preference: 2 }], 'six.test': [v6] },
    });
    room?.send(['x@a.test'], room.place('a.test', 'default', 'four'));
    await room?.until(1);
    expect(attempts[0]).toMatchObject({ outcome: 'delivered', hop: { ip: '127.0.0.1' } });
    room?.send(['x@six.test'], room.place('six.test', 'default', 'four'));
    await room?.until(2);
    expect(attempts[1]).toMatchObject({ outcome: 'deferred', reply: '451 4.4.1 [internal] No valid hosts' });
    expect(logs).toEqual([]);
  });
});

describe('server_max_outbound_connections and its reserve', () => {
  it('lets a place without a connection go above the limit, up to the reserve, and no other', async () => {
    const peer = await peerWith(hanging);
    const names = ['a', 'b', 'c', 'd'];
    const { delivery } = await open({
      config: 'server_max_outbound_connections = 1\nserver_reserve_outbound_connections = 2\nconnection_allocation_aggressiveness = 1',
      routes: Object.fromEntries(names.map((name) => [`${name}.test`, [{ port: peer.port, name: `mx.${name}.test` }]])),
    });
    for (let i = 0; i < 5; i++) room?.send(['x@a.test']);
    await eventually(() => peer.open === 1);
    await settle();
    // The first place has one: the reserve is not for it.
    expect(peer.open).toBe(1);
    for (const name of names.slice(1)) room?.send([`x@${name}.test`]);
    await eventually(() => peer.open === 3);
    await settle();
    expect(peer.accepted).toBe(3);
    expect(room && delivery.hindrance(room.place('d.test'))).toMatchObject({ code: 'connection_limit' });
  });

  it('counts a binding of its own where it is set there', async () => {
    const peer = await peerWith(hanging);
    const names = ['a', 'b', 'c'];
    await open({
      config: 'binding "small" { server_max_outbound_connections = 2 }',
      routes: Object.fromEntries(names.map((name) => [`${name}.test`, [{ port: peer.port, name: `mx.${name}.test` }]])),
    });
    for (const name of names) room?.send([`x@${name}.test`], room.place(`${name}.test`, 'default', 'small'));
    await eventually(() => peer.open === 2);
    await settle();
    expect(peer.accepted).toBe(2);
    room?.send(['x@a.test']);
    await eventually(() => peer.open === 3);
  });
});

describe('connection_allocation_aggressiveness', () => {
  it.each([
    ['normal', 4],
    ['high', 22],
    ['0.5', 8],
  ])('%s opens %i connections for 60 mails', async (value, count) => {
    const peer = await peerWith(hanging);
    await open({ config: `connection_allocation_aggressiveness = ${value}`, routes: { 'a.test': [{ port: peer.port }] } });
    for (let i = 0; i < 60; i++) room?.send(['x@a.test']);
    await eventually(
      () => peer.open === count,
      5000,
      () => `${peer.open} connections`,
    );
    await settle();
    expect(peer.accepted).toBe(count);
  });
});

describe('blackhole', () => {
  it.each(['true', 'inline', 'false'])('%s is a matter of reception: what was accepted before goes out', async (value) => {
    const peer = await peerWith();
    const { attempts } = await open({ config: `blackhole = ${value}`, routes: { 'a.test': [{ port: peer.port }] } });
    room?.send(['x@a.test']);
    await room?.until(1);
    expect(attempts[0]?.outcome).toBe('delivered');
  });

  it('internal fails it in silence', async () => {
    const peer = await peerWith();
    const { failures } = await open({ config: 'blackhole = internal', routes: { 'a.test': [{ port: peer.port }] } });
    room?.send(['x@a.test']);
    await eventually(() => failures.length === 1);
    expect(failures[0]).toMatchObject({ quiet: true, attempt: { reply: '554 5.7.0 [internal] Blackholed' } });
    expect(peer.accepted).toBe(0);
  });
});

describe('host_failure_retry', () => {
  it.each([
    [50, [1, 1, 1, 2]],
    [0, [1, 2, 3, 4]],
  ])('of %i s: connections to a host that hung up, after each of four mails 40 s apart', async (seconds, seen) => {
    const clock = new VirtualClock();
    const bad = await peerWith({ answer: (verb) => (verb === 'BANNER' ? DEEDS.FIN : undefined) });
    const good = await peerWith();
    await open({
      clock,
      config: `host_failure_retry = ${seconds}\nmax_deliveries_per_connection = 1`,
      routes: {
        'a.test': [
          { port: bad.port, preference: 1 },
          { port: good.port, preference: 2 },
        ],
      },
    });
    const counts: number[] = [];
    for (const [i, pause] of [0, 0, 40_000, 11_000].entries()) {
      await clock.advance(pause);
      room?.send(['x@a.test']);
      await room?.until(i + 1);
      counts.push(bad.accepted);
    }
    expect(counts).toEqual(seen);
    expect(room?.attempts.map(({ outcome }) => outcome)).toEqual(Array(4).fill('delivered'));
  });
});

describe('max_recipients_per_batch', () => {
  it.each([
    ['2', [2, 2, 1]],
    ['1', [1, 1, 1, 1, 1]],
    ['100', [5]],
  ])('%s: five recipients go out in transactions of %j', async (value, sizes) => {
    const seen: number[] = [];
    const peer = await peerWith({
      answer: (verb) => {
        if (verb === 'MAIL') seen.push(0);
        if (verb === 'RCPT') seen.push((seen.pop() ?? 0) + 1);
        return undefined;
      },
    });
    await open({
      config: `max_outbound_connections = 1\nmax_recipients_per_batch = ${value}`,
      routes: { 'a.test': [{ port: peer.port }] },
    });
    room?.send(['a@a.test', 'b@a.test', 'c@a.test', 'd@a.test', 'e@a.test']);
    await room?.until(5);
    expect(seen).toEqual(sizes);
  });
});
