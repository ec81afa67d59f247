/** XCLIENT from the mail to the wire: who gets it, what a refusal means, and that no connection stands for two origins. */
import { afterEach, describe, expect, it } from 'vitest';
import { DEEDS, type Manners, type Peer, polite, startPeer } from '../../test/chaos/peer.js';
import { eventually, makeRoom, type Room, type RoomWishes, snapshotOf } from '../../test/chaos/room.js';
import { VirtualClock } from '../kernel/virtual-clock.js';

let room: Room | undefined;
const peers: Peer[] = [];
afterEach(async () => {
  await room?.stop();
  expect(room?.supply.taken ?? 0).toBe(0);
  expect([...(room?.broker.keys() ?? [])].filter((key) => key.startsWith('connections/') && room?.broker.usage(key)?.used !== 0)).toEqual(
    [],
  );
  room = undefined;
  await Promise.all(peers.splice(0).map((peer) => peer.close()));
});

/** What each connection said, in order, and for whom its messages were. */
interface Heard {
  readonly lines: string[];
  readonly to: string[];
}

async function hear(manners: Manners = {}): Promise<{ peer: Peer; heard: Heard[] }> {
  const heard: Heard[] = [];
  const peer = await startPeer(
    polite({
      keywords: ['PIPELINING', 'XCLIENT NAME ADDR PROTO HELO LOGIN'],
      ...manners,
      async answer(verb, line, caller) {
        const log = (heard[caller.number] ??= { lines: [], to: [] });
        if (verb === 'EHLO' || verb === 'HELO' || verb === 'XCLIENT' || verb === 'MAIL') log.lines.push(line);
        return (await manners.answer?.(verb, line, caller)) ?? (verb === 'XCLIENT' ? '220 peer.test anew\r\n' : undefined);
      },
      received: (_, to, caller) => heard[caller.number]?.to.push(...to),
    }),
  );
  peers.push(peer);
  return { peer, heard };
}

const open = async (port: number, config: string, more: Partial<RoomWishes> = {}): Promise<Room> => {
  const hops = [{ port, name: 'mx.test' }];
  room = await makeRoom({ config, routes: { 'a.test': hops, 'b.test': hops }, ...more });
  return room;
};
const by = (ip: string, more: object = {}) => ({ reception: { source: { ip, port: 4711 }, helo: `h-${ip}`, ...more } });

describe('option xclient', () => {
  it('tells the server of the client before the mail, and says EHLO again', async () => {
    const { peer, heard } = await hear();
    const { attempts } = await open(peer.port, 'xclient = ifavailable');
    room?.send(['x@a.test'], undefined, by('192.0.2.9', { user: 'ann' }));
    await room?.until(1);
    expect(attempts[0]?.outcome).toBe('delivered');
    expect(heard[0]?.lines).toEqual([
      'EHLO celeris.test',
      'XCLIENT NAME=[UNAVAILABLE] ADDR=192.0.2.9 HELO=h-192.0.2.9 LOGIN=ann PROTO=ESMTP',
      'EHLO h-192.0.2.9',
      expect.stringContaining('MAIL FROM:'),
    ]);
  });

  it('is silent when off', async () => {
    const { peer, heard } = await hear();
    await open(peer.port, '');
    room?.send(['x@a.test'], undefined, by('192.0.2.9'));
    await room?.until(1);
    expect(heard[0]?.lines.join()).not.toContain('XCLIENT');
  });

  it.each([
    ['ifavailable', 'delivered', '250 2.0.0 ok', 9],
    ['required', 'deferred', '451 4.7.6 [internal] XCLIENT required but not advertised', 11],
  ])('%s, a server that does not offer it: %s', async (xclient, outcome, reply, stage) => {
    const { peer } = await hear({ keywords: ['PIPELINING'] });
    const { attempts } = await open(peer.port, `xclient = ${xclient}`);
    room?.send(['x@a.test']);
    await room?.until(1);
    expect(attempts[0]).toMatchObject({ outcome, reply, stage });
  });

  it.each([
    ['ifavailable', 'delivered', '250 2.0.0 ok', 9],
    ['required', 'deferred', '451 4.4.2 [internal] send XCLIENT failed', 20],
  ])('%s, a server that refuses it: %s', async (xclient, outcome, reply, stage) => {
    const { peer, heard } = await hear({ answer: (verb) => (verb === 'XCLIENT' ? '550 5.7.0 not you\r\n' : undefined) });
    const { attempts } = await open(peer.port, `xclient = ${xclient}`);
    room?.send(['x@a.test']);
    await room?.until(1);
    expect(attempts[0]).toMatchObject({ outcome, reply, stage });
    expect(heard[0]?.lines.filter((line) => line.startsWith('EHLO'))).toHaveLength(1);
  });

  it('ends at ehlo_timeout when nothing is answered, in stage 19', async () => {
    const clock = new VirtualClock();
    let asked = false;
    const { peer } = await hear({
      answer: (verb) => {
        if (verb === 'XCLIENT') asked = true;
        return verb === 'XCLIENT' ? DEEDS.HANG : undefined;
      },
    });
    const { attempts } = await open(peer.port, 'xclient = ifavailable\nehlo_timeout = 9', { clock });
    room?.send(['x@a.test']);
    await eventually(() => asked);
    await clock.advance(11_000);
    await room?.until(1);
    expect(attempts[0]).toMatchObject({ outcome: 'deferred', reply: '451 4.4.2 [internal] no XCLIENT response', stage: 19 });
  });

  it('does not go on behind a 421 to it', async () => {
    const { peer } = await hear({ answer: (verb) => (verb === 'XCLIENT' ? '421 4.3.2 busy\r\n' : undefined) });
    const { attempts } = await open(peer.port, 'xclient = ifavailable');
    room?.send(['x@a.test']);
    await room?.until(1);
    expect(attempts[0]).toMatchObject({ outcome: 'deferred', reply: '421 4.3.2 busy', stage: 20 });
  });
});

describe('a connection that stands for one origin', () => {
  const addressOf = (log: Heard | undefined): string | undefined =>
    log?.lines.map((line) => /ADDR=(\S+)/.exec(line)?.[1]).find((ip) => ip !== undefined);

  it.each([
    ['one connection', 'max_outbound_connections = 1\nidle_timeout = 300', false],
    ['many connections', 'connection_allocation_aggressiveness = 1', false],
    ['bodies read back', 'max_outbound_connections = 2', true],
    ['a limit over all places', 'scope_max_outbound_connections = 2\nidle_timeout = 300', false],
  ])('carries the mail of no other: %s', { timeout: 30_000 }, async (_, config, readsBack) => {
    const { peer, heard } = await hear();
    const { supply, attempts } = await open(peer.port, `xclient = ifavailable\n${config}`);
    supply.readsBack = readsBack;
    const total = 40;
    for (let i = 0; i < total; i++) {
      const domain = i % 2 === 0 ? 'a' : 'b';
      room?.send([`from-192.0.2.${i % 3}@${domain}.test`], undefined, by(`192.0.2.${i % 3}`));
    }
    await room?.until(total);
    expect(attempts.every(({ outcome }) => outcome === 'delivered')).toBe(true);
    let messages = 0;
    for (const log of heard) {
      messages += log.to.length;
      for (const recipient of log.to) expect(recipient).toContain(`from-${addressOf(log)}@`);
    }
    expect(messages).toBe(total);
  });

  it('is kept for the next mail of the same origin, of a sibling place too', async () => {
    const { peer } = await hear();
    await open(peer.port, 'xclient = ifavailable\nidle_timeout = 300');
    for (const [i, to] of ['x@a.test', 'y@a.test', 'z@b.test'].entries()) {
      room?.send([to], undefined, by('192.0.2.7'));
      await room?.until(i + 1);
    }
    expect(peer.accepted).toBe(1);
    room?.send(['x@a.test'], undefined, by('192.0.2.8'));
    await room?.until(4);
    expect(peer.accepted).toBe(2);
  });

  it('serves every origin where the server was told of none', async () => {
    const { peer } = await hear({ keywords: ['PIPELINING'] });
    await open(peer.port, 'xclient = ifavailable\nmax_outbound_connections = 1\nidle_timeout = 300');
    for (let i = 0; i < 10; i++) {
      room?.send([`x@${i % 2 === 0 ? 'a' : 'b'}.test`], undefined, by(`192.0.2.${i}`));
      await room?.until(i + 1);
    }
    expect(peer.accepted).toBe(1);
  });

  it('makes way where another origin needs its slot, while the rate of messages holds', async () => {
    const { peer, heard } = await hear();
    const times: number[] = [];
    const { told } = await open(peer.port, 'xclient = ifavailable\nmax_outbound_connections = 1\noutbound_throttle_messages = "4/1"');
    told.push(() => void times.push(performance.now()));
    for (let i = 0; i < 8; i++) room?.send(['x@a.test'], undefined, by(`192.0.2.${i}`));
    await room?.until(8);
    expect(heard).toHaveLength(8);
    for (let i = 4; i < 8; i++) expect((times[i] ?? 0) - (times[i - 4] ?? 0)).toBeGreaterThan(950);
  });
});

describe('ehlo_hostname = __message__', () => {
  it('says the name of each sender to the mail of that sender only', async () => {
    const { peer, heard } = await hear({ keywords: ['PIPELINING'] });
    const { Address } = await import('../mail/address.js');
    await open(peer.port, 'ehlo_hostname = "__message__"\nmax_outbound_connections = 2\nidle_timeout = 300');
    for (let i = 0; i < 30; i++) room?.send([`u@a.test`], undefined, { sender: new Address('s', `s${i % 3}.test`) });
    await room?.until(30);
    for (const { lines } of heard) {
      const name = lines.find((line) => line.startsWith('EHLO'))?.slice(5);
      for (const line of lines) if (line.startsWith('MAIL')) expect(line).toContain(`<s@${name}>`);
    }
  });

  it('holds the rate of messages, the first of each connection included', async () => {
    const { peer } = await hear({ keywords: ['PIPELINING'] });
    const { Address } = await import('../mail/address.js');
    const times: number[] = [];
    const { told } = await open(
      peer.port,
      'ehlo_hostname = "__message__"\noutbound_throttle_messages = "3/1"\nmax_deliveries_per_connection = 1',
    );
    told.push(() => void times.push(performance.now()));
    for (let i = 0; i < 7; i++) room?.send(['u@a.test'], undefined, { sender: new Address('s', `s${i}.test`) });
    await room?.until(7);
    for (let i = 3; i < 7; i++) expect((times[i] ?? 0) - (times[i - 3] ?? 0)).toBeGreaterThan(950);
  });
});

describe('a reload', () => {
  it('ends kept connections that were made under other terms, and keeps the others', async () => {
    const { peer, heard } = await hear();
    const { delivery } = await open(peer.port, 'idle_timeout = 300');
    const sendOne = async (count: number): Promise<void> => {
      room?.send(['x@a.test'], undefined, by('192.0.2.1'));
      await room?.until(count);
    };
    await sendOne(1);
    if (room) room.snapshot = await snapshotOf('idle_timeout = 300\nbody_timeout = 77');
    delivery.reloaded();
    await sendOne(2);
    expect(peer.accepted).toBe(1);
    if (room) room.snapshot = await snapshotOf('idle_timeout = 300\nehlo_hostname = "other.test"');
    delivery.reloaded();
    await sendOne(3);
    expect(heard.map(({ lines }) => lines[0])).toEqual(['EHLO celeris.test', 'EHLO other.test']);
  });
});
