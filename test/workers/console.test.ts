/** Commands that two workers answer as one: rehearsals, filters, new ticket keys. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { makePlace, plainConf } from '../harness/place.js';
import { startsOf, untilBothServe, workersOf } from './team.js';

/** One message over a connection of its own; answers its id. */
async function submit(daemon: Daemon, from: string, to: string): Promise<string> {
  const client = await RawClient.connect(daemon.port);
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  const reply = await client.deliver(from, [to], 'Subject: x\r\n\r\ny\r\n');
  await client.command('QUIT', 221);
  return reply.texts.join(' ').split(' ').at(-1) ?? '';
}

describe('rehearsals', () => {
  it('tell what the deed then does, over all workers', { timeout: 60_000 }, async () => {
    await using daemon = await startDaemon({
      conf: (place) => plainConf(place, { more: 'routes = ( "127.0.0.1" )\nremote_smtp_port = 9\nworkers = 2\n' }),
    });
    const ids: string[] = [];
    let wanted = 0;
    // Each worker has mail of both senders in both domains.
    for (const domain of ['one.test', 'two.test'])
      for (const sender of ['a@sender.test', 'b@sender.test']) {
        const starts = new Set<string>();
        await daemon.waitFor('mail in both workers', async () => {
          const id = await submit(daemon, sender, `user${ids.length}@${domain}`);
          ids.push(id);
          if (domain === 'two.test' && sender === 'b@sender.test') wanted++;
          starts.add(id.split('-')[1] ?? '');
          return starts.size === 2;
        });
      }
    expect(startsOf(daemon).size).toBe(2);
    const delayed = async (): Promise<number> => ((await daemon.consoleJson('summary')) as { delayedQueueSize: number }).delayedQueueSize;
    await daemon.waitFor('all of it put off', async () => (await delayed()) === ids.length);
    for (const id of ids) expect(await daemon.console(`message fail --dry-run ${id}`)).toBe('would touch 1 messages in 1 queues');
    await expect(daemon.console('message fail --dry-run 00/00-00000-00000000')).rejects.toThrow(/no message/);
    const rehearsals = ['fail domain', 'fail domain quiet', 'binding fail domain default'];
    for (const command of rehearsals)
      expect(await daemon.console(`${command} --dry-run two.test --sender b@sender.test`)).toBe(
        `would touch ${wanted} messages in 1 queues`,
      );
    expect(await daemon.consoleJson('fail domain --dry-run all')).toEqual({
      messages: ids.length,
      queues: 2,
      names: expect.arrayContaining(['default/default/one.test', 'default/default/two.test']),
    });
    for (const command of ['fail all', 'flush all', 'reroute queue all other.test', 'rebind all', 'hold all'])
      expect(await daemon.console(`${command} --dry-run --binding default`)).toBe(`would touch ${ids.length} messages in 2 queues`);
    expect(await delayed()).toBe(ids.length);
    expect(await daemon.console('fail domain quiet two.test --sender b@sender.test')).toBe(`two.test purged, ${wanted} messages failed.`);
    await daemon.waitFor('the rest', async () => (await delayed()) === ids.length - wanted);
    expect(await daemon.console('fail all quiet --domain one.test')).toMatch(/^\d+ messages failed in 1 queues\.$/);
  });
});

describe('tls rekey', () => {
  it('ends the resumption of sessions in all workers, those that start later too', { timeout: 60_000 }, async () => {
    const place = await makePlace();
    const [key, cert] = [path.join(place.dir, 'key.pem'), path.join(place.dir, 'cert.pem')];
    const words = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=mta.test';
    execFileSync('openssl', [...words.split(' '), '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const conf = plainConf(place, { sinkPort: 9, more: 'workers = 2\n' }).replace(
      'ESMTP_Listener {',
      `ESMTP_Listener { TLS_Certificate = "${cert}" TLS_Key = "${key}"`,
    );
    await using daemon = await startDaemon({ conf, place });
    const ask = async (session?: Buffer): Promise<{ reused: boolean; session: Buffer | undefined }> => {
      const client = await RawClient.connect(daemon.port);
      await client.expect(220);
      await client.command('EHLO client.test', 250);
      await client.command('STARTTLS', 220);
      const secure = await client.startTls({ maxVersion: 'TLSv1.2', ...(session && { session }) });
      const got = { reused: secure.isSessionReused(), session: secure.getSession() };
      await client.command('QUIT', 221);
      return got;
    };
    const reuse = async (session: Buffer | undefined): Promise<ReadonlySet<boolean>> => {
      const reused = new Set<boolean>();
      for (let i = 0; i < 8; i++) reused.add((await ask(session)).reused);
      return reused;
    };
    const { session: old } = await ask();
    expect(await reuse(old)).toEqual(new Set([true]));
    expect(await daemon.console('tls rekey')).toBe('TLS ticket keys changed.');
    await daemon.waitFor('new keys everywhere', async () => !(await reuse(old)).has(true));
    const { session: fresh } = await ask();
    expect(await reuse(fresh)).toEqual(new Set([true]));
    const victim = workersOf(daemon)[1] ?? 0;
    process.kill(victim, 'SIGKILL');
    await daemon.waitFor('a successor', () => workersOf(daemon).length === 2 && !workersOf(daemon).includes(victim));
    await untilBothServe(daemon);
    expect(await reuse(fresh)).toEqual(new Set([true]));
    expect(await reuse(old)).toEqual(new Set([false]));
  });
});
