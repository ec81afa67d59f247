/** Mail that is in memory only, in two workers: one of them is killed, and the mail of the other one is none the worse. */
import { expect, it } from 'vitest';
import { startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { startDaemon } from '../harness/daemon.js';
import { freePort, plainConf } from '../harness/place.js';
import { untilBothServe, workersOf } from './team.js';

it('a worker that is killed loses what it had alone, and its successor says how much', { timeout: 60_000 }, async () => {
  const sinkPort = await freePort();
  await using daemon = await startDaemon({
    conf: (place) =>
      plainConf(place, { sinkPort, more: '_unsafe_spool = true\nsuppress_spool "fast" { }\nworkers = 2\nretry_interval = 600\n' }),
  });
  /** How many messages each start of a worker has taken. */
  const taken = new Map<string, number>();
  let count = 0;
  await daemon.waitFor('mail in both workers', async () => {
    const client = await RawClient.connect(daemon.port);
    await client.expect(220);
    await client.command('EHLO client.test', 250);
    const { code, texts } = await client.deliver('a@sender.test', [`user${count++}@one.test`], 'Subject: x\r\n\r\ny\r\n');
    expect(code).toBe(250);
    const start = texts.join(' ').split(' ').at(-1)?.split('-')[1] ?? '';
    taken.set(start, (taken.get(start) ?? 0) + 1);
    await client.command('QUIT', 221);
    return taken.size === 2 && count > 4;
  });
  expect(await daemon.consoleJson('suppress_spool:fast stats')).toMatchObject([{ in_memory: count }]);
  const victim = workersOf(daemon)[1] ?? 0;
  process.kill(victim, 'SIGKILL');
  await daemon.waitFor('a successor', () => workersOf(daemon).length === 2 && !workersOf(daemon).includes(victim));
  await untilBothServe(daemon);
  const lost = await daemon.waitFor('what is lost', () =>
    Number(daemon.lines.join('\n').match(/(\d+) messages were in memory only/)?.[1] ?? 0),
  );
  expect([...taken.values()]).toContain(lost);
  expect(lost).toBeLessThan(count);
  expect(await daemon.consoleJson('summary')).toMatchObject({ queued: count - lost });
  await using sink = await startSink({ port: sinkPort });
  await daemon.console('flush domain all');
  await sink.waitFor(count - lost);
  expect(await daemon.stop()).toBe('0');
  expect(sink.messages).toBe(count - lost);
});
