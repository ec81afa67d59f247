/** From a draft to placed copies: every hook between the last byte and the spool. */
import { describe, expect, it } from 'vitest';
import type { Context } from '../module/manifest.js';
import type { Draft } from '../module/message.js';
import { discard, disconnect, quarantine, reject, tempfail } from '../module/verdict.js';
import { makeRules } from '../server/rules.js';
import { addressOf, openReception } from './fixture.js';

const open = (modules: Record<string, (ctx: Context) => void>, config = 'relay_hosts = ( 192.0.2.0/24 )') =>
  openReception(makeRules, { modules, config });

/** An alias table as a module has it. */
const aliases = (table: Readonly<Record<string, string>>) => (ctx: Context) =>
  ctx.on('expand', async (address) => {
    const found = table[String(address)];
    return found === undefined ? undefined : found.split(' ').filter(Boolean).map(addressOf);
  });

async function expanding(table: Readonly<Record<string, string>>, ...recipients: string[]): Promise<readonly string[] | string> {
  const { client, queued } = await open({ alias: aliases(table) });
  const answer = await client().send(...recipients);
  return queued.length > 0 ? queued.map((copy) => String(copy.recipient)) : String(answer);
}

describe('expanding', () => {
  it.each([
    ['leaves those alone that nobody knows', {}, ['a@x.test'], ['a@x.test']],
    ['replaces one by several', { 'all@x.test': 'a@x.test b@x.test' }, ['all@x.test'], ['a@x.test', 'b@x.test']],
    [
      'asks again for what came',
      { 'all@x.test': 'dept@x.test c@x.test', 'dept@x.test': 'a@x.test b@x.test' },
      ['all@x.test'],
      ['a@x.test', 'b@x.test', 'c@x.test'],
    ],
    [
      'gives everybody one copy',
      { 'l1@x.test': 'a@x.test b@x.test', 'l2@x.test': 'b@x.test c@x.test' },
      ['l1@x.test', 'l2@x.test'],
      ['a@x.test', 'b@x.test', 'c@x.test'],
    ],
    ['lets an address name itself among others', { 'a@x.test': 'a@x.test b@x.test' }, ['a@x.test'], ['a@x.test', 'b@x.test']],
    ['loses nobody in a circle of two', { 'a@x.test': 'b@x.test', 'b@x.test': 'a@x.test' }, ['a@x.test'], ['a@x.test']],
    [
      'loses nobody in a circle of three',
      { 'a@x.test': 'b@x.test', 'b@x.test': 'c@x.test', 'c@x.test': 'b@x.test' },
      ['a@x.test'],
      ['b@x.test'],
    ],
    [
      'gives one copy where two ways lead back',
      { 'a@x.test': 'b@x.test c@x.test', 'b@x.test': 'a@x.test', 'c@x.test': 'a@x.test' },
      ['a@x.test'],
      ['a@x.test'],
    ],
    ['drops one that leads to nobody', { 'none@x.test': '' }, ['none@x.test', 'a@x.test'], ['a@x.test']],
  ])('%s', async (_what, table, recipients, expected) => {
    expect(await expanding(table, ...recipients)).toEqual(expected);
  });

  it('does not depend on the order of the recipients', async () => {
    const table = { 'list@x.test': 'a@x.test b@x.test' };
    const one = await expanding(table, 'list@x.test', 'a@x.test');
    const two = await expanding(table, 'a@x.test', 'list@x.test');
    expect([...one].sort()).toEqual(['a@x.test', 'b@x.test']);
    expect([...two].sort()).toEqual(['a@x.test', 'b@x.test']);
  });

  it('hands NOTIFY and ORCPT on, and makes an ORCPT of the name that was replaced', async () => {
    const { client, queued } = await open({ alias: aliases({ 'l@x.test': 'a@x.test m@x.test', 'm@x.test': 'b@x.test' }) });
    const c = client();
    await c.mail('s@x.test');
    await c.rcpt('l@x.test', { notify: 4 });
    await c.data();
    await c.mail('s@x.test');
    await c.rcpt('l@x.test', { originalRecipient: 'rfc822;before@y' });
    await c.data();
    expect(queued.map((copy) => [String(copy.recipient), copy.notify, copy.originalRecipient])).toEqual([
      ['a@x.test', 4, 'rfc822;l@x.test'],
      ['b@x.test', 4, 'rfc822;l@x.test'],
      ['a@x.test', 0, 'rfc822;before@y'],
      ['b@x.test', 0, 'rfc822;before@y'],
    ]);
  });

  it('stops after sixteen steps and keeps the address it came to', async () => {
    const table = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`s${n}@x.test`, `s${n + 1}@x.test`]));
    expect(await expanding(table, 's0@x.test')).toEqual(['s16@x.test']);
  });

  it('to nobody at all is a discard: 250, nothing kept, told', async () => {
    const { client, queued, rejections } = await open({ alias: aliases({ 'none@x.test': '' }) });
    expect(await client().send('none@x.test')).toMatch(/^250/);
    expect(queued).toEqual([]);
    expect(rejections).toEqual(['4 550  [internal] discarded by policy (none@x.test)']);
  });

  it('to too many is refused, never cut', async () => {
    const crowd = Array.from({ length: 10_002 }, (_, n) => addressOf(`u${n}@x.test`));
    const { client, queued } = await open({
      alias: (ctx) => ctx.on('expand', ({ local }) => (local === 'all' ? crowd : local === 'most' ? crowd.slice(0, 10_000) : undefined)),
    });
    expect(await client().send('all@x.test')).toBe('550 5.5.3 [internal] recipients expand to too many');
    expect(queued).toEqual([]);
    expect(await client().send('most@x.test')).toMatch(/^250/);
    expect(queued).toHaveLength(10_000);
  });

  it('that never ends is refused too', async () => {
    let asked = 0;
    const { client } = await open({
      alias: (ctx) =>
        ctx.on('expand', () => {
          asked++;
          return [addressOf(`x${asked}a@x.test`), addressOf(`x${asked}b@x.test`)];
        }),
    });
    expect(await client().send('a@x.test')).toMatch(/^550 5\.5\.3/);
    expect(asked).toBeLessThan(20_100);
  });
});

describe('copies', () => {
  it('go through the hooks in order, each copy for itself', async () => {
    const seen: string[] = [];
    const note = (ctx: Context): void => {
      ctx.on('spool_message', (draft) => void seen.push(`spool_message ${draft.recipients.length}`));
      ctx.on('spool', (draft) => void seen.push(`spool ${draft.recipient}`));
      ctx.on('assign', (draft) => {
        seen.push(`assign ${draft.recipient}`);
        return draft.recipient.local === 'b' ? { binding: 'own' } : undefined;
      });
      ctx.on('final', (draft, place) => void seen.push(`final ${draft.recipient} ${place.binding}`));
      ctx.on('sign', async (draft, place) => void seen.push(`sign ${draft.recipient} ${place.binding}`));
    };
    const { client } = await open({ note }, 'relay_hosts = ( 192.0.2.0/24 )\nbinding "own" { }');
    await client().send('a@x.test', 'b@x.test');
    expect(seen).toEqual([
      'spool_message 2',
      ...['spool a@x.test', 'assign a@x.test', 'final a@x.test default', 'sign a@x.test default'],
      ...['spool b@x.test', 'assign b@x.test', 'final b@x.test own', 'sign b@x.test own'],
    ]);
  });

  it('take over what the draft was given before they were made', async () => {
    const give = (ctx: Context): void => {
      ctx.on('data', (_session, draft) => {
        draft.priority = 1;
        draft.binding = 'own';
        draft.bindingGroup = 'nobody';
        draft.routingDomain = 'via.test';
        draft.facts.set('k', 'v');
        return quarantine('held');
      });
      ctx.on('spool', (draft) => draft.facts.set('k', `${draft.facts.get('k')} ${draft.recipient.local}`));
    };
    const { client, queued } = await open({ give }, 'relay_hosts = ( 192.0.2.0/24 )\nbinding "own" { }');
    await client().send('a@x.test', 'b@x.test');
    expect(
      queued.map(({ priority, place, quarantined, facts }) => [priority, place.binding, place.domain, quarantined, facts.get('k')]),
    ).toEqual([
      [1, 'own', 'via.test', 'held', 'v a'],
      [1, 'own', 'via.test', 'held', 'v b'],
    ]);
  });

  it('share headers where no hook changes them, and share them again where all changed alike', async () => {
    const without = await open({});
    await without.client().send('a@x.test', 'b@x.test');
    expect(without.queued[0]?.headers).toBe(without.queued[1]?.headers);

    const alike = await open({ m: (ctx) => ctx.on('sign', (draft) => draft.headers.prepend('X-Signed', 'yes')) });
    await alike.client().send('a@x.test', 'b@x.test');
    expect(alike.queued[0]?.headers).toBe(alike.queued[1]?.headers);
    expect(alike.queued[0]?.headers.all('x-signed')).toHaveLength(1);

    const apart = await open({ m: (ctx) => ctx.on('spool', (draft) => draft.headers.prepend('X-To', draft.recipient.local)) });
    await apart.client().send('a@x.test', 'b@x.test', 'a@x.test');
    expect(apart.queued.map(({ headers }) => headers.get('x-to'))).toEqual(['a', 'b', 'a']);
    expect(apart.queued[0]?.headers).toBe(apart.queued[2]?.headers);
    expect(apart.queued[0]?.headers).not.toBe(apart.queued[1]?.headers);
  });
});

describe('a verdict on one of several', () => {
  const at = (
    hook: 'spool' | 'final' | 'sign',
    run: (local: string) => ReturnType<typeof reject> | ReturnType<typeof discard> | undefined,
  ) => ({
    m: (ctx: Context) => ctx.on(hook, (draft: Draft) => run(draft.recipient.local)),
  });

  it.each(['spool', 'final', 'sign'] as const)('refuses that one at %s', async (hook) => {
    const { client, queued, refusedCopies } = await open(at(hook, (local) => (local === 'no' ? reject('550 5.7.1 no') : undefined)));
    expect(await client().send('no@x.test', 'yes@x.test')).toMatch(/^250/);
    expect(queued.map((copy) => copy.recipient.local)).toEqual(['yes']);
    expect(refusedCopies).toEqual(['no@x.test 550 no']);
  });

  it('drops that one without a notice', async () => {
    const { client, queued, refusedCopies } = await open(at('spool', (local) => (local === 'no' ? discard('no') : undefined)));
    expect(await client().send('no@x.test', 'yes@x.test')).toMatch(/^250/);
    expect(queued.map((copy) => copy.recipient.local)).toEqual(['yes']);
    expect(refusedCopies).toEqual([]);
  });

  it('drops all of them', async () => {
    const { client, queued, rejections } = await open(at('final', () => discard('no')));
    expect(await client().send('a@x.test', 'b@x.test')).toMatch(/^250/);
    expect(queued).toEqual([]);
    expect(rejections).toEqual(['4 550 m [internal] discarded by policy (a@x.test b@x.test)']);
  });

  it('refuses all when none is left, dropped ones or not', async () => {
    const { client, queued } = await open(at('spool', (local) => (local === 'drop' ? discard('d') : tempfail('451 4.7.1 wait'))));
    expect(await client().send('drop@x.test', 'later@x.test')).toBe('451 4.7.1 wait');
    expect(queued).toEqual([]);
  });

  it('that ends the connection ends the whole message', async () => {
    const { client, queued, refusedCopies } = await open({
      m: (ctx) => ctx.on('spool', (draft) => (draft.recipient.local === 'bad' ? disconnect('421 4.7.0 bye') : undefined)),
    });
    const c = client();
    expect(await c.send('good@x.test', 'bad@x.test')).toBe('421 4.7.0 bye');
    expect([queued, refusedCopies]).toEqual([[], []]);
    expect(c.farewells).toHaveLength(1);
  });

  it('with default_binding = none is a refusal for now', async () => {
    const { client } = await open({}, 'relay_hosts = ( 192.0.2.0/24 )\ndefault_binding = "none"');
    expect(await client().send('a@x.test')).toBe('451 4.3.5 no binding for this message');
  });

  it('before the copies are made counts for all', async () => {
    const later = await open({ m: (ctx) => ctx.on('spool_message', async () => discard('all')) });
    expect(await later.client().send('a@x.test', 'b@x.test')).toMatch(/^250/);
    expect(later.queued).toEqual([]);
    const now = await open({ m: (ctx) => ctx.on('spool_message', () => reject('554 5.7.1 all')) });
    expect(await now.client().send('a@x.test', 'b@x.test')).toBe('554 5.7.1 all');
  });
});
