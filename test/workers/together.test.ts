/** Several workers as one daemon: one heartbeat, one console, one configuration, one memory of TLS sessions. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import type tls from 'node:tls';
import { describe, expect, it } from 'vitest';
import { startSink } from '../../src/tools/sink/sink.js';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { freePort, makePlace, plainConf } from '../harness/place.js';
import { drain } from '../kill/drain.js';
import { Ledger } from '../kill/ledger.js';
import { startsOf, workersOf } from './team.js';

/** One message over a connection of its own; answers its id. */
async function submit(daemon: Daemon, to: string): Promise<string> {
  const client = await RawClient.connect(daemon.port);
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  const reply = await client.deliver('a@sender.test', [to], 'Subject: x\r\n\r\ny\r\n');
  expect(reply.code).toBe(250);
  await client.command('QUIT', 221);
  return reply.texts.join(' ').split(' ').at(-1) ?? '';
}

/** Messages until so many workers have taken some. */
async function submitToAll(daemon: Daemon, workers: number): Promise<string[]> {
  const ids: string[] = [];
  await daemon.waitFor(
    'mail in every worker',
    async () => {
      ids.push(await submit(daemon, `m${ids.length}@one.test`));
      return startsOf(daemon).size === workers;
    },
    20_000,
  );
  return ids;
}

describe('the heartbeat of the log', () => {
  it('is one for the daemon, and goes on when the worker that wrote it is killed', { timeout: 60_000 }, async () => {
    await using daemon = await startDaemon({
      conf: (place) =>
        `${plainConf(place, { sinkPort: 9 }).replace('ec_logger "main" {', 'ec_logger "main" {\n  heartbeat = 1')}\nworkers = 2\n`,
    });
    const beats = (): number => daemon.fileLines('mainlog.ec').filter((line) => line.endsWith('@@@@M1')).length;
    await new Promise((done) => setTimeout(done, 5200));
    expect(beats()).toBeGreaterThanOrEqual(4);
    expect(beats()).toBeLessThanOrEqual(6);
    const before = beats();
    const [first = 0] = workersOf(daemon);
    process.kill(first, 'SIGKILL');
    await new Promise((done) => setTimeout(done, 4200));
    expect(beats() - before).toBeGreaterThanOrEqual(2);
    expect(beats() - before).toBeLessThanOrEqual(5);
  });
});

describe('the console', () => {
  it('answers for all workers: rows, sums, and the one that has a message', { timeout: 60_000 }, async () => {
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: 9, more: 'workers = 3\n' }) });
    const ids = await submitToAll(daemon, 3);
    // A gateway is the domain that mail is queued for.
    const domain = '[127.0.0.1]';
    expect(await daemon.consoleJson('summary')).toMatchObject({ received: ids.length, totalQueueSize: ids.length });
    expect(await daemon.console('summary')).toContain(`Received Messages:\t${ids.length}`);
    expect(await daemon.consoleJson('mailq')).toMatchObject([{ domain, total: ids.length }]);
    expect(await daemon.console('mailq')).toContain(domain);
    expect(await daemon.consoleJson('domains')).toMatchObject([{ domain, total: ids.length }]);
    expect(await daemon.consoleJson(`domain ${domain}`)).toMatchObject({ places: [{ total: ids.length }] });
    const shown = (await daemon.consoleJson(`showqueue ${domain} 1000`)) as { id: string }[];
    expect(shown.map(({ id }) => id).sort()).toEqual([...ids].sort());
    const paged = [
      ...((await daemon.consoleJson(`showqueue ${domain} 2`)) as { id: string }[]),
      ...((await daemon.consoleJson(`showqueue ${domain} 1000,2`)) as { id: string }[]),
    ];
    expect(new Set(paged.map(({ id }) => id)).size).toBe(ids.length);
    for (const id of ids) expect(await daemon.consoleJson(`message details ${id}`)).toMatchObject({ id });
    await expect(daemon.console('message details 00/00-00000-00000000')).rejects.toThrow(/no message/);
    expect(await daemon.console('pid')).toBe(String(daemon.pid));
    expect(await daemon.console(`suspend domain ${domain}`)).toContain('suspended');
    expect(await daemon.console(`fail domain quiet ${domain}`)).toContain(`purged, ${ids.length} messages failed.`);
    await daemon.waitFor('an empty queue', async () => ((await daemon.consoleJson('summary')) as { queued: number }).queued === 0);
    await daemon.console('summary reset');
    expect(await daemon.consoleJson('summary')).toMatchObject({ received: 0 });
  });

  it('shutdown says what each worker waits for, and all of them end', { timeout: 30_000 }, async () => {
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: 9, more: 'workers = 2\n' }) });
    const client = await RawClient.connect(daemon.port);
    await client.expect(220);
    await client.command('EHLO client.test', 250);
    await client.command('MAIL FROM:<a@b.test>', 250);
    await client.command('RCPT TO:<c@d.test>', 250);
    await client.command('DATA', 354);
    client.send('Subject: x\r\n\r\n');
    // What is waited for comes with the beat.
    await new Promise((done) => setTimeout(done, 1500));
    expect(await daemon.console('shutdown')).toMatch(/waiting for 1 SMTP sessions of worker \d/);
    await new Promise((done) => setTimeout(done, 300));
    expect(daemon.ended).toBeUndefined();
    client.send('.\r\n');
    await client.expect(250);
    client.line('NOOP');
    await daemon.waitFor('the end', () => daemon.ended);
    expect(daemon.ended).toBe('0');
  });
});

describe('a new configuration', () => {
  it('opens and closes sockets for all workers, and a bad one changes nothing', { timeout: 30_000 }, async () => {
    const extra = await freePort();
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: 9, more: 'workers = 2\n' }) });
    const conf = path.join(daemon.dir, 'ecelerity.conf');
    const plain = fs.readFileSync(conf, 'utf8');
    const isOpen = (port: number): Promise<boolean> =>
      new Promise((done) => {
        const socket = net.connect(port, '127.0.0.1');
        socket.once('data', () => {
          done(true);
          socket.destroy();
        });
        socket.once('error', () => done(false));
        socket.once('close', () => done(false));
      });
    fs.writeFileSync(conf, plain.replace('ESMTP_Listener {', `ESMTP_Listener { Listen "127.0.0.1:${extra}" { }`));
    expect(await daemon.console('config reload')).toContain('OK');
    for (let i = 0; i < 6; i++) expect(await isOpen(extra)).toBe(true);
    // A worker that starts later serves it too.
    const before = workersOf(daemon);
    process.kill(before[1] ?? 0, 'SIGKILL');
    await daemon.waitFor('a successor', () => workersOf(daemon).length === 2 && !workersOf(daemon).includes(before[1] ?? 0));
    for (let i = 0; i < 6; i++) expect(await isOpen(extra)).toBe(true);
    fs.writeFileSync(conf, `${plain}\nmax_outbund_connections = 8\n`);
    await expect(daemon.console('config reload')).rejects.toThrow(/Reconfigure failed/);
    expect(await isOpen(extra)).toBe(true);
    fs.writeFileSync(conf, `${plain}\nmax_outbound_connections = 7\n`);
    expect(await daemon.console('config reload')).toContain('OK');
    expect(await isOpen(extra)).toBe(false);
    expect(await isOpen(daemon.port)).toBe(true);
    expect(await daemon.consoleJson('config eval max_outbound_connections')).toMatchObject({ value: 7 });
  });
});

describe.skipIf(process.getuid?.() !== 0)('workers that gave up root', () => {
  const NOBODY = 65_534;
  const identityOf = (pid: number): string => /^Uid:\s+(.*)$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';

  it('serve the sockets that root bound, also those that are started later, and the supervisor stays root', {
    timeout: 30_000,
  }, async () => {
    const place = await makePlace();
    fs.mkdirSync(path.join(place.dir, 'spool'));
    fs.chownSync(path.join(place.dir, 'spool'), NOBODY, NOBODY);
    fs.chownSync(place.dir, NOBODY, NOBODY);
    const conf = plainConf(place, { sinkPort: 9, more: 'workers = 2\n' }).replace(
      /security \{.*\}/,
      'security { user = "nobody" group = "nogroup" }',
    );
    await using daemon = await startDaemon({ conf, place });
    for (const pid of workersOf(daemon)) expect(identityOf(pid)).toBe([NOBODY, NOBODY, NOBODY, NOBODY].join('\t'));
    expect(identityOf(daemon.pid)).toBe('0\t0\t0\t0');
    const [, victim = 0] = workersOf(daemon);
    process.kill(victim, 'SIGKILL');
    await daemon.waitFor('a successor', async () => {
      const { workers } = (await daemon.consoleJson('summary')) as { workers: number };
      return workers === 2 && !workersOf(daemon).includes(victim);
    });
    await submitToAll(daemon, 2);
    for (const pid of workersOf(daemon)) expect(identityOf(pid)).toBe([NOBODY, NOBODY, NOBODY, NOBODY].join('\t'));
    expect(await daemon.stop()).toBe('0');
  });
});

describe('TLS sessions', () => {
  it('that one worker began are resumed by the others', { timeout: 30_000 }, async () => {
    const place = await makePlace();
    const [key, cert] = [path.join(place.dir, 'key.pem'), path.join(place.dir, 'cert.pem')];
    const words = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=mta.test';
    execFileSync('openssl', [...words.split(' '), '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const conf = plainConf(place, { sinkPort: 9, more: 'workers = 3\n' }).replace(
      'ESMTP_Listener {',
      `ESMTP_Listener { TLS_Certificate = "${cert}" TLS_Key = "${key}"`,
    );
    await using daemon = await startDaemon({ conf, place });
    const ask = async (session: Buffer | undefined): Promise<{ reused: boolean; session: Buffer | undefined }> => {
      const client = await RawClient.connect(daemon.port);
      await client.expect(220);
      await client.command('EHLO client.test', 250);
      await client.command('STARTTLS', 220);
      const secure: tls.TLSSocket = await client.startTls({ maxVersion: 'TLSv1.2', ...(session && { session }) });
      const got = { reused: secure.isSessionReused(), session: secure.getSession() };
      await client.command('QUIT', 221);
      return got;
    };
    const { session } = await ask(undefined);
    const reused: boolean[] = [];
    for (let i = 0; i < 9; i++) reused.push((await ask(session)).reused);
    expect(reused).toEqual(Array(9).fill(true));
  });
});

describe('fewer workers than before', () => {
  it('deliver all parts: 4, then 2, then 1', { timeout: 60_000 }, async () => {
    const place = await makePlace();
    const sinkPort = await freePort();
    const conf = (workers: number): string => plainConf(place, { sinkPort, more: `workers = ${workers}\n` });
    await using four = await startDaemon({ conf: conf(4), place });
    const ids = await submitToAll(four, 4);
    expect(await four.stop()).toBe('0');
    expect(fs.readdirSync(path.join(place.dir, 'spool', 'parts')).sort()).toEqual(['0', '1', '2', '3']);
    await using two = await startDaemon({ conf: conf(2), place });
    await two.waitFor('all mail', async () => ((await two.consoleJson('summary')) as { queued: number }).queued === ids.length);
    expect(await two.stop()).toBe('0');
    await using sink = await startSink({ port: sinkPort });
    await using one = await startDaemon({ conf: conf(1), place });
    await one.waitFor('recovery', async () => ((await one.consoleJson('summary')) as { loadingPercent: number }).loadingPercent === 100);
    await one.console('flush domain all');
    await sink.waitFor(ids.length);
    expect(new Set(sink.received.flatMap(({ to }) => to)).size).toBe(ids.length);
    await drain(one);
    expect(sink.messages).toBe(ids.length);
  });
});

describe('more workers than before', () => {
  it('give ids that nobody has had', { timeout: 30_000 }, async () => {
    const ledger = await Ledger.start();
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: ledger.port, more: 'workers = 4\n' }) });
    const ids = await submitToAll(daemon, 4);
    expect(new Set(ids).size).toBe(ids.length);
    await drain(daemon);
    await ledger.stop();
  });
});
