/** Log-in from the mail to the wire: no connection serves two identities, and mail whose identity fails waits alone. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Manners, type Peer, polite, startPeer } from '../../test/chaos/peer.js';
import { makeRoom, type Room, type RoomWishes, snapshotOf } from '../../test/chaos/room.js';
import type { Login } from '../module/login.js';
import type { Mail } from '../module/message.js';

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

/** What each connection logged in as, and for whom its messages were. */
interface Heard {
  user: string | undefined;
  readonly to: string[];
}

async function hear(manners: Manners = {}, bad = 'mallory'): Promise<{ peer: Peer; heard: Heard[] }> {
  const heard: Heard[] = [];
  const peer = await startPeer(
    polite({
      keywords: ['PIPELINING', 'AUTH PLAIN'],
      ...manners,
      async answer(verb, line, caller) {
        const log = (heard[caller.number] ??= { user: undefined, to: [] });
        const said = await manners.answer?.(verb, line, caller);
        if (said !== undefined || verb !== 'AUTH') return said;
        log.user = Buffer.from(line.split(' ')[2] ?? '', 'base64')
          .toString()
          .split('\0')[1];
        return log.user === bad ? '535 5.7.8 no\r\n' : '235 2.7.0 ok\r\n';
      },
      received: (_, to, caller) => heard[caller.number]?.to.push(...to),
    }),
  );
  peers.push(peer);
  return { peer, heard };
}

const login = (user: string, secret = 'pw'): Login => ({ mechanism: 'PLAIN', user, secret, inClear: true, refused: 'tempfail' });
/** The user is the part of the recipient before the dash; `nobody` does not log in. */
const byRecipient = (mail: Mail): Login | undefined => {
  const [user = ''] = mail.recipient.local.split('-');
  return user === 'nobody' ? undefined : login(user);
};

const open = async (port: number, config: string, more: Partial<RoomWishes> = {}): Promise<Room> => {
  const hops = [{ port, name: 'mx.test' }];
  room = await makeRoom({ config, routes: { 'a.test': hops, 'b.test': hops }, identity: byRecipient, ...more });
  return room;
};

/** Every message went over a connection that stands for its user, and none is missing. */
function expectKeptApart(heard: readonly Heard[], total: number): void {
  let messages = 0;
  for (const { user = 'nobody', to } of heard) {
    messages += to.length;
    for (const recipient of to) expect(recipient.split('-')[0]).toBe(user);
  }
  expect(messages).toBe(total);
}

describe('a connection that is logged in', () => {
  it.each([
    ['one connection', 'max_outbound_connections = 1\nidle_timeout = 300', false, false],
    ['many connections', 'connection_allocation_aggressiveness = 1', false, false],
    ['bodies read back', 'max_outbound_connections = 2', true, false],
    ['answers that take a while', 'max_outbound_connections = 2\nidle_timeout = 300', false, true],
    ['both', 'max_outbound_connections = 3', true, true],
    ['a limit over all places', 'scope_max_outbound_connections = 2\nidle_timeout = 300', false, false],
  ])('carries the mail of no other: %s', { timeout: 30_000 }, async (_, config, readsBack, later) => {
    const { peer, heard } = await hear();
    const identity = later
      ? async (mail: Mail) => {
          await new Promise((done) => setTimeout(done, 2));
          return byRecipient(mail);
        }
      : byRecipient;
    const { supply, attempts } = await open(peer.port, config, { identity });
    supply.readsBack = readsBack;
    const users = ['ann', 'ben', 'nobody'];
    for (let i = 0; i < 30; i++) room?.send([`${users[i % 3]}-${i}@${i % 2 === 0 ? 'a' : 'b'}.test`]);
    await room?.until(30, 20_000);
    expect(attempts.map(({ outcome }) => outcome)).toEqual(Array(30).fill('delivered'));
    expectKeptApart(heard, 30);
  });

  it.each([false, true])('splits the copies of one message by identity, answers late: %s', async (later) => {
    const { peer, heard } = await hear();
    await open(peer.port, 'max_outbound_connections = 1\nidle_timeout = 300', {
      identity: later ? async (mail) => byRecipient(mail) : byRecipient,
    });
    const users = ['ann', 'ben', 'cyd', 'nobody'];
    room?.send(Array.from({ length: 40 }, (_, i) => `${users[i % 4]}-${i}@a.test`));
    await room?.until(40);
    expectKeptApart(heard, 40);
    expect(heard).toHaveLength(4);
  });

  it('is kept for the next mail of the same identity, of a sibling place too, and of no other password', async () => {
    const { peer } = await hear();
    let secret = 'one';
    const { told } = await open(peer.port, 'idle_timeout = 300', { identity: () => login('ann', secret) });
    expect(told).toEqual([]);
    for (const [i, to] of ['x@a.test', 'y@a.test', 'z@b.test'].entries()) {
      room?.send([to]);
      await room?.until(i + 1);
    }
    expect(peer.accepted).toBe(1);
    secret = 'two';
    room?.send(['x@a.test']);
    await room?.until(4);
    expect(peer.accepted).toBe(2);
  });

  it('ends when nobody is logged in any more', async () => {
    const { peer, heard } = await hear();
    const { delivery } = await open(peer.port, 'idle_timeout = 300', { identity: byRecipient });
    room?.send(['ann-1@a.test']);
    await room?.until(1);
    if (room) room.snapshot = await snapshotOf('idle_timeout = 300\nbody_timeout = 77');
    delivery.reloaded();
    room?.send(['nobody-2@a.test']);
    await room?.until(2);
    expectKeptApart(heard, 2);
    expect(heard).toHaveLength(2);
  });
});

describe('mail whose identity fails', () => {
  it('is deferred, while that of others goes on', async () => {
    const { peer, heard } = await hear();
    const { attempts } = await open(peer.port, 'idle_timeout = 300');
    room?.send(['ann-1@a.test']);
    await room?.until(1);
    room?.send(['mallory-1@a.test']);
    await room?.until(2);
    room?.send(['ann-2@a.test']);
    await room?.until(3);
    expect(attempts.map(({ outcome, reply }) => `${outcome} ${reply}`)).toEqual([
      'delivered 250 2.0.0 ok',
      'deferred 454 4.7.8 [internal] AUTH refused: 535 5.7.8 no',
      'delivered 250 2.0.0 ok',
    ]);
    expect(attempts[1]).toMatchObject({ stage: 11 });
    expect(heard.flatMap(({ to }) => to)).toEqual(['ann-1@a.test', 'ann-2@a.test']);
  });

  it('fails where a refusal is permanent', async () => {
    const { peer } = await hear();
    const { attempts } = await open(peer.port, '', { identity: () => ({ ...login('mallory'), refused: 'permfail' }) });
    room?.send(['x@a.test']);
    await room?.until(1);
    expect(attempts[0]).toMatchObject({ outcome: 'failed', reply: '535 5.7.8 no' });
  });

  it.each([
    ['a module forbids it', () => ({ cannot: '454 4.7.0 [internal] not so' }), '454 4.7.0 [internal] not so'],
    [
      'a handler throws',
      () => {
        throw new Error('no');
      },
      '454 4.7.0 [internal] nobody could tell the identity that this mail is sent under',
    ],
    [
      'a promise fails',
      () => Promise.reject(new Error('no')),
      '454 4.7.0 [internal] nobody could tell the identity that this mail is sent under',
    ],
    [
      'the answer is nonsense',
      () => ({ mechanism: 'NONE', user: 1 }) as never,
      '454 4.7.0 [internal] nobody could tell the identity that this mail is sent under',
    ],
  ])('is not sent when %s', async (_, identity, reply) => {
    const { peer } = await hear();
    const { attempts } = await open(peer.port, '', { identity });
    room?.send(['x@a.test', 'y@a.test']);
    await room?.until(2);
    expect(attempts).toMatchObject([
      { outcome: 'deferred', reply },
      { outcome: 'deferred', reply },
    ]);
    expect(peer.accepted).toBe(0);
  });

  it('asks nobody, and takes no mail beforehand, without a handler', async () => {
    const { peer, heard } = await hear();
    room = await makeRoom({ config: '', routes: { 'a.test': [{ port: peer.port, name: 'mx.test' }] } });
    room.send(['ann-1@a.test']);
    await room.until(1);
    expect(heard.map(({ user }) => user)).toEqual([undefined]);
  });
});
