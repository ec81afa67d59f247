/** suppress_spool from its configuration to the leave that a message gets. */
import { describe, expect, it } from 'vitest';
import { configureText } from '../../src/config/configure.js';
import { rehearse } from '../../src/module/fixture.js';
import { makePlans } from '../../src/server/plans.js';
import { makeCopies } from '../../test/fixtures/copies.js';
import suppressSpool from './index.js';

const configureIt = (text: string) => configureText(text, { manifests: [suppressSpool] });

async function start(text: string) {
  const configured = await configureIt(text);
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  const { registry } = rehearse({});
  registry.commit(await registry.prepare(makePlans(configured.snapshot, [suppressSpool])));
  const leaveOf = () => {
    const [draft] = makeCopies(['a@x.test']);
    if (!draft) throw new RangeError('no copy');
    registry.current.hooks.chains.spool_message.run(draft);
    return draft.unspooled;
  };
  return { registry, leaveOf };
}

describe('suppress_spool', () => {
  it.each([
    ['suppress_spool { num_retries = 2 }', /runs only with _unsafe_spool = true/],
    ['_unsafe_spool = false\nsuppress_spool "a" { }', /runs only with _unsafe_spool = true/],
    ['_unsafe_spool = true\nsuppress_spool { num_retries = -1 }', /num_retries/],
    ['_unsafe_spool = true\nsuppress_spool { num_retries = many }', /num_retries/],
  ])('check refuses %j', async (text, words) => {
    const configured = await configureIt(text);
    expect(configured.ok).toBe(false);
    expect(configured.problems).toContainEqual(expect.objectContaining({ severity: 'error', say: expect.stringMatching(words) }));
  });

  it('gives leave for one failure more than there may be retries', async () => {
    expect((await start('_unsafe_spool = true\nsuppress_spool { }')).leaveOf()?.attempts).toBe(3);
    expect((await start('_unsafe_spool = true\nsuppress_spool { num_retries = 0 }')).leaveOf()?.attempts).toBe(1);
    expect((await start('_unsafe_spool = true')).leaveOf()).toBeUndefined();
  });

  it('lets the first of several instances decide, and shows what became of its mail', async () => {
    const { registry, leaveOf } = await start('_unsafe_spool = true\nsuppress_spool "a" { num_retries = 5 }\nsuppress_spool "b" { }');
    const leave = leaveOf();
    expect(leave?.attempts).toBe(6);
    if (leave) leave.tally.inMemory = 4;
    const rows = registry.current.instances.map((instance) => instance.commands.get('stats')?.run([], new AbortController().signal));
    expect(rows).toEqual([
      [{ instance: 'a', in_memory: 4, forced_writes: 0, written_after_failures: 0, delivered_without_disk: 0 }],
      [{ instance: 'b', in_memory: 0, forced_writes: 0, written_after_failures: 0, delivered_without_disk: 0 }],
    ]);
  });
});
