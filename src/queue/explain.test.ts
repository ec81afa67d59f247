import { describe, expect, it } from 'vitest';
import type { Place } from '../module/place.js';
import { LIST } from './entries.js';
import { type EntryView, explain, type View } from './explain.js';
import { Rig } from './fixture.js';
import { REASONS } from './reasons.js';

const PLACE: Place = { group: 'g', binding: 'b', domain: 'd', index: 0 };
const entry = (over: Partial<EntryView> = {}): EntryView => ({ list: LIST.active, due: 0, attempts: 0, ahead: 0, note: '', ...over });
const view = (over: Partial<View> = {}): View => ({
  blocked: undefined,
  suspended: false,
  hold: undefined,
  hindrance: () => undefined,
  wallOf: (mono) => 1_000_000 + mono,
  ...over,
});

describe('why a mail waits', () => {
  const cases: [string, EntryView, View, object][] = [
    ['nobody knows it', entry({ list: LIST.none }), view(), { code: 'unknown' }],
    ['it was set aside', entry({ list: LIST.held, note: 'virus' }), view(), { code: 'held', text: 'set aside: virus' }],
    ['it was failed', entry({ list: LIST.ending, note: '554 x' }), view(), { code: 'ending' }],
    ['a connection has it', entry({ list: LIST.taken }), view(), { code: 'taken' }],
    [
      'back-off',
      entry({ list: LIST.delayed, due: 50, attempts: 3 }),
      view(),
      { code: 'not_due', untilMs: 1_000_050, option: 'retry_interval' },
    ],
    ['back-off goes before a stop', entry({ list: LIST.delayed, due: 50 }), view({ suspended: true }), { code: 'not_due' }],
    ['the spool', entry(), view({ blocked: 'EIO', suspended: true }), { code: 'spool_blocked', text: 'outcomes cannot be recorded: EIO' }],
    ['configuration', entry(), view({ suspended: true }), { code: 'suspended', option: 'suspend_delivery' }],
    [
      'an operator',
      entry(),
      view({ hold: { why: 'their wish', until: 99 } }),
      { code: 'stopped', text: 'delivery was stopped: their wish', untilMs: 1_000_099 },
    ],
    [
      'delivery',
      entry({ ahead: 3 }),
      view({ hindrance: () => ({ code: 'limit', text: 'all 32 connections are busy', limit: 'max_outbound_connections' }) }),
      { code: 'limit', text: 'all 32 connections are busy', limit: 'max_outbound_connections' },
    ],
    ['others', entry({ ahead: 3 }), view(), { code: 'behind', text: '3 messages of this place go first' }],
    ['nothing', entry(), view(), { code: 'next' }],
  ];
  for (const [name, e, v, expected] of cases) {
    it(name, () => expect(explain(PLACE, e, 10, v)).toMatchObject(expected));
  }

  it('every reason has a code of its own and a sentence', () => {
    const all = Object.entries(REASONS);
    for (const [name, kind] of all) {
      expect(kind.code).toBe(name);
      expect(kind.doc).toMatch(/\.$/);
    }
  });

  it('agrees with the scheduler: what it says is next is what is taken', async () => {
    const rig = new Rig();
    const [a] = rig.receive('example.com', 1);
    const [b] = rig.receive('example.com', 1);
    const [c] = rig.receive('example.com', 1, { priority: 1 });
    const { views } = rig.queue;
    const why = (mail: { id: string } | undefined) => views.why(mail?.id ?? '').text;
    expect([why(c), why(a), why(b)]).toEqual([
      'it is the next one',
      '1 messages of this place go first',
      '2 messages of this place go first',
    ]);
    expect(rig.take()).toEqual([c]);
    expect(why(c)).toBe('being delivered now');
    expect(why(a)).toBe('it is the next one');
    rig.carrier.hindered = { code: 'throttle', text: 'outbound_throttle_messages waits', untilMs: 5 };
    expect(views.why(a?.id ?? '')).toEqual({ code: 'throttle', text: 'outbound_throttle_messages waits', untilMs: 5 });
    expect(await views.details('nobody')).toBeUndefined();
  });
});
