/** A full disk: new mail hears 452 4.3.1, mail that was taken is delivered, and room makes everything go on by itself. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { startDaemon } from '../harness/daemon.js';
import { freePort, makePlace, plainConf } from '../harness/place.js';

const place = await makePlace();
const spool = path.join(place.dir, 'spool');
fs.mkdirSync(spool);
const mounted =
  spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${8 * Number(process.env.CELERIS_WORKERS ?? 1)}m`, 'tmpfs', spool], { stdio: 'ignore' })
    .status === 0;
const title = mounted ? 'a spool on a full disk' : 'a spool on a full disk (needs the right to mount)';

describe.skipIf(!mounted)(title, () => {
  it('bad-inputs 43: refuses for now, keeps what it took, and resumes when there is room', async () => {
    const sinkPort = await freePort();
    const daemon = await startDaemon({ place, conf: plainConf(place, { sinkPort }) });
    try {
      const client = await RawClient.connect(daemon.port, { timeoutMs: 30_000 });
      await client.expect(220);
      await client.command('EHLO client.test', 250);
      const bring = (to: string) => client.deliver('', [to], `Subject: x\r\n\r\n${`${'x'.repeat(98)}\r\n`.repeat(100)}`);
      expect((await bring('first@one.test')).code).toBe(250);
      const filler = path.join(spool, 'filler');
      spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4096'], { stdio: 'ignore' });
      let taken = 1;
      let refusal = '';
      for (let n = 0; n < 2000 && refusal === ''; n++) {
        const reply = await client.command('MAIL FROM:<>');
        if (reply.code !== 250) refusal = reply.raw;
        else {
          const admitted = await client.command('RCPT TO:<more@one.test>');
          if (admitted.code !== 250) {
            // Another worker took the last of the room.
            refusal = admitted.raw;
            await client.command('RSET', 250);
            continue;
          }
          await client.command('DATA', 354);
          client.send(`Subject: x\r\n\r\n${`${'x'.repeat(98)}\r\n`.repeat(100)}.\r\n`);
          const said = await client.reply();
          if (said.code === 250) taken += 1;
          else refusal = said.raw;
        }
      }
      expect(refusal).toMatch(/^452 4\.3\.1 /);
      await using sink = await startSink({ port: sinkPort });
      await daemon.console('flush domain all');
      await sink.waitFor(taken, 30_000);
      fs.rmSync(filler);
      await daemon.waitFor(
        'mail taken again',
        async () => {
          const reply = await client.command('MAIL FROM:<>');
          if (reply.code === 250) await client.command('RSET', 250);
          return reply.code === 250;
        },
        45_000,
      );
      expect((await bring('last@one.test')).code).toBe(250);
      await sink.waitFor(taken + 1, 30_000);
      expect(sink.messages).toBe(taken + 1);
    } finally {
      await daemon.kill();
    }
  }, 150_000);
});

afterAll(() => {
  if (mounted) spawnSync('umount', ['-l', spool], { stdio: 'ignore' });
  fs.rmSync(place.dir, { recursive: true, force: true });
});
