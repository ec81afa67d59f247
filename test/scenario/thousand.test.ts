/** A thousand messages from Postfix's smtp-source through the daemon to Postfix's smtp-sink: counted at every end. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, it } from 'vitest';
import { CountingSink } from '../bench/counting-sink.js';
import { mainFile, startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';
import { smtpSource } from '../harness/program.js';
import { needs } from '../needs.js';

needs('postfix')('smtp-source, the daemon, smtp-sink', () => {
  it.each([
    ['new', false],
    ['kept', true],
  ])(
    'carries 1,000 messages over %s connections, logs each R and D, and leaves nothing in the spool',
    async (_, kept) => {
      const sink = await CountingSink.start();
      try {
        await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: sink.port }) });
        await smtpSource(daemon.port, { messages: 1000, sessions: 10, kept });
        await daemon.waitFor('1,000 messages at the sink', () => sink.count() === 1000, 60_000);
        await daemon.waitFor(
          'an empty queue',
          async () => ((await daemon.consoleJson('summary')) as { queued: number }).queued === 0,
          30_000,
        );
        expect(await daemon.consoleJson('summary')).toMatchObject({ received: 1000, successfullyDelivered: 1000, failed: 0, deferred: 0 });
        expect(await daemon.stop('SIGTERM', 30_000)).toBe('0');
        const lines = daemon.fileLines('mainlog.ec').map((line) => line.split('@'));
        for (const type of ['R', 'D']) {
          const ids = lines.filter((fields) => fields[4] === type).map((fields) => fields[1]);
          expect(ids).toHaveLength(1000);
          expect(new Set(ids).size).toBe(1000);
        }
        expect(lines).toHaveLength(2000);
        expect(sink.count()).toBe(1000);
        const spool = ['--spool', path.join(daemon.dir, 'spool')];
        const verified = spawnSync(process.execPath, [mainFile(), 'spool', 'verify', ...spool], { encoding: 'utf8', timeout: 30_000 });
        expect(verified.status, verified.stdout + verified.stderr).toBe(0);
        expect(verified.stdout).toMatch(/^damaged\W+0$/m);
        expect(
          spawnSync(process.execPath, [mainFile(), 'spool', 'show', ...spool], { encoding: 'utf8', timeout: 30_000 }).stdout,
        ).not.toContain('@');
      } finally {
        sink.stop();
      }
    },
    120_000,
  );
});
