import { describe, expect, it } from 'vitest';
import type { Copy } from '../module/copy.js';
import { Rig } from './fixture.js';

/** Receives and delivers one mail for each of so many domains. */
async function pass(rig: Rig, from: number, count: number): Promise<void> {
  for (let i = from; i < from + count; i++) {
    const [mail] = rig.receive(`d${i}.example`, 1);
    if (mail) for (const taken of rig.take(mail.place.domain)) rig.deliver(taken);
    if (i % 500 === 0) await rig.turn(1);
  }
  await rig.turn(3);
}

describe('places that nobody uses', () => {
  it('vanish, however many there were; those with mail stay', async () => {
    const rig = new Rig();
    const [kept] = rig.receive('kept.example', 1);
    await pass(rig, 0, 20_000);
    expect(rig.places.size).toBeLessThan(4096);
    expect(rig.places.at(kept?.place.index ?? -1)).toBe(kept?.place);
    expect(rig.take('kept.example')).toEqual([kept]);
  });

  it('vanish too when they never had mail', async () => {
    const rig = new Rig();
    for (let i = 0; i < 20_000; i++) rig.places.of('default', 'default', `asked${i}.example`);
    rig.receive('kept.example', 1);
    await rig.turn(10);
    expect(rig.places.size).toBe(1);
  });

  it('stay while a connection serves them', async () => {
    const rig = new Rig();
    const busy = rig.place('busy.example');
    rig.carrier.connections = (place?: unknown) => (place === busy ? 1 : 0);
    await pass(rig, 0, 5000);
    expect(rig.places.at(busy.index)).toBe(busy);
  });

  it('do no harm to who still holds them: mail goes to the place of that name, and nobody gets mail of another', async () => {
    const rig = new Rig();
    const old = rig.place('slow.example');
    const [mail] = makeWithout(rig, old.domain);
    await pass(rig, 0, 5000);
    const other = Array.from({ length: 5000 }, (_, i) => rig.place(`o${i}.example`)).find(({ index }) => index === old.index);
    if (!other || !mail) throw new Error('the number was to be given out again');
    rig.receive(other.domain, 1);
    expect(rig.queue.waiting(old)).toBe(0);
    expect(rig.queue.uses(old)).toBe(false);
    expect(await rig.queue.take(old, 10)).toEqual([]);
    rig.queue.delay(old, rig.clock.now() + 1000, '451 later');
    expect(rig.queue.waiting(other)).toBe(1);
    mail.place = old;
    rig.spool.keep([mail]);
    rig.queue.insert(mail);
    expect(mail.place).toBe(rig.place('slow.example'));
    expect(rig.take('slow.example')).toEqual([mail]);
    expect(rig.take(other.domain)).toHaveLength(1);
  });
});

/** A mail that is in no queue any more. */
function makeWithout(rig: Rig, domain: string): readonly Copy[] {
  const mails = rig.receive(domain, 1);
  for (const mail of rig.take(domain)) rig.deliver(mail);
  return mails;
}

describe('max_resident_messages', () => {
  it('of a scope below global counts the mail of that scope only', () => {
    const values = { max_resident_active_queue: -1 };
    const rig = new Rig(values, {
      snapshot: () => snapshot,
    });
    const few = { ...rig.values, max_resident_messages: 5 };
    const many = { ...rig.values, max_resident_messages: 20 };
    const snapshot = {
      at: ({ binding }: { binding?: string }) => (binding === 'small' ? few : many),
      find: (_: string, { binding }: { binding?: string }) => ({ value: 0, scopeKey: binding === 'small' ? 'binding small' : 'global' }),
    };
    const small = rig.place('a.example', 'small');
    rig.receive('a.example', 10, { place: small });
    expect(rig.queue.memory().residentMails).toBe(5);
    rig.receive('b.example', 10);
    expect(rig.queue.memory().residentMails).toBe(15);
    rig.queue.operations.move({ binding: 'small' }, { binding: 'default' });
    rig.receive('a.example', 3, { place: small });
    expect(rig.queue.memory().residentMails).toBe(18);
  });
});
