import { afterEach, describe, expect, it } from 'vitest';
import { type Peer, polite, startPeer } from '../../test/chaos/peer.js';
import { makeRoom, type Room } from '../../test/chaos/room.js';

let room: Room | undefined;
const peers: Peer[] = [];
afterEach(async () => {
  await room?.stop();
  room = undefined;
  await Promise.all(peers.splice(0).map((peer) => peer.close()));
});
const peerWith = async (...args: Parameters<typeof polite>): Promise<Peer> => {
  const peer = await startPeer(polite(...args));
  peers.push(peer);
  return peer;
};

describe('Delivery', () => {
  it('brings a mail to its hop', async () => {
    const messages: string[] = [];
    const peer = await peerWith({ received: (message) => messages.push(message) });
    room = await makeRoom({ routes: { 'a.test': [{ port: peer.port }] } });
    const [mail] = room.send(['bob@a.test']);
    const [attempt] = await room.until(1);
    expect(attempt).toMatchObject({ outcome: 'delivered', reply: '250 2.0.0 ok', bytes: mail?.size, stage: 9, bounceClass: 0 });
    expect(messages[0]).toContain('Subject: hello');
    expect(room.gone).toEqual([mail?.ticket]);
    expect(room.supply.taken).toBe(0);
  });

  it('keeps a connection for the next mail and gives it back when it is idle', async () => {
    const peer = await peerWith();
    room = await makeRoom({ routes: { 'a.test': [{ port: peer.port }] } });
    for (let i = 1; i <= 5; i++) {
      room.send([`u${i}@a.test`]);
      await room.until(i);
    }
    expect(peer.accepted).toBe(1);
    expect(room.delivery.totals()).toMatchObject({ connections: 1, idle: 1 });
  });
});
