/** A message that its worker does not survive: it is found, set aside and told of, and everything else is delivered. */
import { describe, expect, it } from 'vitest';
import { RawClient } from '../harness/client.js';
import { startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';
import { drain } from '../kill/drain.js';
import { Ledger } from '../kill/ledger.js';
import { workersOf } from './team.js';

const POISON = 13;

describe('a message that kills its worker', () => {
  it('is set aside after three deaths, and the rest goes on', { timeout: 60_000 }, async () => {
    let kills = 0;
    let hunt = (): void => {};
    const ledger = await Ledger.start({
      object(phase, localPart) {
        if (phase !== 'rcpt' || localPart !== `m${POISON}`) return undefined;
        kills++;
        hunt();
        return 'drop';
      },
    });
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: ledger.port, more: 'workers = 2\n' }) });
    hunt = () => {
      for (const pid of workersOf(daemon)) process.kill(pid, 'SIGKILL');
    };
    const ids: string[] = [];
    const submit = async (number: number): Promise<void> => {
      const client = await RawClient.connect(daemon.port);
      await client.expect(220);
      await client.command('EHLO client.test', 250);
      const reply = await client.deliver('a@sender.test', [`m${number}@one.test`], 'Subject: x\r\n\r\ny\r\n');
      expect(reply.code).toBe(250);
      ids[number] = reply.texts.join(' ').split(' ').at(-1) ?? '';
      await client.command('QUIT', 221);
    };
    for (let number = 0; number <= POISON; number++) await submit(number);
    await daemon.waitFor('the alarm', () => daemon.fileLines('paniclog.ec').some((line) => line.includes('is set aside')), 30_000);
    await daemon.waitFor('console', () => daemon.console('pid').catch(() => undefined), 20_000);
    const id = ids[POISON] ?? '';
    expect(daemon.fileLines('paniclog.ec').join('\n')).toContain(`message ${id} was in hand when the worker died`);
    expect(kills).toBeGreaterThanOrEqual(4);
    expect(await daemon.consoleJson(`message details ${id}`)).toMatchObject({ state: 'held' });
    // Workers on probation still take and deliver.
    for (let number = 20; number < 40; number++) await submit(number);
    await daemon.waitFor('all others', () => ledger.times.size === POISON + 20, 20_000);
    expect(ledger.times.has(POISON)).toBe(false);
    hunt = () => {};
    await daemon.console(`message release ${id}`);
    await daemon.waitFor('a new try', () => kills > 4);
    await daemon.console(`message fail quiet ${id}`);
    await drain(daemon);
    expect(await daemon.stop()).toBe('0');
    await ledger.stop();
  });
});
