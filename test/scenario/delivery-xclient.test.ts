/** XCLIENT as Postfix understands it: its log and its trace field name the client that brought the mail to us. */
import fs from 'node:fs';
import { expect, it } from 'vitest';
import { startSink } from '../../src/tools/sink/sink.js';
import { startPostfix } from '../bench/postfix.js';
import { eventually, makeRoom } from '../chaos/room.js';
import { needs } from '../needs.js';

needs('postfix')('Postfix with smtpd_authorized_xclient_hosts', () => {
  it('takes the origin for the client, and one connection stands for one origin', { timeout: 60_000 }, async (context) => {
    if (process.getuid?.() !== 0) context.skip("Postfix's daemons need root");
    await using sink = await startSink();
    const postfix = await startPostfix(sink.port, [
      'smtpd_authorized_xclient_hosts = 127.0.0.1',
      'inet_protocols = all',
      'mynetworks = 127.0.0.0/8 192.0.2.0/24 [2001:db8::]/32',
    ]);
    const room = await makeRoom({
      config: 'xclient = required\nidle_timeout = 300',
      routes: { 'a.test': [{ port: postfix.port, name: 'mx.test' }] },
    });
    try {
      const origins = [
        { source: { ip: '192.0.2.55', port: 1234 }, helo: 'first.client.test', user: 'ann', protocol: 'esmtp' as const },
        { source: { ip: '2001:db8::7', port: 1234 }, helo: 'second.client.test', protocol: 'smtp' as const },
        { source: { ip: '192.0.2.55', port: 9999 }, helo: 'first.client.test', user: 'ann', protocol: 'esmtp' as const },
      ];
      for (const [i, reception] of origins.entries()) {
        room.send([`u${i}@a.test`], undefined, { reception });
        await room.until(i + 1);
      }
      expect(room.attempts.map(({ outcome, reply }) => `${outcome} ${reply.slice(0, 3)}`)).toEqual(Array(3).fill('delivered 250'));
      expect(room.delivery.totals().connections).toBe(2);
      await sink.waitFor(3, 20_000);
      const trace = (to: string): string =>
        sink.received
          .find((message) => message.to.includes(to))
          ?.raw.toString()
          .replace(/\s+/g, ' ') ?? '';
      expect(trace('u0@a.test')).toMatch(/Received: from first\.client\.test \(unknown \[192\.0\.2\.55\]\) .*with ESMTPA/);
      expect(trace('u1@a.test')).toMatch(/Received: from second\.client\.test \(unknown \[IPv6:2001:db8::7\]\) .*with ESMTP/);
      expect(trace('u2@a.test')).toContain('from first.client.test (unknown [192.0.2.55])');
      const log = (): string => fs.readFileSync(postfix.logFile, 'utf8');
      await eventually(() => /client=unknown\[192\.0\.2\.55\], .*sasl_username=ann/.test(log()), 5000, log);
    } finally {
      await room.stop();
      await postfix.stop();
    }
  });
});
