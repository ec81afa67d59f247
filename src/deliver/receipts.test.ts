/** Who answers NOTIFY=SUCCESS: a server that was handed the wish, or we. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Peer, polite, startPeer } from '../../test/chaos/peer.js';
import { eventually, makeRoom, type Room } from '../../test/chaos/room.js';
import { NOTIFY } from '../module/message.js';

let room: Room | undefined;
let peer: Peer | undefined;
afterEach(async () => {
  await room?.stop();
  await peer?.close();
});

async function deliver(config: string, keywords: readonly string[], notify: number, facts: Record<string, string> = {}) {
  peer = await startPeer(polite({ keywords: [...keywords] }));
  const told: string[] = [];
  const opened = await makeRoom({
    config,
    routes: { 'a.test': [{ port: peer.port }] },
    confirm: async (mail, attempt, receipt) => {
      told.push(`${receipt} ${attempt.outcome} ${mail.recipient}`);
      opened.supply.release(mail);
    },
  });
  room = opened;
  opened.send(['bob@a.test'], undefined, { notify, facts });
  await opened.until(1);
  await eventually(() => told.length + opened.gone.length === 1);
  return { told, gone: opened.gone.length };
}

describe('NOTIFY=SUCCESS', () => {
  it.each<[string, string, string[], number, string[]]>([
    ['a server without DSN', '', ['8BITMIME'], NOTIFY.success, ['relayed delivered bob@a.test']],
    ['one that offers nothing', '', [], NOTIFY.success | NOTIFY.failure, ['relayed delivered bob@a.test']],
    ['a server with DSN', '', ['DSN'], NOTIFY.success, []],
    ['a mailbox by LMTP', 'delivery_method = lmtp', [], NOTIFY.success, ['delivered delivered bob@a.test']],
    ['an LMTP server with DSN', 'delivery_method = lmtp', ['DSN'], NOTIFY.success, []],
    ['anybody, when only failures count', '', [], NOTIFY.failure, []],
    ['anybody, when nothing was asked', '', [], 0, []],
    ['anybody, with NEVER', '', [], NOTIFY.never, []],
  ])('to %s', async (_whom, config, keywords, notify, told) => {
    expect(await deliver(config, keywords, notify)).toEqual({ told, gone: told.length === 0 ? 1 : 0 });
  });
});

describe('a time for delivery (RFC 2852 4.1.4)', () => {
  it.each<[string, string, string[], number, string, string[]]>([
    ['a server that knows of no time', '', ['DSN'], 0, '9999999999999N', ['relayed delivered bob@a.test']],
    ['one that does', '', ['DSN', 'DELIVERBY'], 0, '9999999999999N', []],
    ['one that does, with a trace', '', ['DELIVERBY'], 0, '9999999999999NT', ['relayed delivered bob@a.test']],
    ['one that does not, when the time is over', '', ['DSN'], 0, '1N', []],
    ['a mailbox by LMTP', 'delivery_method = lmtp', ['DSN'], 0, '9999999999999N', []],
  ])('and %s', async (_whom, config, keywords, notify, time, told) => {
    expect((await deliver(config, keywords, notify, { deliver_by: time })).told).toEqual(told);
  });
});
