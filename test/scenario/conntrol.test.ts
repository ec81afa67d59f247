/** Clients that wait for the banner, and those that do not. */
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { RawClient } from '../harness/client.js';
import { startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';

/** What a client hears that talks at once, until it is closed; and after how many milliseconds that was. */
const talkFirst = (port: number): Promise<{ heard: string; ms: number }> =>
  new Promise((done, fail) => {
    const started = performance.now();
    let heard = '';
    const socket = net.connect(port, '127.0.0.1', () => socket.write('EHLO ratware.test\r\n'));
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      heard += text;
      if (/^250 /m.test(text)) socket.write('QUIT\r\n');
    });
    socket.on('error', fail);
    socket.on('close', () => done({ heard, ms: performance.now() - started }));
  });

describe('conntrol', () => {
  it('sends early talkers away long before the pause is over, and greets the others after it', async () => {
    const more = 'conntrol "door" { banner = "220-Private.\\r\\n" pause_time = 1 disconnect_ratware = "421 4.7.0 wait for it\\r\\n" }\n';
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: 9, more }) });
    const { heard, ms } = await talkFirst(daemon.port);
    expect(heard).toBe('421 4.7.0 wait for it\r\n');
    expect(ms).toBeLessThan(900);
    const started = performance.now();
    const client = await RawClient.connect(daemon.port);
    const banner = await client.expect(220);
    expect(performance.now() - started).toBeGreaterThan(950);
    expect(banner.texts[0]).toBe('Private.');
    expect(banner.texts[1]).toMatch(/^mta\.celeris\.test ESMTP/);
    await client.command('EHLO client.test', 250);
    await client.command('QUIT', 221);
  });

  it('answers them in their turn where it only marks them', async () => {
    await using daemon = await startDaemon({
      conf: (place) => plainConf(place, { sinkPort: 9, more: 'conntrol "door" { pause_time = 0.5 }\n' }),
    });
    const { heard } = await talkFirst(daemon.port);
    expect(heard).toMatch(/^220 mta\.celeris\.test[^\n]*\n250-[\s\S]*\n250 [^\n]*\n221 /);
  });
});
