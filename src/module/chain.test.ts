/** Corners of chains that the engine's own tests leave out. */
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../kernel/virtual-clock.js';
import { Watch } from '../kernel/watch.js';
import { type Guard, makeChain } from './engine.js';
import { ask, first, fold, type Hook, tell } from './hook.js';
import { Latency, type Placed } from './placed.js';
import { ACCEPT, FAIL_CLOSED, quarantine, reject } from './verdict.js';

const gate = ask<[object]>('gate', 1, { doc: 'd' });
const clock = new VirtualClock();
const guard: Guard = { watch: new Watch(clock), mono: () => clock.mono(), failed: () => {}, runLimitMs: 60_000 };
const placed = (run: (...args: never[]) => unknown, hook: Hook = gate): Placed => ({
  owner: 'm',
  instance: 'm',
  hook,
  order: 'normal',
  where: 'here',
  run: run as Placed['run'],
  onError: FAIL_CLOSED,
  limitMs: 30_000,
  bypass: '__bypass_m',
  calls: 0,
  errors: 0,
  latency: new Latency(),
});

describe('a gate', () => {
  it('ends with accept, later handlers are not asked', async () => {
    let asked = 0;
    const later = placed(() => void asked++);
    expect(makeChain(gate, [placed(() => ACCEPT), later], guard).run({})).toBe(ACCEPT);
    expect(await makeChain(gate, [placed(async () => ACCEPT), later], guard).run({})).toBe(ACCEPT);
    expect(asked).toBe(0);
  });

  it('goes on after quarantine where there is no message yet', () => {
    expect(makeChain(gate, [placed(() => quarantine('odd'))], guard).run({})).toBeUndefined();
    expect(makeChain(gate, [placed(() => quarantine('odd')), placed(() => reject('no'))], guard).run({})).toMatchObject({ do: 'reject' });
  });

  it.each([
    ['true', undefined],
    ['false', 'reject'],
    ['', 'reject'],
  ])('is bypassed with the value true, not with %j', (value, verb) => {
    const chain = makeChain(gate, [placed(() => reject('no'))], guard);
    const facts = new Map([['__bypass_m', value]]);
    expect((chain.run({ facts }) as { do?: string } | undefined)?.do).toBe(verb);
    expect((chain.run({ reception: { facts } }) as { do?: string } | undefined)?.do).toBe(verb);
  });

  it('skips a bypassed module also behind one that answers later', async () => {
    const other = { ...placed(() => reject('no')), bypass: '__bypass_other' };
    const chain = makeChain(gate, [placed(async () => undefined), other, placed(() => undefined)], guard);
    expect(await chain.run({ facts: new Map([['__bypass_other', 'true']]) })).toBeUndefined();
    expect(await chain.run({ facts: new Map([['__bypass_other', 'no']]) })).toMatchObject({ do: 'reject' });
  });
});

describe('a chain without handlers', () => {
  it('answers at once', () => {
    const choice = first<[string], number>('choice', 1, { doc: 'd' });
    const value = fold<string, []>('value', 1, { doc: 'd' });
    const news = tell<[string]>('news', 1, { doc: 'd' });
    expect(makeChain(gate, [], guard).run({})).toBeUndefined();
    expect(makeChain(choice, [], guard).run('a')).toBeUndefined();
    expect(makeChain(value, [], guard).run('v')).toBe('v');
    expect(makeChain(news, [], guard).run('n')).toBeUndefined();
  });
});
