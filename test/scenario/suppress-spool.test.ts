/** Mail that is acknowledged before it is written: where it is, when it is written, and what a kill costs. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseSaying } from '../../src/tools/sink/rule.js';
import { startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { freePort, makePlace, type Place, plainConf } from '../harness/place.js';

const UNSAFE = '_unsafe_spool = true\nsuppress_spool "fast" { }\n';
const suppressed =
  (sinkPort: number, more = '') =>
  (place: Place): string =>
    plainConf(place, { sinkPort, more: `${UNSAFE}${more}` });

/** Over several connections, so that several workers take some. */
async function submit(daemon: Daemon, count: number, size = 20): Promise<void> {
  const most = Math.ceil(count / 8);
  for (let from = 0; from < count; from += most) await submitSome(daemon, from, Math.min(most, count - from), size);
}

async function submitSome({ port }: Daemon, from: number, count: number, size: number): Promise<void> {
  const client = await RawClient.connect(port);
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  const mail = `From: alice@sender.test\r\nSubject: hi\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(Math.ceil(size / 72))}`;
  for (let i = 0; i < count; i++) expect((await client.deliver('alice@sender.test', [`user${from + i}@one.test`], mail)).code).toBe(250);
  await client.command('QUIT', 221);
}

/** Octets of receptions on the disk, without the heads of files. */
function spooledBytes({ dir }: Daemon): number {
  const folder = path.join(dir, 'spool', 'parts');
  const logs = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => path.basename(name).startsWith('accept-'));
  return logs.reduce(
    (sum, name) =>
      sum +
      fs
        .readFileSync(path.join(folder, name))
        .subarray(1024)
        .filter((octet) => octet !== 0).length,
    0,
  );
}

const statsOf = async (daemon: Daemon): Promise<Record<string, number>> =>
  ((await daemon.consoleJson('suppress_spool:fast stats')) as Record<string, number>[])[0] ?? {};
/** Sum of the numbers that the lines with these words begin with. */
const told = ({ lines }: Daemon, words: RegExp): number =>
  lines.reduce((sum, line) => sum + Number(new RegExp(`(\\d+) ${words.source}`).exec(line)?.[1] ?? 0), 0);
const queued = async (daemon: Daemon): Promise<number> => ((await daemon.consoleJson('summary')) as { queued: number }).queued;

describe('suppress_spool', () => {
  it('mail that leaves at once never touches the disk; a large body does', async () => {
    await using sink = await startSink();
    await using daemon = await startDaemon({ conf: suppressed(sink.port) });
    await submit(daemon, 60);
    await sink.waitFor(60);
    await daemon.waitFor('empty queue', async () => (await queued(daemon)) === 0);
    expect(await statsOf(daemon)).toMatchObject({ in_memory: 0, forced_writes: 0, written_after_failures: 0, delivered_without_disk: 60 });
    expect(spooledBytes(daemon)).toBe(0);
    await submit(daemon, 1, 200_000);
    await sink.waitFor(61);
    expect(spooledBytes(daemon)).toBeGreaterThan(0);
  });

  it('mail that fails is written after its third attempt', async () => {
    await using sink = await startSink({ rules: [parseSaying('rcpt=451 4.3.0 later')] });
    await using daemon = await startDaemon({ conf: suppressed(sink.port, 'retry_interval = 2\nmax_retry_interval = 2\n') });
    await submit(daemon, 3);
    const attempts = (): number => daemon.fileLines('mainlog.ec').filter((line) => line.split('@')[4] === 'T').length;
    await daemon.waitFor('a failure each', () => attempts() >= 3);
    expect(await statsOf(daemon)).toMatchObject({ in_memory: 3, written_after_failures: 0 });
    await daemon.waitFor(
      'third failure',
      async () => {
        const { in_memory, written_after_failures } = await statsOf(daemon);
        return written_after_failures === 3 && in_memory === 0;
      },
      15_000,
    );
    await daemon.waitFor('three failures each', () => attempts() >= 9);
    expect(spooledBytes(daemon)).toBeGreaterThan(0);
    expect(await statsOf(daemon)).toMatchObject({ in_memory: 0, forced_writes: 0 });
  });

  it('an orderly end writes everything, and the next start delivers it', async () => {
    const place = await makePlace();
    const sinkPort = await freePort();
    const conf = suppressed(sinkPort, 'retry_interval = 600\n')(place);
    const first = await startDaemon({ conf, place });
    await submit(first, 300);
    expect((await statsOf(first)).in_memory).toBe(300);
    expect(spooledBytes(first)).toBe(0);
    expect(await first.stop()).toBe('0');
    expect(told(first, /messages that are in memory only are being written/)).toBe(300);
    expect(spooledBytes(first)).toBeGreaterThan(0);
    await using sink = await startSink({ port: sinkPort });
    const second = await startDaemon({ conf, place });
    await second.waitFor(
      'old mail',
      async () => ((await second.consoleJson('summary')) as { loadingPercent: number }).loadingPercent === 100,
    );
    await second.console('flush domain all');
    await sink.waitFor(300);
    expect(new Set(sink.received.flatMap(({ to }) => to)).size).toBe(300);
    expect(second.lines.some((line) => line.includes('lost'))).toBe(false);
    await second.end();
  });

  it('a kill loses what is in memory, and the next start says how much', async () => {
    const place = await makePlace();
    const conf = suppressed(await freePort(), 'retry_interval = 600\n')(place);
    const first = await startDaemon({ conf, place });
    await submit(first, 17);
    await first.kill();
    const second = await startDaemon({ conf, place });
    await second.waitFor('the count', () => told(second, /messages were in memory only/) === 17);
    expect(await queued(second)).toBe(0);
    expect(await second.stop()).toBe('0');
    const third = await startDaemon({ conf, place });
    await third.waitFor('start', async () => ((await third.consoleJson('summary')) as { loadingPercent: number }).loadingPercent === 100);
    expect(third.lines.some((line) => line.includes('in memory only'))).toBe(false);
    await third.end();
  });

  it('max_resident_messages forces writes', async () => {
    await using daemon = await startDaemon({
      conf: (place) => suppressed(9, 'max_resident_messages = 5\nretry_interval = 600\n')(place),
    });
    await submit(daemon, 25);
    await daemon.waitFor('writes', async () => {
      const { in_memory = 99, forced_writes = 0 } = await statsOf(daemon);
      return in_memory <= 5 && forced_writes >= 20;
    });
    expect(spooledBytes(daemon)).toBeGreaterThan(0);
    expect(await queued(daemon)).toBe(25);
  });

  it('is refused without _unsafe_spool', async () => {
    const started = startDaemon({ conf: (place) => plainConf(place, { sinkPort: 9, more: 'suppress_spool "fast" { }\n' }) });
    await expect(started).rejects.toThrow(/_unsafe_spool = true/);
  });
});
