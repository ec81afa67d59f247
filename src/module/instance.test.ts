/** What the core lends a module: each function of its context, through the registry. */
import { describe, expect, it } from 'vitest';
import { Address } from '../mail/address.js';
import { Facts } from '../mail/facts.js';
import { Headers } from '../mail/headers.js';
import { bodyOf, Copy } from './copy.js';
import { makeSession, planOf, rehearse } from './fixture.js';
import type { Lends } from './lends.js';
import type { Context, Manifest } from './manifest.js';
import { PlaceTable } from './place.js';
import type { Plan } from './plan.js';
import type { Service } from './service.js';
import { reject } from './verdict.js';

const reception = {
  batchId: 'b',
  connectionId: 'c',
  protocol: 'esmtp',
  receivedAt: 0,
  sender: null,
  facts: new Facts(),
  smtpUtf8: false,
} as const;
const mail = new Copy('id', reception, [new Address('a', 'b.test')], new Headers(Buffer.from('a: b\r\n\r\n')), bodyOf([]), new Facts());
mail.place = new PlaceTable().of('g', 'b', 'd.test');

/** A running instance's context. */
async function lend(more: Partial<Lends> = {}, plan: Partial<Plan> = {}, manifest: Partial<Manifest> = {}) {
  const rehearsal = rehearse(more);
  const { registry } = rehearsal;
  let lent: Context | undefined;
  const register = (ctx: Context): void => {
    lent = ctx;
  };
  registry.commit(await registry.prepare([planOf({ name: 'm', register, ...manifest }, { instance: 'main', ...plan })]));
  if (!lent) throw new Error('nothing was registered');
  return { ...rehearsal, ctx: lent };
}

describe('options', () => {
  it('come by name: options, blocks and stanzas', async () => {
    const blocks = new Map([['dk_domain', new Map([['a.test', { selector: 's' }]])]]);
    const stanzas = new Map([['source', new Map([['db', { uri: 'x' }]])]]);
    const { ctx } = await lend({}, { options: { one: 1 }, blocks, stanzas });
    expect(ctx.name).toBe('main');
    expect(ctx.options).toEqual({ one: 1 });
    const asked = ctx as unknown as { blocks(kind: string): Map<string, unknown>; stanzas(kind: string): Map<string, unknown> };
    expect([...asked.blocks('dk_domain')]).toEqual([['a.test', { selector: 's' }]]);
    expect([...asked.stanzas('source')]).toEqual([['db', { uri: 'x' }]]);
    expect([...asked.blocks('none'), ...asked.stanzas('none')]).toEqual([]);
  });

  it('of a scope are looked up for a place, a mail or a session', async () => {
    const asked: unknown[] = [];
    const { ctx } = await lend({
      scoped: (module, where) => {
        asked.push([module, where]);
        return { dkim: true };
      },
      outbound: (where) => ({ where }) as never,
      inbound: (session) => ({ id: session.id }) as never,
    });
    const session = makeSession();
    expect(ctx.at({ binding: 'x' })).toEqual({ dkim: true });
    ctx.at(mail);
    ctx.at(session);
    expect(asked).toEqual([
      ['m', { binding: 'x' }],
      ['m', mail.place],
      ['m', session],
    ]);
    expect(ctx.core({ domain: 'd' })).toEqual({ where: { domain: 'd' } });
    expect(ctx.core(mail)).toEqual({ where: mail.place });
    expect(ctx.inbound(session)).toEqual({ id: session.id });
  });
});

describe('time', () => {
  it('is the clock of the core', async () => {
    const { ctx, clock } = await lend();
    expect(ctx.now()).toBe(clock.now());
    let slept = false;
    const sleeping = ctx.sleep(5000, ctx.signal).then(() => {
      slept = true;
    });
    await clock.advance(4999);
    expect(slept).toBe(false);
    await clock.advance(1);
    await sleeping;
  });

  it('runs periodic tasks from the commit to the stop, never two at once', async () => {
    const { registry, clock } = rehearse();
    let runs = 0;
    let finish = (): void => {};
    const register = (ctx: Context) =>
      ctx.every(
        () => 10,
        () => {
          runs++;
          return runs === 2 ? new Promise<void>((done) => void (finish = done)) : undefined;
        },
      );
    const next = await registry.prepare([planOf({ name: 'm', register })]);
    await clock.advance(100_000);
    expect(runs).toBe(0);
    registry.commit(next);
    await clock.advance(10_000);
    expect(runs).toBe(1);
    await clock.advance(60_000);
    expect(runs).toBe(2);
    finish();
    await clock.advance(0);
    await clock.advance(10_000);
    expect(runs).toBe(3);
    registry.stop();
    await clock.advance(100_000);
    expect(runs).toBe(3);
  });

  it('runs what asks for it in the one process that leads, and counts over all', async () => {
    let leads = false;
    const sums = new Map<string, number>();
    const joint = {
      leads: () => leads,
      pass: () => {},
      add: (tally: string, n: number) => void sums.set(tally, (sums.get(tally) ?? 0) + n),
      read: async (tally: string) => sums.get(tally) ?? 0,
    };
    const { registry, clock } = rehearse({ joint });
    const ran: string[] = [];
    let read = 0;
    const register = (ctx: Context) => {
      const tally = ctx.tally('seen');
      ctx.every(
        () => 60,
        () => void ran.push('once'),
        'once',
      );
      ctx.every(
        () => 60,
        async () => {
          ran.push('here');
          tally.add(2);
          read = await tally.read();
        },
      );
    };
    registry.commit(await registry.prepare([planOf({ name: 'm', register })]));
    await clock.advance(60_000);
    expect(ran).toEqual(['here']);
    leads = true;
    await clock.advance(60_000);
    expect([...ran].sort()).toEqual(['here', 'here', 'once']);
    expect(read).toBe(4);
    expect([...sums.keys()]).toEqual(['m/seen']);
    registry.stop();
  });

  it('starts no task again that ends after the stop, and aborts its signal', async () => {
    const { registry, clock } = rehearse();
    let runs = 0;
    let finish = (): void => {};
    let aborted = false;
    const register = (ctx: Context) =>
      ctx.every(
        () => 1,
        (signal) => {
          runs++;
          signal.addEventListener('abort', () => {
            aborted = true;
          });
          return new Promise<void>((done) => void (finish = done));
        },
      );
    registry.commit(await registry.prepare([planOf({ name: 'm', register })]));
    await clock.advance(1000);
    registry.stop();
    expect([runs, aborted]).toEqual([1, true]);
    finish();
    await clock.advance(60_000);
    expect(runs).toBe(1);
  });

  it('looks again after a minute when a task is switched off, and goes on after a failure', async () => {
    const { registry, clock, said } = rehearse();
    let seconds = 0;
    let runs = 0;
    const register = (ctx: Context) =>
      ctx.every(
        () => seconds,
        () => {
          runs++;
          throw runs === 1 ? new Error('no luck') : 'odd';
        },
      );
    registry.commit(await registry.prepare([planOf({ name: 'm', register })]));
    await clock.advance(59_000);
    seconds = 5;
    await clock.advance(1000);
    expect(runs).toBe(0);
    await clock.advance(10_000);
    expect(runs).toBe(2);
    expect(said.map(({ level, text }) => `${level}: ${text}`)).toEqual([
      'error: a periodic task failed: no luck',
      'error: a periodic task failed: odd',
    ]);
  });
});

describe('handlers', () => {
  it('take order, place, time and failure from what the module says, else from the stanza', async () => {
    const { ctx, registry } = await lend({}, { onError: reject('550 5.7.1 stanza'), timeoutSeconds: 7 });
    ctx.on('data', () => undefined);
    ctx.on('data', () => undefined, { order: 'last', where: 'once', timeoutSeconds: 2, onError: undefined });
    const [instance] = registry.current.instances;
    expect(instance?.handlers).toMatchObject([
      { owner: 'm', instance: 'main', order: 'normal', where: 'here', limitMs: 7000, onError: { do: 'reject' }, bypass: '__bypass_m' },
      { order: 'last', where: 'once', limitMs: 2000, onError: undefined },
    ]);
  });
});

describe('services', () => {
  const ledger: Service<{ readonly sum: number }> = { name: 'ledger', module: 'bank' };

  it('go from the module that provides to those that need it, within a generation', async () => {
    const { registry } = rehearse();
    const seen: unknown[] = [];
    let sum = 1;
    const plans = () => [
      planOf({ name: 'user', needs: ['bank'], register: (ctx) => void seen.push(ctx.use(ledger)) }),
      planOf({ name: 'bank', register: (ctx) => ctx.provide(ledger, { sum: sum++ }) }),
    ];
    registry.commit(await registry.prepare(plans()));
    registry.commit(await registry.prepare(plans()));
    expect(seen).toEqual([{ sum: 1 }, { sum: 2 }]);
    await expect(registry.prepare(plans().slice(0, 1))).rejects.toMatchObject({ code: 'MODULE_NEEDS' });
  });

  it('of the core come from the core', async () => {
    const clockwork: Service<string> = { name: 'clockwork', module: 'core' };
    const { ctx } = await lend({ service: (token) => (token === clockwork ? 'tick' : undefined) });
    expect(ctx.use(clockwork)).toBe('tick');
    expect(() => ctx.use({ name: 'other', module: 'core' })).toThrow('module m:main needs the service other of core, which does not run');
  });
});

describe('caches, tallies and counts', () => {
  it('are listed under the instance and emptied by name', async () => {
    const { ctx, registry } = await lend();
    const cache = ctx.cache<number>('keys', 10, { hit: 60, miss: 5 });
    await cache.get('a', async () => 1);
    await cache.get('b', async () => 2);
    expect(registry.caches.sizes()).toEqual([{ name: 'm:main/keys', entries: 2 }]);
    expect(registry.caches.clear('m:main/keys')).toBe(2);
    expect(registry.caches.clear('m:main/other')).toBeUndefined();
    registry.stop();
    expect(registry.caches.names()).toEqual([]);
  });

  it('keep a tally over a reload and count by module name', async () => {
    const { registry, counts } = rehearse();
    let read = async (): Promise<number> => Number.NaN;
    const register = (ctx: Context): void => {
      const tally = ctx.tally('seen');
      tally.add(2);
      read = () => tally.read();
      ctx.count('refused', { why: 'late' });
      ctx.count('refused');
    };
    registry.commit(await registry.prepare([planOf({ name: 'm', register })]));
    registry.commit(await registry.prepare([planOf({ name: 'm', register })]));
    expect(await read()).toBe(4);
    expect([...counts]).toEqual([
      ['m_refused late', 2],
      ['m_refused', 2],
    ]);
    const { ctx } = await lend();
    expect(await ctx.tally('never').read()).toBe(0);
  });
});

describe('files and words', () => {
  it('reads what the core reads', async () => {
    const { ctx } = await lend();
    expect(String(await ctx.readFile('/etc/k.pem'))).toBe('bytes of /etc/k.pem');
  });

  it.each([
    ['error', ['error e', 'critical c']],
    ['WARNING', ['warning w', 'error e', 'critical c']],
    ['debug', ['debug d', 'warning w', 'error e', 'critical c']],
    [undefined, ['debug d', 'warning w', 'error e', 'critical c']],
  ])('logs from debug_level = %s on', async (level, expected) => {
    const { ctx, said, clock } = await lend({}, { options: level === undefined ? {} : { debug_level: level } });
    ctx.log('debug', 'd');
    ctx.log('warning', 'w');
    ctx.log('error', 'e');
    ctx.log('critical', 'c');
    expect(said.map((record) => `${record.level} ${record.text}`)).toEqual(expected);
    expect(said[0]).toMatchObject({ at: clock.now(), module: 'm:main' });
  });
});
