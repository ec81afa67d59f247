/**
 * Good mail and hostile clients at once, and a far end that refuses, delays and drops: for 10 seconds, a minute in CI, or SOAK_SECONDS (`npm run soak`).
 * Afterwards memory is flat, sockets are back, nobody threw, and every accepted message arrived once or its sender was told.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { makePlace, plainConf } from '../harness/place.js';
import { drain } from '../kill/drain.js';
import { Feeder } from '../kill/feeder.js';
import { Ledger } from '../kill/ledger.js';
import { crawl, VISITS } from './hostile.js';
import { countSockets, residentBytes } from './watch-process.js';

const SECONDS = Number(process.env.SOAK_SECONDS ?? (process.env.CI === 'true' ? 60 : 10));
const CRAWLERS = 100;
const VISITORS = 6;
/** Good clients, each with its own pause; so many messages a second at most. */
const RATE = Number(process.env.SOAK_RATE ?? 400);
/** Growth from the first half to the second; a short run is still warming up, so it gets some octets more. */
const GROWTH = 1.3;
const WARM_BYTES = SECONDS < 120 ? 40 << 20 : 0;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

/** Says something bad about one message in twenty. Of a hundred: 2 wait, 1 is refused, 1 is dropped at RCPT, 1 in place of the answer. */
function objectSometimes(phase: 'rcpt' | 'message', localPart: string): string | undefined {
  if (!localPart.startsWith('m')) return undefined;
  const dice = Math.random() * 100;
  if (phase === 'rcpt') return dice < 1 ? '451 4.2.0 come back' : dice < 1.5 ? '550 5.1.1 nobody' : dice < 2 ? 'drop' : undefined;
  return dice < 1 ? '452 4.3.1 full' : dice < 1.5 ? '554 5.6.0 not that' : dice < 2 ? 'drop' : undefined;
}

function makeCertificate(folder: string): string {
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=mta'];
  const { status } = spawnSync('openssl', [...words, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return status === 0 ? `tls_certificate = "${cert}"\ntls_key = "${key}"\n` : '';
}

async function sendGoodMail(daemon: Daemon, feeder: Feeder, until: number): Promise<void> {
  while (performance.now() < until) {
    const began = performance.now();
    // New connections for every burst, and now and then a big body.
    const bytes = Math.random() < 0.1 ? 200_000 : Math.random() < 0.5 ? 300 : 4096;
    const count = Math.ceil(RATE / 10);
    await feeder.feed({ port: daemon.port, count: bytes > 100_000 ? 3 : count, connections: 3, bytes });
    await sleep(Math.max(0, 100 - (performance.now() - began)));
  }
}

describe(`${SECONDS} seconds of everything at once`, () => {
  it('leave nothing behind', { timeout: SECONDS * 1500 + 120_000 }, async () => {
    const place = await makePlace('celeris-soak');
    const ledger = await Ledger.start({ object: objectSometimes });
    const feeder = new Feeder();
    const more = `retry_interval = 1\nmax_retry_interval = 2\n${makeCertificate(place.dir)}`;
    const conf = plainConf(place, { sinkPort: ledger.port, more }).replace(
      'ESMTP_Listener {',
      'ESMTP_Listener { max_message_size = 1000000',
    );
    const daemon = await startDaemon({ place, conf });
    onTestFinished(() => daemon.end());
    await feeder.feed({ port: daemon.port, count: 500 });
    await drain(daemon);
    await daemon.waitFor('idle connections to close', () => ledger.connections === 0, 20_000);
    const socketsBefore = countSockets(daemon.pid);

    const until = performance.now() + SECONDS * 1000;
    const visits: Record<string, number> = {};
    const complaints: string[] = [];
    const resident: number[] = [];
    const gauge = setInterval(() => daemon.ended === undefined && resident.push(residentBytes(daemon.pid)), 250);
    const visit = async (first: number): Promise<void> => {
      const kinds = Object.entries(VISITS);
      for (let n = first; performance.now() < until; n++) {
        const [kind, pay] = kinds[n % kinds.length] ?? ['', async () => {}];
        visits[kind] = (visits[kind] ?? 0) + 1;
        await pay(daemon.port).catch((error: unknown) => complaints.length < 20 && complaints.push(`${kind}: ${error}`));
        await sleep(10);
      }
    };
    const over = sleep(SECONDS * 1000);
    await Promise.all([
      sendGoodMail(daemon, feeder, until),
      crawl(daemon.port, CRAWLERS, over),
      ...Array.from({ length: VISITORS }, (_, n) => visit(n * 2)),
    ]);
    clearInterval(gauge);
    expect(daemon.ended).toBeUndefined();
    await drain(daemon, 60_000, 1000);
    await daemon.waitFor('idle connections to close', () => ledger.connections === 0, 20_000);
    await daemon.waitFor('sockets to go', () => countSockets(daemon.pid) <= socketsBefore, 10_000).catch(() => undefined);
    const socketsAfter = countSockets(daemon.pid);

    // The first tenth is the way up.
    const settled = resident.slice(Math.floor(resident.length / 10));
    const [early, late] = [settled.slice(0, settled.length >> 1), settled.slice(settled.length >> 1)].map(median);
    const count = Object.values(visits).reduce((sum, one) => sum + one, 0);
    process.stdout.write(
      `${SECONDS} s: ${feeder.acknowledged.size} accepted, ${ledger.times.size} delivered, ${ledger.notices.size} bounced, ${count} hostile visits, resident ${((early ?? 0) / (1 << 20)).toFixed(0)} → ${((late ?? 0) / (1 << 20)).toFixed(0)} MiB, sockets ${socketsBefore} → ${socketsAfter}\n`,
    );
    const panic = daemon.fileLines('paniclog.ec');
    expect([...daemon.lines, ...panic].filter((line) => /a promise was left alone|caught by nobody|Unhandled/i.test(line))).toEqual([]);
    expect(complaints).toEqual([]);
    expect([...feeder.refused]).toEqual([]);
    expect(Object.keys(visits).length).toBe(Object.keys(VISITS).length);
    expect(ledger.strangers).toEqual([]);
    expect(ledger.missing(feeder.acknowledged)).toEqual([]);
    expect(ledger.repeats()).toEqual([]);
    expect([...ledger.notices].filter(([number, times]) => times > 1 || ledger.times.has(number))).toEqual([]);
    expect(ledger.notices.size).toBeGreaterThan(0);
    expect(socketsAfter).toBeLessThanOrEqual(socketsBefore);
    expect(late ?? 0).toBeLessThanOrEqual((early ?? 0) * GROWTH + WARM_BYTES);
    expect(await daemon.stop()).toBe('0');
    await daemon.end();
    await ledger.stop();
  });
});
