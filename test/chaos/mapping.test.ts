/** Whatever a server answers, pipelined or not, with riders or not: each recipient's outcome is what the server said about that recipient. */
import { afterEach, describe, expect, it } from 'vitest';
import { type Peer, type Script, startPeer } from './peer.js';
import { eventually, makeRoom, type Room } from './room.js';

const peers: Peer[] = [];
let room: Room | undefined;
afterEach(async () => {
  await room?.stop();
  await Promise.all(peers.splice(0).map((peer) => peer.close()));
});

/** Park and Miller; the same run for the same seed. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

interface World {
  readonly script: Script;
  /** The last word about each recipient, and how often its message was taken. */
  readonly verdicts: Map<string, string>;
  readonly taken: Map<string, number>;
  /** Answers to MAIL that refused it; in lock-step no recipient is named behind them. */
  readonly refusals: Set<string>;
}

/** A server that decides by chance, gives every answer a number of its own, and notes whom it was about. */
function makeWorld(random: () => number, keywords: readonly string[], lmtp: boolean): World {
  const verdicts = new Map<string, string>();
  const taken = new Map<string, number>();
  const refusals = new Set<string>();
  let number = 0;
  const answer = (good: string, bad: number): string => {
    const draw = random();
    return `${draw > bad ? good : draw > bad / 2 ? '450' : '550'} 0.0.0 no ${number++}`;
  };
  const script: Script = async (caller) => {
    caller.say('220 x\r\n');
    let open = '';
    let refused = '';
    let accepted: string[] = [];
    const say = (text: string): void => caller.say(`${text}\r\n`);
    for (;;) {
      const line = await caller.line();
      if (line === undefined) return;
      const verb = line.slice(0, 4);
      if (verb === 'EHLO' || verb === 'LHLO')
        caller.say(['250-x', ...keywords.map((word) => `250-${word}`), '250 X-END'].map((l) => `${l}\r\n`).join(''));
      else if (verb === 'MAIL') {
        accepted = [];
        const text = answer('250', 0.1);
        open = text.startsWith('2') ? text : '';
        refused = open === '' ? text : '';
        if (open === '') refusals.add(text);
        say(text);
      } else if (verb === 'RCPT') {
        const name = /<(.*)>/.exec(line)?.[1] ?? '';
        const text = open === '' ? '503 5.5.1 no sender' : answer('250', 0.3);
        if (open === '') verdicts.set(name, refused);
        else if (text.startsWith('2')) accepted.push(name);
        else verdicts.set(name, text);
        say(text);
      } else if (verb === 'DATA') {
        if (accepted.length === 0) {
          say('554 5.5.1 nobody');
          continue;
        }
        const text = answer('354', 0.1);
        say(text);
        if (!text.startsWith('354')) {
          for (const name of accepted) verdicts.set(name, text);
          continue;
        }
        const message = await caller.message();
        if (message === undefined) return;
        const whole = answer('250', 0.15);
        const replies = accepted.map((name) => {
          const reply = lmtp ? answer('250', 0.15) : whole;
          verdicts.set(name, reply);
          if (reply.startsWith('2')) taken.set(name, (taken.get(name) ?? 0) + 1);
          return reply;
        });
        open = '';
        accepted = [];
        // Parts of an answer come when they like.
        const wire = (lmtp ? replies : [whole]).map((reply) => `${reply}\r\n`).join('');
        const cut = Math.floor(random() * wire.length);
        caller.say(wire.slice(0, cut));
        if (random() < 0.3) await new Promise((done) => setTimeout(done, 1));
        caller.say(wire.slice(cut));
        if (random() < 0.05) return caller.hangUp();
      } else if (verb === 'RSET') {
        open = '';
        accepted = [];
        say('250 reset');
      } else say('250 ok');
    }
  };
  return { script, verdicts, taken, refusals };
}

describe('every recipient hears what was said about it', () => {
  const ways = [
    ['SMTP, pipelined', ['PIPELINING'], false],
    ['SMTP, lock-step', [], false],
    ['LMTP, pipelined', ['PIPELINING'], true],
    ['LMTP, lock-step', [], true],
  ] as const;
  for (const [name, keywords, lmtp] of ways) {
    it.each([1, 7, 4711, 98_765])(`${name}, seed %i`, async (seed) => {
      const random = chance(seed);
      const world = makeWorld(random, keywords, lmtp);
      const peer = await startPeer(world.script);
      peers.push(peer);
      room = await makeRoom({
        config: `max_outbound_connections = 3\n${lmtp ? 'delivery_method = LMTP' : ''}`,
        routes: { 'a.test': [{ port: peer.port }] },
      });
      let total = 0;
      for (let i = 0; i < 200; i++) {
        const size = 1 + Math.floor(random() * 5);
        room.send(Array.from({ length: size }, (_, k) => `r${total + k}@a.test`));
        total += size;
      }
      const attempts = await room.until(total, 20_000);
      await eventually(() => room?.supply.taken === 0);
      expect(attempts).toHaveLength(total);
      for (const { mail, outcome, reply, possibleDuplicate } of attempts) {
        const address = String(mail.recipient);
        if (reply.startsWith('451 4.4.2 [internal]')) {
          // The server hung up on a fresh connection: nothing was taken.
          expect(outcome).toBe('deferred');
          if (!possibleDuplicate) expect(world.taken.get(address) ?? 0).toBe(0);
          continue;
        }
        const verdict = world.verdicts.get(address);
        if (verdict === undefined) expect(world.refusals).toContain(reply);
        else expect(`${address} ${reply}`).toBe(`${address} ${verdict}`);
        expect(outcome).toBe(reply.startsWith('2') ? 'delivered' : reply.startsWith('5') ? 'failed' : 'deferred');
        expect(world.taken.get(address) ?? 0).toBe(outcome === 'delivered' ? 1 : 0);
      }
    });
  }
});
