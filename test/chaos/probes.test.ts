/** A thousand questions to a real Postfix: few connections, and none of them long enough for its patience to end. */
import fs from 'node:fs';
import { expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/clock.js';
import { Watch } from '../../src/kernel/watch.js';
import type { ProbeVisit } from '../../src/module/probe.js';
import { Visits } from '../../src/smtp/probe/visits.js';
import { startPostfix } from '../bench/postfix.js';
import { needs } from '../needs.js';

const ask = async (visit: ProbeVisit): Promise<string> => {
  const mail = await visit.say('MAIL FROM:<>');
  const rcpt = await visit.say('RCPT TO:<bob@example.com>');
  return `${mail.code} ${rcpt.code}`;
};

needs('postfix')('Postfix', () => {
  // Postfix's daemons need root.
  it.skipIf(process.getuid?.() !== 0)('answers a thousand visits over few connections', { timeout: 60_000 }, async () => {
    // Where RCPT is said and DATA is not, Postfix never learns that its queue is empty, and lets each RCPT behind the hundredth wait.
    const postfix = await startPostfix(9, ['in_flow_delay = 0']);
    const visits = new Visits({
      clock: systemClock,
      watch: new Watch(systemClock),
      names: { addresses: () => Promise.reject(new Error('no names here')) },
      hostname: () => 'celeris.test',
      workers: 1,
      secureContext: () => Promise.reject(new Error('no TLS here')),
    });
    const door = { host: '127.0.0.1', port: postfix.port, tls: 'no' } as const;
    const visit = (most: number) =>
      visits.visit(door, { timeoutMs: 50_000, most, idleMs: 5000, signal: new AbortController().signal }, ask);
    const connects = (): number => fs.readFileSync(postfix.logFile, 'utf8').split(': connect from').length - 1;
    try {
      await visit(1);
      const started = performance.now();
      // More than one connection is good for: whoever errs too often waits a second for each reply.
      for (let i = 0; i < 120; i++) expect(await visit(1)).toBe('250 250');
      expect(performance.now() - started).toBeLessThan(10_000);
      const before = connects();
      expect(before).toBe(2);
      const said = await Promise.all(Array.from({ length: 1000 }, () => visit(10)));
      expect(new Set(said)).toEqual(new Set(['250 250']));
      // Ten, and one more for each that has had its visits.
      expect(connects() - before).toBeLessThanOrEqual(19);
    } finally {
      await visits.close();
      await postfix.stop();
    }
  });
});
