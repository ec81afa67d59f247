/** Limits of reception over several workers: they are those of the daemon. */
import { describe, expect, it } from 'vitest';
import { RawClient } from '../harness/client.js';
import { startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';

describe('two workers', () => {
  it('take as many sessions as are allowed and turn the others away, and take new ones when some have left', async () => {
    await using daemon = await startDaemon({
      conf: (place) =>
        plainConf(place, { sinkPort: 9, more: 'workers = 2\n' }).replace('ESMTP_Listener {', 'ESMTP_Listener { listener_sessions = 5'),
    });
    const round = async (): Promise<RawClient[]> => {
      const clients = await Promise.all(Array.from({ length: 14 }, () => RawClient.connect(daemon.port)));
      const codes = await Promise.all(clients.map(async (client) => (await client.reply()).code));
      expect(codes.filter((code) => code === 220)).toHaveLength(5);
      expect(codes.filter((code) => code === 421)).toHaveLength(9);
      return clients;
    };
    for (const client of await round()) client.close();
    await daemon.waitFor(
      'all have left',
      async () => ((await daemon.consoleJson('summary')) as { inboundConcurrency: number }).inboundConcurrency === 0,
    );
    // Word of the last one may still be under way.
    await new Promise((done) => setTimeout(done, 200));
    for (const client of await round()) client.close();
  });

  it('admit exactly as many messages as a throttle allows', async () => {
    await using daemon = await startDaemon({
      conf: (place) => plainConf(place, { sinkPort: 9, more: 'workers = 2\ninbound_throttle_messages = "10/60"\n' }),
    });
    const codes: number[] = [];
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        const client = await RawClient.connect(daemon.port);
        await client.expect(220);
        await client.command('EHLO client.test', 250);
        for (let i = 0; i < 4; i++) {
          codes.push((await client.command('MAIL FROM:<a@sender.test>')).code);
          await client.command('RSET', 250);
        }
        client.close();
      }),
    );
    expect(codes.filter((code) => code === 250)).toHaveLength(10);
    expect(codes.filter((code) => code >= 400 && code < 500)).toHaveLength(22);
  });
});
