/** What operators ordered on the console holds in workers that start later: held senders, suspended places, tracers. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';
import { startsOf, untilBothServe, workersOf } from './team.js';

/** One message each of a held and of a free sender over a connection of its own. */
async function submitPair(daemon: Daemon, number: number): Promise<void> {
  const client = await RawClient.connect(daemon.port);
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  for (const sender of ['held@sender.test', 'free@sender.test'])
    expect((await client.deliver(sender, [`${sender[0]}${number}@one.test`], 'Subject: x\r\n\r\ny\r\n')).code).toBe(250);
  await client.command('QUIT', 221);
}

/** Kills workers and waits for their successors. */
async function replace(daemon: Daemon, numbers: readonly number[]): Promise<void> {
  const before = workersOf(daemon);
  for (const number of numbers) process.kill(before[number] ?? 0, 'SIGKILL');
  await daemon.waitFor(
    'successors',
    () => workersOf(daemon).length === 2 && numbers.every((n) => !workersOf(daemon).includes(before[n] ?? 0)),
  );
  await untilBothServe(daemon);
}

/** Pairs until so many workers that started later have taken some; answers how many. */
async function submitToNew(daemon: Daemon, workers: number, from: number): Promise<number> {
  const before = startsOf(daemon);
  let count = 0;
  await daemon.waitFor('mail in every new worker', async () => {
    await submitPair(daemon, from + count++);
    return [...startsOf(daemon)].filter((start) => !before.has(start)).length === workers;
  });
  return count;
}

describe('orders of the console', () => {
  it('hold in workers that start later, and end in them', { timeout: 60_000 }, async () => {
    await using sink = await startSink();
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: sink.port, more: 'workers = 2\n' }) });
    await daemon.console('trace smtp add * * dropped.trace');
    await daemon.console('trace smtp add * * kept.trace');
    await daemon.console('trace smtp remove 1');
    await daemon.console('hold sender held@sender.test');
    await daemon.console('hold sender other@sender.test');
    await daemon.console('suspend domain two.test 3600');
    await daemon.console('suspend domain three.test');
    await daemon.console('resume domain three.test');
    await daemon.console('release sender other@sender.test').catch(() => undefined);
    await replace(daemon, [0, 1]);

    expect(await daemon.consoleJson('hold list')).toMatchObject({
      senders: ['held@sender.test'],
      stops: [{ where: { domain: 'two.test' }, why: 'suspended on the console' }],
    });
    expect(await daemon.consoleJson('trace smtp list')).toEqual([
      { id: 2, binding: '*', domain: '*', file: path.join(daemon.dir, 'kept.trace') },
    ]);
    const queued = async (): Promise<number> => ((await daemon.consoleJson('summary')) as { queued: number }).queued;
    const count = await submitToNew(daemon, 2, 0);
    await sink.waitFor(count);
    await daemon.waitFor('the rest set aside', async () => (await queued()) === count);
    expect(new Set(sink.received.map(({ from }) => from))).toEqual(new Set(['free@sender.test']));
    const traced = daemon.fileLines('kept.trace').flatMap((line) => /> RCPT TO:<(f\d+)@/.exec(line)?.[1] ?? []);
    expect(new Set(traced).size).toBe(count);
    expect(daemon.fileLines('dropped.trace')).toEqual([]);

    // What one of them never was told of by a command ends in it all the same.
    await replace(daemon, [1]);
    // What it set aside before has to be read back first.
    await daemon.waitFor('its old mail', async () => (await queued()) === count);
    // Mail whose turn has not come since the kill is not set aside yet, and not counted: it goes all the same.
    expect(await daemon.console('release sender held@sender.test')).toMatch(/^Released \d+ messages/);
    expect(await daemon.console('trace smtp remove 2')).toContain('#2');
    await sink.waitFor(2 * count);
    expect(await daemon.consoleJson('hold list')).toMatchObject({ senders: [] });
    const lines = daemon.fileLines('kept.trace').length;
    const more = await submitToNew(daemon, 1, 1000);
    await sink.waitFor(2 * (count + more));
    expect(daemon.fileLines('kept.trace').length).toBe(lines);
  });
});
