import { describe, expect, it } from 'vitest';
import { Address } from '../mail/address.js';
import { Facts } from '../mail/facts.js';
import { Headers } from '../mail/headers.js';
import type { Attempt } from './attempt.js';
import { pack, unpack } from './carry.js';
import { bodyOf, Copy } from './copy.js';
import { makeSession, planOf, rehearse } from './fixture.js';
import type { Context } from './manifest.js';
import type { Session } from './session.js';

const send = (value: unknown): unknown => structuredClone(pack(value));
const OPTIONS = { some: 'options' } as unknown as Session['options'];
const open = (value: unknown): unknown => unpack(value, () => OPTIONS);

function makeMail(): Copy {
  const facts = new Facts();
  facts.set('campaign', 'x');
  const reception = {
    batchId: 'b',
    connectionId: 'c',
    protocol: 'esmtp' as const,
    source: { ip: '192.0.2.1', port: 4 },
    receivedAt: 5,
    sender: new Address('ann', 'sender.test'),
    facts: new Facts(),
    smtpUtf8: false,
  };
  const mail = new Copy(
    'id',
    reception,
    [new Address('bob', 'one.test')],
    new Headers(Buffer.from('Subject: hi\r\n\r\n')),
    bodyOf([Buffer.from('text\r\n')]),
    facts,
  );
  mail.place = { group: 'g', binding: 'b', domain: 'one.test', index: 7 };
  mail.attempts = 3;
  return mail;
}

describe('what is told in another process', () => {
  it('is the same mail without the octets of its body', () => {
    const mail = makeMail();
    const attempt = { outcome: 'delivered', reply: '250 ok', mail, place: mail.place, hop: undefined, at: 9 };
    const { mail: got, reply } = open(send(attempt)) as Attempt;
    expect(reply).toBe('250 ok');
    expect(got).toBeInstanceOf(Copy);
    expect(String(got.sender)).toBe('ann@sender.test');
    expect(String(got.recipient)).toBe('bob@one.test');
    expect(got.headers.bytes().toString()).toBe('Subject: hi\r\n\r\n');
    expect(got.size).toBe(mail.size);
    expect(got.facts.get('campaign')).toBe('x');
    expect(got.place).toEqual({ group: 'g', binding: 'b', domain: 'one.test', index: -1 });
    expect(got.attempts).toBe(3);
    expect(got.content.resident).toBeUndefined();
  });

  it('is a session with the options of the process it is told in', () => {
    const session = makeSession();
    session.facts.set('key', 'value');
    const got = open(send({ session, reply: { code: 550 } })) as { session: Session; reply: { code: number } };
    expect(got.session).toMatchObject({ id: session.id, peer: session.peer, listener: session.listener });
    expect(got.session.facts.get('key')).toBe('value');
    expect(got.session.options).toBe(OPTIONS);
    expect(got.session.signal.aborted).toBe(true);
    expect(got.reply.code).toBe(550);
  });
});

describe('a tell handler that asks to run once', () => {
  it('runs where it leads, and passes the facts on where it does not', async () => {
    const passed: { key: string; args: readonly unknown[] }[] = [];
    let leads = true;
    const joint = {
      leads: () => leads,
      pass: (key: string, args: readonly unknown[]) => void passed.push({ key, args: send(args) as readonly unknown[] }),
      add: () => {},
      read: async () => 0,
    };
    const { registry, faults } = rehearse({ joint, inbound: () => OPTIONS });
    const told: string[] = [];
    const register = (ctx: Context): void => {
      ctx.on('received', (mail) => void told.push(`here ${mail.id}`));
      ctx.on('received', (mail) => void told.push(`once ${mail.id}`), { where: 'once' });
      ctx.on(
        'logged',
        () => {
          throw new Error('broken');
        },
        { where: 'once' },
      );
    };
    registry.commit(await registry.prepare([planOf({ name: 'm', register }, { instance: 'i' })]));
    const { received, logged } = registry.current.hooks.chains;
    received.run(makeMail(), null);
    expect(told).toEqual(['here id', 'once id']);
    leads = false;
    received.run(makeMail(), null);
    logged.run({ at: 1, level: 'error', module: 'm', text: 't' });
    expect(told).toEqual(['here id', 'once id', 'here id']);
    for (const { key, args } of passed) registry.hear(key, args);
    expect(told).toEqual(['here id', 'once id', 'here id', 'once id']);
    expect(faults).toEqual(['m: broken']);
    registry.hear('nobody/received/0', []);
    registry.stop();
  });
});
