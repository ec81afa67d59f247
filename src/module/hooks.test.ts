import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../kernel/virtual-clock.js';
import { Watch } from '../kernel/watch.js';
import type { Guard } from './engine.js';
import { ask, type Hook, tell } from './hook.js';
import { HookSet } from './hook-set.js';
import { hookOfCallout, hooks } from './hooks.js';
import { Latency, type Placed } from './placed.js';
import { FAIL_CLOSED } from './verdict.js';

const all = Object.entries<Hook>(hooks);

describe('the catalogue', () => {
  it('has what the contract names', () => {
    const wanted =
      'accept connect ehlo auth command mail_from rcpt_to relay recipients data spool_message expand spool assign final sign received rejected expiration next_attempt routes addresses veto sources outbound_auth outcome classify classify_notice bounced attempted delivered deferred failed connect_failed bounce_make delay_make receipt_make authenticated woken logged log_reopen disconnected shutdown';
    expect(all.map(([name]) => name)).toEqual(expect.arrayContaining(wanted.split(' ')));
  });

  it('names every hook as its key, with a sentence and an arity its kind can carry', () => {
    const most = { ask: 3, first: 2, fold: 3, tell: 4 };
    for (const [name, hook] of all) {
      expect(hook.name).toBe(name);
      expect(hook.doc, name).toMatch(/\.$/);
      expect(hook.arity, name).toBeLessThanOrEqual(most[hook.kind]);
      if (hook.kind !== 'tell') expect(hook.arity, name).toBeGreaterThan(0);
    }
  });

  it('answers to each callout with one hook', () => {
    const callouts = all.flatMap(([, hook]) => (hook.callout ? [hook.callout.name] : []));
    expect(new Set(callouts).size).toBe(callouts.length);
    for (const [, hook] of all) if (hook.callout) expect(hookOfCallout(hook.callout.name)).toBe(hook);
    expect(hookOfCallout('validate_data_spool_each_rcpt')).toBe(hooks.spool);
    expect(hookOfCallout('core_final_validation2')).toBe(hooks.final);
    expect(hookOfCallout('core_log_rejection')).toBe(hooks.rejected);
    expect(hookOfCallout('validate_nothing')).toBeUndefined();
  });
});

describe('a set of chains', () => {
  const clock = new VirtualClock();
  const guard: Guard = { watch: new Watch(clock), mono: () => clock.mono(), failed: () => {}, runLimitMs: 60_000 };
  const seen: string[] = [];
  const placed = (hook: Hook, word: string, more: Partial<Placed> = {}): Placed => ({
    owner: word,
    instance: word,
    hook,
    order: 'normal',
    where: 'here',
    run: () => void seen.push(word),
    onError: FAIL_CLOSED,
    limitMs: 30_000,
    bypass: '__bypass_x',
    calls: 0,
    errors: 0,
    latency: new Latency(),
    ...more,
  });

  it('asks in order of class, then of the file', () => {
    seen.length = 0;
    const orders = ['last', 'normal', 'first', 'late', 'early'] as const;
    const handlers = orders.flatMap((order) => [
      placed(hooks.shutdown, `${order} 1`, { order }),
      placed(hooks.shutdown, `${order} 2`, { order }),
    ]);
    new HookSet(handlers, guard).chains.shutdown.run();
    expect(seen).toEqual(['first', 'early', 'normal', 'late', 'last'].flatMap((order) => [`${order} 1`, `${order} 2`]));
  });

  it('has a chain for every hook, empty where nobody listens', () => {
    const set = new HookSet([placed(hooks.shutdown, 'a')], guard);
    expect(set.chains.shutdown.empty).toBe(false);
    expect(all.filter(([name]) => !set.chains[name as keyof typeof hooks].empty).map(([name]) => name)).toEqual(['shutdown']);
    expect(set.of(hooks.data)).toBe(set.chains.data);
    expect(set.of(hooks.shutdown)).toBe(set.chains.shutdown);
  });

  it('carries hooks of modules themselves, whatever their names', () => {
    seen.length = 0;
    const own = tell<[]>('series_added', 0, { doc: 'd' });
    const namesake = tell<[]>('shutdown', 0, { doc: 'd' });
    const odd = ask<[]>('toString', 0, { doc: 'd' });
    const set = new HookSet([placed(own, 'own'), placed(namesake, 'namesake'), placed(odd, 'odd'), placed(hooks.shutdown, 'core')], guard);
    set.of(own).run();
    set.of(namesake).run();
    expect(set.of(odd).run()).toBeUndefined();
    expect(seen).toEqual(['own', 'namesake', 'odd']);
    set.chains.shutdown.run();
    expect(seen.at(-1)).toBe('core');
    expect([...set].map(({ hook, placed: handlers }) => `${hook.name} ${handlers.length}`)).toEqual([
      'shutdown 1',
      'series_added 1',
      'shutdown 1',
      'toString 1',
    ]);
  });

  it('gives an empty chain for a hook that nobody listens to', () => {
    const set = new HookSet([], guard);
    const nobody = tell<[]>('nobody', 0, { doc: 'd' });
    expect(set.of(nobody).empty).toBe(true);
    expect(set.of(nobody).run()).toBeUndefined();
    expect([...set]).toEqual([]);
  });
});

describe('latency', () => {
  it('knows nothing before the first sample, then the shares of the last 128', () => {
    const latency = new Latency();
    expect(latency.percentile(0.5)).toBeUndefined();
    latency.add(7);
    expect([latency.percentile(0), latency.percentile(0.5), latency.percentile(1)]).toEqual([7, 7, 7]);
    for (let i = 1; i <= 1000; i++) latency.add(i);
    expect(latency.percentile(0)).toBe(873);
    expect(latency.percentile(0.5)).toBe(937);
    expect(latency.percentile(1)).toBe(1000);
  });
});
