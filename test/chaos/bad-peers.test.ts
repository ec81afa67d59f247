/** Bad remote behaviour (bad-inputs 34-38): what each bad peer's mail comes to, and that nothing of it stays behind. */
import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../src/kernel/virtual-clock.js';
import { STAGE } from '../../src/module/attempt.js';
import { DEEDS, type Manners, type Peer, polite, type Script, startPeer } from './peer.js';
import { eventually, makeRoom, type Room } from './room.js';

const { HANG, FIN, RST } = DEEDS;
const open: { room?: Room; peers: Peer[] } = { peers: [] };
afterEach(async () => {
  await open.room?.stop();
  delete open.room;
  await Promise.all(open.peers.splice(0).map((peer) => peer.close()));
});

async function peerOf(script: Script): Promise<Peer> {
  const peer = await startPeer(script);
  open.peers.push(peer);
  return peer;
}

/** Sends one mail to a peer of this kind and gives the attempt; afterwards no socket may be left on either side. */
async function attempt(script: Script, config = '', recipients: readonly string[] = ['bob@bad.test']) {
  const peer = await peerOf(script);
  const room = await makeRoom({ config, routes: { 'bad.test': [{ port: peer.port, name: 'mx.bad.test' }] } });
  open.room = room;
  room.send(recipients);
  const attempts = await room.until(recipients.length);
  await eventually(() => room.delivery.totals().connections === room.delivery.totals().idle);
  expect(room.supply.taken).toBe(0);
  expect(room.watch.size).toBe(room.delivery.totals().connections);
  return { first: attempts[0], attempts, peer, room };
}

const answering = (verb: string, text: string): Manners => ({ answer: (asked) => (asked === verb ? text : undefined) });

describe('34: silence ends at the deadline of its phase', () => {
  const cases: readonly [verb: string, option: string, reply: string, stage: number, duplicate: boolean][] = [
    ['BANNER', 'ehlo_timeout', '451 4.4.2 [internal] no banner', STAGE.readingBanner, false],
    ['EHLO', 'ehlo_timeout', '451 4.4.2 [internal] no HELO/EHLO response', STAGE.duringEhlo, false],
    ['MAIL', 'mailfrom_timeout', '451 4.4.2 [internal] no MAIL FROM response', STAGE.duringMailFrom, false],
    ['RCPT', 'rcptto_timeout', '451 4.4.2 [internal] no RCPT TO response', STAGE.duringRcptTo, false],
    ['DATA', 'body_timeout', '451 4.4.2 [internal] no DATA response', STAGE.duringData, false],
    ['MESSAGE', 'body_timeout', '451 4.4.2 [internal] no BODY response', STAGE.readingConfirmation, true],
  ];
  for (const keywords of [['PIPELINING'], []] as const) {
    it.each(cases)(
      `after %s (${keywords.length > 0 ? 'pipelined' : 'lock-step'}), by %s`,
      async (verb, option, reply, stage, duplicate) => {
        const clock = new VirtualClock();
        const peer = await peerOf(polite({ ...answering(verb, HANG), keywords }));
        const room = await makeRoom({
          clock,
          config: `${option} = 77`,
          routes: { 'bad.test': [{ port: peer.port }] },
        });
        open.room = room;
        room.send(['bob@bad.test']);
        await eventually(() => peer.open === 1);
        // Real sockets under a clock that stands: give the dialogue time to reach its silence.
        await new Promise((done) => setTimeout(done, 60));
        await clock.advance(76_000);
        expect(room.attempts).toEqual([]);
        await clock.advance(3000);
        await eventually(() => room.attempts.length === 1);
        expect(room.attempts[0]).toMatchObject({ outcome: 'deferred', reply, stage, possibleDuplicate: duplicate });
        await eventually(() => peer.open === 0 && room.watch.size === 0);
      },
    );
  }

  it('while the connection is made', async () => {
    const clock = new VirtualClock();
    // A listener whose backlog is full lets nobody in: the kernel drops the handshake.
    const room = await makeRoom({ clock, config: 'connect_timeout = 9', routes: { 'bad.test': [{ ip: '192.0.2.1', port: 25 }] } });
    open.room = room;
    room.send(['bob@bad.test']);
    await eventually(() => room.watch.size === 1 || room.attempts.length === 1);
    await clock.advance(10_000);
    await eventually(() => room.attempts.length === 1);
    expect(room.attempts[0]?.outcome).toBe('deferred');
    // Without a route to the documentation network the system answers at once.
    expect(room.attempts[0]?.reply).toMatch(
      /^45[01] 4\.4\.1 \[internal\] (Connection Timed Out|No valid hosts \(unable to make any connections\))$/,
    );
    expect(room.attempts[0]?.connectionId).toBe('');
  });
});

describe('35: replies that are none', () => {
  const nonsense: readonly [name: string, text: string][] = [
    ['a line of 1 MB', `250 ${'x'.repeat(1 << 20)}\r\n`],
    ['1 MB without any line end', 'x'.repeat(1 << 20)],
    ['10,000 continuation lines', '250-go on\r\n'.repeat(10_000)],
    ['99 lines of 1 KB', `250-${'x'.repeat(1000)}\r\n`.repeat(99)],
    ['mixed codes', '250-good\r\n550 bad\r\n'],
    ['no blank behind the code', '250ok\r\n'],
    ['NUL', '250 o\0k\r\n'],
    ['no code', 'hello\r\n'],
    ['a code of HTTP', 'HTTP/1.1 200 OK\r\n'],
    ['1xx', '150 wait\r\n'],
    ['9xx', '950 what\r\n'],
    ['an empty line', '\r\n'],
  ];
  it.each(nonsense)('%s, in place of every answer in turn', async (_, text) => {
    for (const verb of ['BANNER', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'MESSAGE']) {
      const { first, room, peer } = await attempt(polite(answering(verb, text)));
      expect(first?.outcome, verb).toBe('deferred');
      expect(first?.reply, verb).toMatch(/^451 4\.5\.0 \[internal\] protocol_error: /);
      expect(first?.possibleDuplicate, verb).toBe(verb === 'MESSAGE');
      await eventually(() => peer.open === 0);
      expect(room.delivery.totals().connections).toBe(0);
      await room.stop();
    }
  });

  it('answers given before their commands', async () => {
    const { first } = await attempt(async (caller) => {
      caller.say('220 hello\r\n250 x\r\n250 x\r\n250 x\r\n354 x\r\n250 delivered, honest\r\n');
      await caller.silence();
    });
    expect(first).toMatchObject({ outcome: 'deferred', possibleDuplicate: false });
    expect(first?.reply).toContain('protocol_error');
  });

  it('a message confirmed before it was sent', async () => {
    const messages: string[] = [];
    const { first } = await attempt(
      polite({
        answer: (verb) => (verb === 'DATA' ? '354 go\r\n250 got it\r\n' : undefined),
        received: (message) => messages.push(message),
      }),
    );
    expect(first).toMatchObject({ outcome: 'deferred', stage: STAGE.duringData });
    expect(messages).toEqual([]);
  });

  it('a reply in drops is still a reply', async () => {
    const { first } = await attempt(
      polite({
        async answer(verb, _, caller) {
          if (verb !== 'MESSAGE') return undefined;
          for (const c of '250-2.0.0 first\r\n250 2.0.0 sec') {
            caller.say(c);
            await new Promise((done) => setImmediate(done));
          }
          return 'ond\r\n';
        },
      }),
    );
    expect(first).toMatchObject({ outcome: 'delivered', reply: '250 2.0.0 first 2.0.0 second' });
  });
});

describe('36: refusals at any phase', () => {
  it.each([
    ['BANNER', STAGE.readingBanner],
    ['EHLO', STAGE.afterEhlo],
    ['MAIL', STAGE.afterMailFrom],
    ['RCPT', STAGE.afterRcptTo],
    ['DATA', STAGE.afterData],
    ['MESSAGE', STAGE.readingConfirmation],
  ] as const)('421 to %s defers and ends the session', async (verb, stage) => {
    const { first, peer } = await attempt(polite(answering(verb, '421 4.7.0 come back later\r\n')));
    expect(first).toMatchObject({ outcome: 'deferred', reply: '421 4.7.0 come back later', stage, possibleDuplicate: false });
    await eventually(() => peer.open === 0);
  });

  it('a 554 banner fails the mail with its words', async () => {
    const { first } = await attempt(polite({ banner: '554 5.7.1 not you\r\n' }));
    expect(first).toMatchObject({ outcome: 'failed', reply: '554 5.7.1 not you', stage: STAGE.readingBanner });
  });

  it('goes to the next host when the first has a 5xx banner', async () => {
    const bad = await peerOf(polite({ banner: '554 5.7.1 not you\r\n' }));
    const good = await peerOf(polite());
    const room = await makeRoom({
      routes: {
        'bad.test': [
          { port: bad.port, preference: 1 },
          { port: good.port, preference: 2 },
        ],
      },
    });
    open.room = room;
    room.send(['bob@bad.test']);
    expect((await room.until(1))[0]).toMatchObject({ outcome: 'delivered', hop: { port: good.port } });
  });

  it('HELO is tried once after a 5xx to EHLO', async () => {
    const said: string[] = [];
    const answer = (verb: string): string | undefined => {
      said.push(verb);
      return verb === 'EHLO' ? '502 5.5.1 what\r\n' : undefined;
    };
    const { first } = await attempt(polite({ answer }));
    expect(first?.outcome).toBe('delivered');
    expect(said.slice(0, 4)).toEqual(['BANNER', 'EHLO', 'HELO', 'MAIL']);
  });

  it('a 5xx to both EHLO and HELO fails the mail', async () => {
    const said: string[] = [];
    const answer = (verb: string): string | undefined => {
      said.push(verb);
      return verb === 'EHLO' || verb === 'HELO' ? '550 5.7.1 go away\r\n' : undefined;
    };
    const { first } = await attempt(polite({ answer }));
    expect(first).toMatchObject({ outcome: 'failed', reply: '550 5.7.1 go away', stage: STAGE.afterEhlo });
    expect(said.filter((verb) => verb === 'EHLO' || verb === 'HELO')).toEqual(['EHLO', 'HELO']);
  });

  it('a 421 on a kept connection costs the next mail nothing', async () => {
    const peer = await peerOf(
      polite({
        keywords: [],
        answer: (() => {
          const mails = new Map<number, number>();
          return (verb: string, _: string, { number }: { number: number }) => {
            if (verb !== 'MAIL') return undefined;
            mails.set(number, (mails.get(number) ?? 0) + 1);
            return (mails.get(number) ?? 0) > 2 ? '421 4.7.0 enough of this session\r\n' : undefined;
          };
        })(),
      }),
    );
    const room = await makeRoom({ config: 'max_outbound_connections = 1', routes: { 'a.test': [{ port: peer.port }] } });
    open.room = room;
    for (let i = 0; i < 6; i++) room.send([`u${i}@a.test`]);
    const attempts = await room.until(6);
    expect(attempts.map(({ outcome }) => outcome)).toEqual(Array(6).fill('delivered'));
    expect(peer.accepted).toBe(3);
  });
});

describe('37: the message goes astray', () => {
  it('250 to DATA', async () => {
    const { first } = await attempt(polite(answering('DATA', '250 fine\r\n')));
    expect(first).toMatchObject({ outcome: 'deferred', stage: STAGE.duringData, bytes: 0, possibleDuplicate: false });
    expect(first?.reply).toContain('protocol_error');
  });

  it('354, then the connection is closed', async () => {
    const { first } = await attempt(
      polite({
        answer(verb, _, caller) {
          if (verb !== 'DATA') return undefined;
          caller.say('354 go\r\n');
          return FIN;
        },
      }),
    );
    expect(first).toMatchObject({ outcome: 'deferred', reply: '451 4.4.2 [internal] connection closed by remote host' });
  });

  it('RST in the middle of a large message', async () => {
    const peer = await peerOf(async (caller) => {
      caller.say('220 x\r\n');
      for (;;) {
        const line = await caller.line();
        if (line === undefined) return;
        if (line === 'DATA') {
          caller.say('354 go\r\n');
          await caller.line();
          caller.reset();
          return;
        }
        caller.say('250 ok\r\n');
      }
    });
    const room = await makeRoom({ routes: { 'bad.test': [{ port: peer.port }] } });
    open.room = room;
    room.send(['bob@bad.test'], undefined, 'x'.repeat(70).concat('\r\n').repeat(200_000));
    const [first] = await room.until(1);
    expect(first).toMatchObject({ outcome: 'deferred', stage: STAGE.sendingBody, possibleDuplicate: false });
    expect(first?.bytes).toBeLessThan(200_000 * 72);
    await eventually(() => room.delivery.totals().connections === 0);
  });

  it('552 in the middle of a large message ends it at once', async () => {
    const peer = await peerOf(async (caller) => {
      caller.say('220 x\r\n');
      for (;;) {
        const line = await caller.line();
        if (line === undefined) return;
        if (line === 'DATA') {
          caller.say('354 go\r\n');
          await caller.line();
          caller.say('552 5.3.4 too large\r\n');
          return caller.silence();
        }
        caller.say('250 ok\r\n');
      }
    });
    const room = await makeRoom({ routes: { 'bad.test': [{ port: peer.port }] } });
    open.room = room;
    // The peer stops reading after the first lines of the body, so the message cannot have gone out whole.
    room.send(['bob@bad.test'], undefined, 'x'.repeat(70).concat('\r\n').repeat(400_000));
    const [first] = await room.until(1);
    expect(first).toMatchObject({ outcome: 'failed', reply: '552 5.3.4 too large' });
  });

  it.each([
    ['FIN', FIN],
    ['RST', RST],
  ])('%s after the final dot: perhaps it arrived', async (_, deed) => {
    const { first } = await attempt(polite(answering('MESSAGE', deed)));
    expect(first).toMatchObject({
      outcome: 'deferred',
      reply: '451 4.4.2 [internal] connection closed by remote host',
      stage: STAGE.readingConfirmation,
      possibleDuplicate: true,
    });
  });

  it('354 to the final dot', async () => {
    const { first } = await attempt(polite(answering('MESSAGE', '354 more\r\n')));
    expect(first).toMatchObject({ outcome: 'deferred', possibleDuplicate: true });
  });
});

describe('38: each recipient gets its own answer', () => {
  const names = ['a', 'b', 'c', 'd', 'e'].map((local) => `${local}@bad.test`);
  const said: Readonly<Record<string, string>> = { b: '550 5.1.1 no b\r\n', c: '452 4.2.2 c is full\r\n', e: '251 forwarded\r\n' };
  const byName = (verb: string, line: string): string | undefined => (verb === 'RCPT' ? said[/<(.)@/.exec(line)?.[1] ?? ''] : undefined);

  it.each([[['PIPELINING']], [[]]])('RCPT failures, keywords %j', async (keywords) => {
    const received: (readonly string[])[] = [];
    const { attempts } = await attempt(
      polite({ keywords, answer: byName, received: (_, recipients) => received.push(recipients) }),
      '',
      names,
    );
    const outcomes = new Map(attempts.map(({ mail, outcome, reply }) => [mail.recipient.local, `${outcome} ${reply}`]));
    expect(Object.fromEntries(outcomes)).toEqual({
      a: 'delivered 250 2.0.0 ok',
      b: 'failed 550 5.1.1 no b',
      c: 'deferred 452 4.2.2 c is full',
      d: 'delivered 250 2.0.0 ok',
      e: 'delivered 250 2.0.0 ok',
    });
    expect(received).toEqual([['a@bad.test', 'd@bad.test', 'e@bad.test']]);
  });

  it('nobody accepted, yet 354: an empty message, and the connection lives on', async () => {
    const received: string[] = [];
    let refuse = true;
    const answer = (verb: string): string | undefined =>
      verb === 'RCPT' && refuse
        ? '550 5.1.1 nobody\r\n'
        : verb === 'DATA'
          ? '354 go\r\n'
          : verb === 'MESSAGE' && refuse
            ? '554 empty\r\n'
            : undefined;
    const { attempts, peer, room } = await attempt(
      polite({ answer, received: (message) => received.push(message) }),
      'max_outbound_connections = 1',
      names,
    );
    expect(attempts.map(({ reply }) => reply)).toEqual(Array(5).fill('550 5.1.1 nobody'));
    expect(received).toEqual(['']);
    refuse = false;
    room.send(['z@bad.test']);
    expect((await room.until(6)).at(-1)?.outcome).toBe('delivered');
    expect(peer.accepted).toBe(1);
  });

  it.each([[['PIPELINING']], [[]]])('a refused transaction is reset before the next one, keywords %j', async (keywords) => {
    const verbs: string[] = [];
    const answer = (verb: string, line: string): string | undefined => {
      verbs.push(verb);
      return line.includes('<x@') ? '550 5.1.1 no x\r\n' : undefined;
    };
    const { room } = await attempt(polite({ keywords, answer }), '', ['x@bad.test']);
    room.send(['y@bad.test']);
    expect((await room.until(2)).at(-1)?.outcome).toBe('delivered');
    expect(verbs.join(' ')).toMatch(/RCPT (DATA )?RSET MAIL RCPT DATA MESSAGE$/);
  });

  it('LMTP: an answer for each accepted recipient', async () => {
    const script: Script = async (caller) => {
      caller.say('220 lmtp\r\n');
      let accepted: string[] = [];
      for (;;) {
        const line = await caller.line();
        if (line === undefined) return;
        const local = /<(.)@/.exec(line)?.[1] ?? '';
        if (line.startsWith('LHLO')) caller.say('250-lmtp\r\n250 PIPELINING\r\n');
        else if (line.startsWith('RCPT')) {
          if (local !== 'b') accepted.push(local);
          caller.say(said[local]?.startsWith('550') ? '550 5.1.1 no b\r\n' : '250 ok\r\n');
        } else if (line === 'DATA') {
          caller.say('354 go\r\n');
          await caller.message();
          for (const each of accepted)
            caller.say(each === 'c' ? '452 4.2.2 c is full\r\n' : each === 'd' ? '554 5.6.0 d hates it\r\n' : `250 2.0.0 ${each}\r\n`);
          accepted = [];
        } else caller.say('250 ok\r\n');
      }
    };
    const peer = await peerOf(script);
    const room = await makeRoom({ config: 'delivery_method = LMTP', routes: { 'bad.test': [{ port: peer.port }] } });
    open.room = room;
    room.send(names);
    const attempts = await room.until(5);
    expect(Object.fromEntries(attempts.map(({ mail, reply }) => [mail.recipient.local, reply]))).toEqual({
      a: '250 2.0.0 a',
      b: '550 5.1.1 no b',
      c: '452 4.2.2 c is full',
      d: '554 5.6.0 d hates it',
      e: '250 2.0.0 e',
    });
  });

  it('LMTP: what was confirmed stays so when the connection breaks before the rest', async () => {
    const peer = await peerOf(async (caller) => {
      caller.say('220 lmtp\r\n');
      for (;;) {
        const line = await caller.line();
        if (line === undefined) return;
        if (line === 'DATA') {
          caller.say('354 go\r\n');
          await caller.message();
          caller.say('250 a\r\n250 b\r\n');
          return caller.hangUp();
        }
        caller.say('250 ok\r\n');
      }
    });
    const room = await makeRoom({ config: 'delivery_method = LMTP', routes: { 'bad.test': [{ port: peer.port }] } });
    open.room = room;
    room.send(names.slice(0, 3));
    const attempts = await room.until(3);
    expect(attempts.map(({ mail, outcome, possibleDuplicate }) => `${mail.recipient.local} ${outcome} ${possibleDuplicate}`)).toEqual([
      'a delivered false',
      'b delivered false',
      'c deferred true',
    ]);
  });
});
