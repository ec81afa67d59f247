import { describe, expect, it } from 'vitest';
import { open } from '../fixture.js';

const CONFIG = `binding_group "tenants" {
  binding "acme" { }
  binding "umbrella" { }
}
binding "alone" { }
`;

async function stock() {
  const desk = await open({}, CONFIG);
  const { rig } = desk;
  rig.receive('far.test', 3, { place: rig.places.of('tenants', 'acme', 'far.test') });
  rig.receive('near.test', 2, { place: rig.places.of('tenants', 'acme', 'near.test') });
  rig.receive('far.test', 1, { place: rig.places.of('tenants', 'umbrella', 'far.test') });
  rig.receive('far.test', 4, { place: rig.places.of('default', 'fired', 'far.test') });
  return desk;
}

describe('bindings on the console', () => {
  it('are summed up, those that are gone too, and a group with its total', async () => {
    const { text, data } = await stock();
    expect(await data('binding summary')).toMatchObject([
      { group: 'tenants', binding: 'acme', active: 5, total: 5, resident: 5, configured: true },
      { group: 'default', binding: 'alone', total: 0 },
      { binding: 'b1', received: 4, delivered: 3, deferred: 1, deliveryRate: 0.3, configured: false },
      { group: 'default', binding: 'default', total: 0, configured: true },
      { group: 'default', binding: 'fired', active: 4, configured: false },
      { group: 'tenants', binding: 'umbrella', active: 1 },
    ]);
    expect(await text('binding summary')).toMatch(/\ndefault\/fired \(gone\) +0 +4 +0 +4 /);
    expect(await text('binding summary group:tenants')).toMatch(/\nTotal +0 +6 +0 +6 +6 +0 +0 +0 +0$/);
    expect(await data('binding summary acme')).toHaveLength(1);
    expect(await text('binding summary nobody')).toBe('NO: There is no binding nobody.');
    expect(await text('binding summary group:nobody')).toBe('NO: There is no binding group nobody.');
  });

  it('list their domains from a threshold on', async () => {
    const { text } = await stock();
    expect(await text('binding active acme 3')).toBe('Domain: far.test  C: 0  A: 3  D: 0  S: 3\nTotal active: 3');
    expect(await text('active 8')).toBe('Domain: far.test  C: 0  A: 8  D: 0  S: 8\nTotal active: 8');
    expect(await text('binding delayed all')).toBe('Total delayed: 0');
    expect(await text('delayed x')).toBe('NO: "x" is no number.');
  });

  it('have their mail put off, flushed and failed, after a rehearsal', async () => {
    const { text, rig } = await stock();
    expect(await text('binding delay domain acme far.test 60')).toBe('Delayed 3 messages.');
    expect(await text('binding flush domain acme all')).toBe('all flushed.  3 messages requeued.');
    expect(await text('binding fail domain --dry-run acme all')).toBe('would touch 5 messages in 2 queues');
    expect(await text('fail domain --dry-run far.test')).toBe('would touch 8 messages in 3 queues');
    expect(rig.queue.views.summary().ending).toBe(0);
    expect(await text('binding fail domain quiet acme near.test no more')).toBe('near.test purged, 2 messages failed.');
    expect(await text('binding fail domain acme all')).toBe('All domains purged.  3 messages failed.');
    await rig.queue.settle();
    expect(rig.failed.map(({ reply, quiet }) => [reply, quiet])).toEqual([
      ...Array(2).fill(['554 5.7.0 no more', true]),
      ...Array(3).fill(['554 Message manually purged.', false]),
    ]);
    expect(rig.queue.size).toBe(5);
  });

  it('are suspended and resumed', async () => {
    const { text, rig } = await stock();
    const place = rig.places.of('tenants', 'acme', 'far.test');
    expect(await text('suspend binding acme 60')).toBe('acme suspended.');
    expect(rig.queue.waiting(place)).toBe(0);
    expect(await text('hold list')).toMatch(/^\*\/acme\/\*: suspended on the console until /);
    expect(await text('resume binding acme')).toBe('acme resumed.');
    expect(rig.queue.waiting(place)).toBe(3);
    expect(await text('resume binding acme')).toBe('NO: acme was not suspended.');
    expect(await text('suspend binding')).toBe('NO: Say which binding, or "all".');
  });

  it('that are gone hold their mail until it is bound anew', async () => {
    const { text, rig } = await stock();
    const gone = rig.places.of('default', 'fired', 'far.test');
    expect(rig.queue.waiting(gone)).toBe(0);
    expect(await rig.queue.take(gone, 10)).toEqual([]);
    expect(await text('why far.test fired')).toMatch(/the configuration has no binding fired any more, or not in this group$/);
    expect(await text('mailq -b fired')).toMatch(/binding_removed$/);
    expect(await text('rebind --dry-run fired')).toBe('would touch 4 messages in 1 queues');
    expect(await text('rebind fired far.test')).toBe('Rebound 4 messages.');
    expect(rig.queue.views.places({ binding: 'moved' })).toMatchObject([{ active: 4 }]);
    expect(await text('rebind fired')).toBe('Rebound 0 messages.');
  });

  it('that were moved to another group hold the mail of the old one, whose options no longer say where from', async () => {
    const { text, rig } = await open(
      {},
      'binding_group "old" { binding "other" { } }\nbinding_group "new" { binding "b" { bind_address = 192.0.2.1 } }\n',
    );
    for (const group of ['old', 'new', 'gone']) rig.receive('far.test', 1, { place: rig.places.of(group, 'b', 'far.test') });
    const waiting = (group: string) => rig.queue.waiting(rig.places.of(group, 'b', 'far.test'));
    expect([waiting('old'), waiting('new'), waiting('gone')]).toEqual([0, 1, 1]);
    expect(await text('why id0')).toMatch(/^the configuration has no binding b any more/);
  });

  it('the default one can be suspended', async () => {
    const { text, rig } = await open({}, 'default_binding = "suspended"\nbinding "b" { }\n');
    rig.receive('far.test', 1);
    rig.receive('far.test', 1, { place: rig.places.of('default', 'b', 'far.test') });
    expect(rig.queue.waiting(rig.place('far.test'))).toBe(0);
    expect(rig.queue.waiting(rig.places.of('default', 'b', 'far.test'))).toBe(1);
    expect(await text('why id0')).toMatch(/^mail without a binding is suspended; default_binding = suspended, set at \S*:1 \(global\)/);
  });
});
