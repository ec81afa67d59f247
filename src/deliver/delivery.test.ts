import { afterEach, describe, expect, it } from 'vitest';
import { DEEDS, type Manners, type Peer, polite, startPeer } from '../../test/chaos/peer.js';
import { eventually, makeRoom, type Room, type RoomWishes, snapshotOf } from '../../test/chaos/room.js';
import { VirtualClock } from '../kernel/virtual-clock.js';

let room: Room | undefined;
const peers: Peer[] = [];
afterEach(async () => {
  await room?.stop();
  expect(room?.delivery.totals()).toEqual(room && { connections: 0, idle: 0, pendingOutcomes: 0 });
  expect(room?.watch.size ?? 0).toBe(0);
  const held = [...(room?.broker.keys() ?? [])].filter((key) => key.startsWith('connections/') && room?.broker.usage(key)?.used !== 0);
  expect(held).toEqual([]);
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
/** A port where nobody listens. */
const deadPort = async (): Promise<number> => {
  const peer = await startPeer(polite());
  await peer.close();
  return peer.port;
};
const settle = (ms = 40): Promise<void> => new Promise((done) => setTimeout(done, ms));

describe('Delivery', () => {
  it('brings a mail to its hop', async () => {
    const messages: string[] = [];
    const peer = await peerWith({ received: (message) => messages.push(message) });
    const { send, until, gone, supply } = await open({ routes: { 'a.test': [{ port: peer.port }] } }).then((r) => ({
      send: r.send.bind(r),
      until: r.until.bind(r),
      gone: r.gone,
      supply: r.supply,
    }));
    const [mail] = send(['bob@a.test']);
    const [attempt] = await until(1);
    expect(attempt).toMatchObject({ outcome: 'delivered', reply: '250 2.0.0 ok', bytes: mail?.size, stage: 9, bounceClass: 0 });
    expect(messages[0]).toContain('Subject: hello');
    expect(gone).toEqual([mail?.ticket]);
    expect(supply.taken).toBe(0);
  });

  it('keeps a connection for the next mail and lets it go when it was idle for idle_timeout', async () => {
    const clock = new VirtualClock();
    const peer = await peerWith();
    const { delivery } = await open({ clock, config: 'idle_timeout = 7', routes: { 'a.test': [{ port: peer.port }] } });
    for (let i = 1; i <= 5; i++) {
      room?.send([`u${i}@a.test`]);
      await room?.until(i);
    }
    expect(peer.accepted).toBe(1);
    expect(delivery.totals()).toMatchObject({ connections: 1, idle: 1 });
    await clock.advance(6000);
    expect(delivery.totals()).toMatchObject({ connections: 1 });
    await clock.advance(2000);
    await eventually(() => delivery.totals().connections === 0 && peer.open === 0);
  });

  it('uses no connection for more mails, or recipients, than it may', async () => {
    const peer = await peerWith();
    const limits = 'max_deliveries_per_connection = 2\nmax_outbound_connections = 1';
    await open({ config: limits, routes: { 'a.test': [{ port: peer.port }] } });
    for (let i = 0; i < 7; i++) room?.send([`u${i}@a.test`]);
    await room?.until(7);
    expect(peer.accepted).toBe(4);
    await room?.stop();
    const other = await peerWith();
    await open({
      config: 'max_recipients_per_connection = 3\nmax_recipients_per_batch = 2\nmax_outbound_connections = 1',
      routes: { 'a.test': [{ port: other.port }] },
    });
    room?.send(['a@a.test', 'b@a.test', 'c@a.test', 'd@a.test', 'e@a.test']);
    await room?.until(5);
    expect(other.accepted).toBe(2);
  });

  it('opens as many connections as the goal says and no more than allowed', async () => {
    const peer = await peerWith({ answer: (verb) => (verb === 'MAIL' ? DEEDS.HANG : undefined) });
    const { delivery } = await open({
      config: 'connection_allocation_aggressiveness = 1\nmax_outbound_connections = 3',
      routes: { 'a.test': [{ port: peer.port }] },
    });
    for (let i = 0; i < 20; i++) room?.send([`u${i}@a.test`]);
    await eventually(() => peer.open === 3);
    await settle();
    expect(peer.accepted).toBe(3);
    expect(room && delivery.connections(room.place('a.test'))).toBe(3);
  });

  it('shares the limit of a scope between its places, and serves all of them in turn', async () => {
    const peer = await peerWith();
    let most = 0;
    const watching = setInterval(() => {
      most = Math.max(most, peer.open);
    }, 1);
    await open({
      config: 'scope_max_outbound_connections = 1\nidle_timeout = 300',
      routes: Object.fromEntries(['a', 'b', 'c'].map((name) => [`${name}.test`, [{ port: peer.port, name: `mx.${name}.test` }]])),
    });
    for (const name of ['a', 'b', 'c']) for (let i = 0; i < 4; i++) room?.send([`u${i}@${name}.test`]);
    await room?.until(12);
    clearInterval(watching);
    expect(most).toBe(1);
  });

  it('lets a busy place give up a slot that another one waits for', async () => {
    const peer = await peerWith();
    await open({
      config: 'scope_max_outbound_connections = 1',
      routes: Object.fromEntries(['a', 'b'].map((name) => [`${name}.test`, [{ port: peer.port, name: `mx.${name}.test` }]])),
    });
    for (let i = 0; i < 1000; i++) room?.send([`u${i}@a.test`]);
    await room?.until(10);
    room?.send(['x@b.test']);
    await eventually(() => room?.attempts.some(({ place }) => place.domain === 'b.test') === true);
    expect(room?.attempts.length).toBeLessThan(500);
    await room?.until(1001);
    // Both places want more than the scope has, so the slot goes to and fro, but not with every mail.
    expect(peer.accepted).toBeLessThan(8);
  });

  it('hands an idle connection to a sibling that has the same host', async () => {
    const peer = await peerWith();
    const routes = { 'a.test': [{ port: peer.port, name: 'mx' }], 'b.test': [{ port: peer.port, name: 'mx' }] };
    await open({ routes });
    room?.send(['x@a.test']);
    await room?.until(1);
    room?.send(['x@b.test']);
    await room?.until(2);
    expect(peer.accepted).toBe(1);
    expect(room?.delivery.connections(room.place('b.test'))).toBe(1);
    await room?.stop();
    await open({ routes, config: 'migrate_connections_between_sibling_domains = false' });
    room?.send(['x@a.test']);
    await room?.until(1);
    room?.send(['x@b.test']);
    await room?.until(2);
    expect(peer.accepted).toBe(3);
  });

  it('holds the limit of a host over all places', async () => {
    const peer = await peerWith({ answer: (verb) => (verb === 'MAIL' ? DEEDS.HANG : undefined) });
    const routes = Object.fromEntries(['a', 'b', 'c'].map((name) => [`${name}.test`, [{ port: peer.port, name: 'mx.test' }]]));
    const { delivery } = await open({ config: 'host "mx.test" { max_outbound_connections = 2 }', routes });
    for (const name of ['a', 'b', 'c']) room?.send([`x@${name}.test`]);
    await eventually(() => peer.open === 2);
    await settle();
    expect(peer.accepted).toBe(2);
    expect(room && delivery.hindrance(room.place('c.test'))).toMatchObject({ code: 'connection_limit', limit: 'connections/host/mx.test' });
  });

  it('goes to the second host while the first is at its limit', async () => {
    const hang = { answer: (verb: string) => (verb === 'MAIL' ? DEEDS.HANG : undefined) };
    const [one, two] = [await peerWith(hang), await peerWith(hang)];
    await open({
      config: 'connection_allocation_aggressiveness = 1\nhost "one.test" { max_outbound_connections = 1 }',
      routes: {
        'a.test': [
          { port: one.port, name: 'one.test', preference: 1 },
          { port: two.port, name: 'two.test', preference: 2 },
        ],
      },
    });
    for (let i = 0; i < 3; i++) room?.send([`u${i}@a.test`]);
    await eventually(() => one.open === 1 && two.open === 2);
  });

  it('fills equal hosts evenly', async () => {
    const hang = { answer: (verb: string) => (verb === 'MAIL' ? DEEDS.HANG : undefined) };
    const [one, two] = [await peerWith(hang), await peerWith(hang)];
    await open({
      config: 'connection_allocation_aggressiveness = 1',
      routes: { 'a.test': [{ port: one.port }, { port: two.port }] },
    });
    for (let i = 0; i < 6; i++) room?.send([`u${i}@a.test`]);
    await eventually(() => one.open === 3 && two.open === 3);
  });

  it('leaves a dead host alone for host_failure_retry, then tries it again', async () => {
    const clock = new VirtualClock();
    const two = await peerWith();
    const port = await deadPort();
    const { logs } = await open({
      clock,
      config: 'host_failure_retry = 50\nmax_deliveries_per_connection = 1',
      routes: {
        'a.test': [
          { port, preference: 1 },
          { port: two.port, preference: 2 },
        ],
      },
    });
    room?.send(['a@a.test']);
    expect((await room?.until(1))?.[0]).toMatchObject({ outcome: 'delivered', hop: { port: two.port } });
    const back = await startPeer(polite()).then(async (peer) => {
      await peer.close();
      return peer;
    });
    expect(back.open).toBe(0);
    room?.send(['b@a.test']);
    await room?.until(2);
    await clock.advance(51_000);
    room?.send(['c@a.test']);
    await room?.until(3);
    expect(two.accepted).toBe(3);
    expect(logs).toEqual([]);
  });

  it('puts off one mail after the other when no host answers, and all of them after mx_failures_to_delay', async () => {
    const port = await deadPort();
    const { supply, attempts } = await open({
      config: 'mx_failures_to_delay = 5\nretry_interval = 600\nmax_outbound_connections = 1',
      routes: { 'a.test': [{ port }, { port, ip: '127.0.0.2' }] },
    });
    for (let i = 0; i < 12; i++) room?.send([`u${i}@a.test`]);
    await eventually(() => supply.delays.length === 1);
    expect(attempts).toHaveLength(5);
    for (const attempt of attempts) {
      expect(attempt).toMatchObject({
        outcome: 'deferred',
        reply: '451 4.4.1 [internal] No valid hosts (unable to make any connections)',
        connectionId: '',
        stage: 0,
      });
    }
    expect(supply.delays[0]).toMatchObject({
      reply: '421 4.4.0 [internal] no MXs for this domain could be reached at this time',
      count: 7,
    });
    expect((supply.delays[0]?.untilMs ?? 0) - Date.now()).toBeGreaterThan(590_000);
  });

  it('puts all mail off when no host was reached for connect_timeout_to_delay', async () => {
    const clock = new VirtualClock();
    const port = await deadPort();
    const { supply } = await open({ clock, config: 'connect_timeout_to_delay = 100', routes: { 'a.test': [{ port }] } });
    room?.send(['a@a.test']);
    await room?.until(1);
    expect(supply.delays).toEqual([]);
    await clock.advance(101_000);
    room?.send(['b@a.test'], room.place('a.test'));
    await room?.until(2);
    await eventually(() => supply.delays.length === 1);
  });

  it('makes do with the connections it has when a further one is refused', async () => {
    const peer = await peerWith({
      answer: (verb, _, { number }) => {
        if (verb === 'BANNER') return number > 0 ? '421 4.7.0 one is enough\r\n' : undefined;
        return undefined;
      },
    });
    const { attempts } = await open({
      config: 'connection_allocation_aggressiveness = 1\nmax_deliveries_per_connection = 0',
      routes: { 'a.test': [{ port: peer.port }] },
    });
    room?.send(['first@a.test']);
    await room?.until(1);
    for (let i = 0; i < 10; i++) room?.send([`u${i}@a.test`]);
    await room?.until(11);
    await eventually(() => peer.open === 1);
    const { accepted } = peer;
    for (let i = 0; i < 10; i++) room?.send([`v${i}@a.test`]);
    await room?.until(21);
    expect(attempts.map(({ outcome }) => outcome)).toEqual(Array(21).fill('delivered'));
    expect(peer.accepted).toBe(accepted);
  });

  it('sends no more messages than outbound_throttle_messages allows in any window', async () => {
    const clock = new VirtualClock();
    const peer = await peerWith();
    const { attempts, delivery } = await open({
      clock,
      config: 'outbound_throttle_messages = "3/10"',
      routes: { 'a.test': [{ port: peer.port }] },
    });
    for (let i = 0; i < 2; i++) room?.send([`u${i}@a.test`]);
    room?.send(['x@a.test', 'y@a.test', 'z@a.test']);
    await room?.until(3);
    await settle();
    expect(attempts).toHaveLength(3);
    expect(room && delivery.hindrance(room.place('a.test'))).toMatchObject({ code: 'message_rate', limit: 'rate/messages/global' });
    await clock.advance(9000);
    await settle();
    expect(attempts).toHaveLength(3);
    await clock.advance(2000);
    await room?.until(5);
  });

  it('opens no more connections than outbound_throttle_connections allows', async () => {
    const clock = new VirtualClock();
    const peer = await peerWith();
    await open({
      clock,
      config: 'outbound_throttle_connections = "1/30"\nmax_deliveries_per_connection = 1',
      routes: { 'a.test': [{ port: peer.port }] },
    });
    for (let i = 0; i < 3; i++) room?.send([`u${i}@a.test`]);
    await room?.until(1);
    await settle();
    expect(peer.accepted).toBe(1);
    await clock.advance(31_000);
    await room?.until(2);
    await clock.advance(31_000);
    await room?.until(3);
    expect(peer.accepted).toBe(3);
  });

  it('starts nothing while outcomes cannot be recorded, and goes on afterwards', async () => {
    const peer = await peerWith();
    const { delivery } = await open({ routes: { 'a.test': [{ port: peer.port }] } });
    if (room) room.blocked = 'disk full';
    room?.send(['a@a.test']);
    await settle();
    expect(peer.accepted).toBe(0);
    expect(room && delivery.hindrance(room.place('a.test'))).toEqual({ code: 'spool_blocked', text: 'disk full' });
    if (room) room.blocked = undefined;
    if (room) delivery.wake(room.place('a.test'));
    await room?.until(1);
  });

  it('ends blackholed mail without a connection and without a notice', async () => {
    const { failures, attempts } = await open({ config: 'blackhole = internal', routes: {} });
    room?.send(['a@a.test', 'b@a.test']);
    await eventually(() => failures.length === 2);
    expect(failures[0]).toMatchObject({ quiet: true, attempt: { reply: '554 5.7.0 [internal] Blackholed', outcome: 'failed' } });
    expect(attempts).toHaveLength(2);
  });

  it('holds suspended mail', async () => {
    const peer = await peerWith();
    const { delivery } = await open({ config: 'domain "a.test" { suspend_delivery = true }', routes: { 'a.test': [{ port: peer.port }] } });
    room?.send(['a@a.test']);
    await settle();
    expect(peer.accepted).toBe(0);
    expect(room && delivery.hindrance(room.place('a.test'))?.code).toBe('suspended');
    if (room) room.snapshot = await snapshotOf('');
    delivery.reloaded();
    await room?.until(1);
  });

  it('fails mail of a place that leads nowhere for good, and puts it off where it may still lead somewhere', async () => {
    const { failures, supply } = await open({
      routes: {
        'null.test': { problem: '550 5.4.4 [internal] NULL MX domain does not accept mail', permanent: true, lookupFailed: false },
      },
    });
    room?.send(['a@null.test']);
    room?.send(['a@none.test']);
    await room?.until(2);
    expect(failures.map(({ attempt }) => attempt.reply)).toEqual(['550 5.4.4 [internal] NULL MX domain does not accept mail']);
    expect(supply.deferred.map(({ reply }) => reply)).toEqual(['454 4.4.4 [internal] no MX or A for domain']);
  });

  it('fails the mail of a domain after dns_failures_to_purge look-ups, which lie apart', async () => {
    const clock = new VirtualClock();
    const { failures, supply, forgotten } = await open({
      clock,
      config: 'dns_failures_to_purge = 3',
      routes: { 'a.test': { problem: '451 4.4.3 [internal] Domain Lookup Failed', permanent: false, lookupFailed: true } },
    });
    for (let i = 0; i < 4; i++) {
      room?.send([`u${i}@a.test`]);
      await room?.until(i + 1);
    }
    expect(forgotten).toEqual(['a.test']);
    expect(supply.deferred).toHaveLength(4);
    await clock.advance(61_000);
    room?.send(['v@a.test']);
    await room?.until(5);
    await clock.advance(121_000);
    room?.send(['w@a.test']);
    await room?.until(6);
    expect(failures.map(({ attempt }) => attempt.reply)).toEqual(['554 5.4.4 [internal] Domain Lookup Failed']);
  });

  it('says the name that ehlo_hostname asks for', async () => {
    const said: string[] = [];
    const peer = await peerWith({
      answer: (verb, line) => {
        if (verb === 'EHLO') said.push(line);
        return undefined;
      },
    });
    await open({
      config: 'domain "b.test" { ehlo_hostname = "__message__" }\ndomain "c.test" { ehlo_hostname = "fixed.test" }',
      routes: Object.fromEntries(['a', 'b', 'c'].map((name) => [`${name}.test`, [{ port: peer.port }]])),
    });
    for (const [i, name] of ['a', 'b', 'c'].entries()) {
      room?.send([`x@${name}.test`]);
      await room?.until(i + 1);
    }
    expect(said).toEqual(['EHLO celeris.test', 'EHLO sender.test', 'EHLO fixed.test']);
  });

  it.each([[['PIPELINING']], [[]]])('waits for bodies that are read back, keywords %j', async (keywords) => {
    const peer = await peerWith({ keywords });
    const { supply, attempts } = await open({
      config: 'max_outbound_connections = 2\nmax_deliveries_per_connection = 7',
      routes: { 'a.test': [{ port: peer.port }], 'b.test': [{ port: peer.port }] },
    });
    supply.readsBack = true;
    for (let i = 0; i < 20; i++) room?.send([`u${i}@${i % 2 === 0 ? 'a' : 'b'}.test`]);
    await room?.until(20);
    expect(new Set(attempts.map(({ mail }) => mail.id)).size).toBe(20);
    expect(attempts.every(({ outcome }) => outcome === 'delivered')).toBe(true);
    room?.send(['late@a.test']);
    await settle(2);
    await room?.stop();
    await eventually(() => supply.taken === 0);
    expect(supply.putBacks).toBeGreaterThan(0);
  });

  it('tells nobody of a delivery twice when a connection breaks between mails', async () => {
    const peer = await peerWith({
      keywords: ['PIPELINING'],
      answer: (verb, _, caller) => {
        if (verb !== 'MESSAGE') return undefined;
        caller.say('250 ok\r\n');
        return DEEDS.FIN;
      },
    });
    const { attempts, supply } = await open({ config: 'max_outbound_connections = 1', routes: { 'a.test': [{ port: peer.port }] } });
    for (let i = 0; i < 10; i++) room?.send([`u${i}@a.test`]);
    await room?.until(10);
    expect(attempts.map(({ outcome }) => outcome)).toEqual(Array(10).fill('delivered'));
    expect(new Set(attempts.map(({ mail }) => mail.id)).size).toBe(10);
    expect(supply.released).toHaveLength(10);
  });
});

describe('hooks', () => {
  const late =
    <T>(value: T) =>
    (): Promise<T> =>
      new Promise((done) => setTimeout(() => done(value), 2));

  it.each([['at once'], ['later']])('a veto sends mail to the next host, or puts it off: %s', async (when) => {
    const [one, two] = [await peerWith(), await peerWith()];
    const no = '450 4.7.1 not now';
    await open({
      veto: (hop) => (hop.name === 'two.test' ? undefined : when === 'later' ? late(no)() : no),
      routes: {
        'a.test': [
          { port: one.port, name: 'one.test', preference: 1 },
          { port: two.port, name: 'two.test', preference: 2 },
        ],
        'b.test': [{ port: one.port, name: 'one.test' }],
      },
    });
    room?.send(['x@a.test']);
    room?.send(['x@b.test']);
    await room?.until(2);
    expect(one.accepted).toBe(0);
    expect(two.accepted).toBe(1);
    expect(room?.supply.deferred.map(({ reply }) => reply)).toEqual([no]);
  });

  it.each([['at once'], ['later']])('outcome and class may be changed: %s', async (when) => {
    const peer = await peerWith({ answer: (verb) => (verb === 'RCPT' ? '550 5.1.1 who\r\n' : undefined) });
    const soft = { outcome: 'deferred', reply: '450 4.1.1 who' } as const;
    await open({
      outcome: () => (when === 'later' ? late(soft)() : soft),
      classify: (reply) => (when === 'later' ? late(reply.length)() : reply.length),
      routes: { 'a.test': [{ port: peer.port }] },
    });
    room?.send(['x@a.test']);
    await room?.until(1);
    expect(room?.attempts[0]).toMatchObject({ ...soft, bounceClass: soft.reply.length });
    expect(room?.supply.deferred).toHaveLength(1);
  });

  it('a hook that breaks changes nothing', async () => {
    const peer = await peerWith();
    const { supply, logs } = await open({
      outcome: () => Promise.reject(new Error('bug')),
      routes: { 'a.test': [{ port: peer.port }] },
    });
    room?.send(['x@a.test']);
    await room?.until(1);
    expect(supply.released).toHaveLength(1);
    expect(logs[0]).toContain('a hook about the outcome');
  });

  it('a hop that is none puts the mail off and is said', async () => {
    const { supply, logs } = await open({ routes: { 'a.test': [{ ip: 'mx.a.test', port: 25 }], 'b.test': [{ port: 70_000 }] } });
    room?.send(['x@a.test']);
    room?.send(['x@b.test']);
    await room?.until(2);
    expect(new Set(supply.deferred.map(({ reply }) => reply))).toEqual(
      new Set(['451 4.4.1 [internal] No valid hosts (unable to make any connections)']),
    );
    expect(logs).toHaveLength(2);
  });
});

describe('stop', () => {
  it('cuts what has not reached the final dot and waits for the answer of what has', async () => {
    let confirm: (() => void) | undefined;
    const slow = await peerWith({
      answer: async (verb) => {
        if (verb === 'MESSAGE') {
          await new Promise<void>((done) => {
            confirm = done;
          });
        }
        return undefined;
      },
    });
    const silent = await peerWith({ answer: (verb) => (verb === 'RCPT' ? DEEDS.HANG : undefined) });
    const { delivery, attempts, supply } = await open({
      routes: { 'slow.test': [{ port: slow.port }], 'silent.test': [{ port: silent.port }] },
    });
    room?.send(['a@slow.test']);
    room?.send(['b@silent.test']);
    await eventually(() => confirm !== undefined && silent.open === 1);
    let stopped = false;
    const stop = delivery.stop(AbortSignal.timeout(5000)).then(() => {
      stopped = true;
    });
    await eventually(() => silent.open === 0);
    await settle();
    expect(stopped).toBe(false);
    expect(supply.putBacks).toBe(1);
    expect(attempts).toEqual([]);
    confirm?.();
    await stop;
    expect(attempts).toHaveLength(1);
    expect(attempts[0]?.outcome).toBe('delivered');
    expect(room && delivery.hindrance(room.place('silent.test'))?.code).toBe('stopping');
  });

  it('does not wait for ever: what was cut after the dot may arrive twice', async () => {
    const peer = await peerWith({ answer: (verb) => (verb === 'MESSAGE' ? DEEDS.HANG : undefined) });
    const { delivery, attempts } = await open({ routes: { 'a.test': [{ port: peer.port }] } });
    room?.send(['a@a.test']);
    await eventually(() => peer.open === 1);
    await settle();
    await delivery.stop(AbortSignal.timeout(100));
    expect(attempts[0]).toMatchObject({ outcome: 'deferred', possibleDuplicate: true });
  });
});

describe('41: sources that cannot send', () => {
  it('pauses a source that is not plumbed, says so once, and lets the others go on', async () => {
    const clock = new VirtualClock();
    const peer = await peerWith();
    const { delivery, logs, supply, attempts } = await open({
      clock,
      config: 'binding "bad" { bind_address = "192.0.2.77" }\nbinding "good" { bind_address = "127.0.0.1" }',
      routes: { 'a.test': [{ port: peer.port }] },
    });
    const bad = room?.place('a.test', 'default', 'bad');
    for (let i = 0; i < 5; i++) room?.send([`u${i}@a.test`], bad);
    for (let i = 0; i < 5; i++) room?.send([`u${i}@a.test`], room.place('a.test', 'default', 'good'));
    await room?.until(5);
    await eventually(() => logs.length === 1);
    expect(logs[0]).toMatch(/cannot connect from 192\.0\.2\.77 \(EADDRNOTAVAIL: .*\); it pauses for 2 s/);
    expect(attempts.every(({ outcome, place }) => outcome === 'delivered' && place.binding === 'good')).toBe(true);
    expect(bad && supply.waiting(bad)).toBe(5);
    expect(bad && delivery.hindrance(bad)).toMatchObject({ code: 'source_paused' });
    await clock.advance(2000);
    await eventually(() => logs.length === 2);
    expect(logs[1]).toContain('pauses for 4 s');
    expect(bad && supply.waiting(bad)).toBe(5);
  });
});
