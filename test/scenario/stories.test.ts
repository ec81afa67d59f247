/** What operators live through: signals, a second daemon, reloads under load, pools of addresses, a name, a way between two Postfixes. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { planOf } from '../../src/module/fixture.js';
import { loadConfiguration } from '../../src/server/configuration.js';
import { Daemon as InnerDaemon } from '../../src/server/daemon.js';
import { startSink } from '../../src/tools/sink/sink.js';
import { startPostfix } from '../bench/postfix.js';
import { RawClient } from '../harness/client.js';
import { type Daemon, mainFile, startDaemon } from '../harness/daemon.js';
import { makePlace, plainConf } from '../harness/place.js';
import { swaks } from '../harness/program.js';
import { drain } from '../kill/drain.js';
import { Feeder } from '../kill/feeder.js';
import { Ledger } from '../kill/ledger.js';
import { needs } from '../needs.js';
import { Prober } from '../workers/team.js';

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

async function submit(port: number, from: string, to: string): Promise<void> {
  const client = await RawClient.connect(port);
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  expect((await client.deliver(from, [to], 'Subject: x\r\n\r\ny\r\n')).code).toBe(250);
  await client.command('QUIT', 221);
}

/** A client in the middle of a message. */
async function beginMessage(daemon: Daemon): Promise<RawClient> {
  const client = await RawClient.connect(daemon.port);
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  await client.command('MAIL FROM:<a@b.test>', 250);
  await client.command('RCPT TO:<c@d.test>', 250);
  await client.command('DATA', 354);
  client.send('Subject: x\r\n\r\n');
  return client;
}

describe('SIGTERM', () => {
  it('says what it waits for and waits; a second one ends every wait', { timeout: 30_000 }, async () => {
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: 9 }) });
    await beginMessage(daemon);
    // What several workers wait for comes with the beat.
    await sleep(1200);
    process.kill(daemon.pid, 'SIGTERM');
    await daemon.waitFor('its words', () => daemon.lines.some((line) => line.includes('stopping: SIGTERM')));
    await daemon.waitFor('what it waits for', () => daemon.lines.some((line) => /still waiting for 1 SMTP sessions/.test(line)));
    expect(daemon.ended).toBeUndefined();
    process.kill(daemon.pid, 'SIGTERM');
    await daemon.waitFor('its end', () => daemon.ended, 5000);
    expect(daemon.ended).toBe('0');
  });
});

describe('SIGHUP', () => {
  it('reopens the logs: what comes afterwards is in new files, nothing is lost', { timeout: 30_000 }, async () => {
    await using sink = await startSink();
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: sink.port }) });
    const received = (name: string): number => daemon.fileLines(name).filter((line) => line.split('@')[4] === 'R').length;
    await submit(daemon.port, 'a@sender.test', 'b@one.test');
    await daemon.waitFor('the first line', () => received('mainlog.ec') === 1);
    fs.renameSync(path.join(daemon.dir, 'mainlog.ec'), path.join(daemon.dir, 'mainlog.old'));
    process.kill(daemon.pid, 'SIGHUP');
    await daemon.waitFor('a new file', () => fs.existsSync(path.join(daemon.dir, 'mainlog.ec')));
    // Each worker opens it for itself.
    await sleep(300);
    for (let i = 0; i < 6; i++) await submit(daemon.port, 'a@sender.test', `b${i}@one.test`);
    await daemon.waitFor('the next lines', () => received('mainlog.ec') === 6);
    expect(received('mainlog.old')).toBe(1);
  });
});

describe('a second daemon', () => {
  it.each([
    ['console socket', (text: string, mine: string, theirs: string) => text.replace(mine, theirs), 'console.sock'],
    [
      'SMTP port',
      (text: string, _mine: string, _theirs: string, port: number) =>
        text.replace(/Listen "127\.0\.0\.1:\d+"/, `Listen "127.0.0.1:${port}"`),
      '127.0.0.1',
    ],
  ])('on the %s of the first is refused in one sentence, and the first goes on', { timeout: 30_000 }, async (_, change, named) => {
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: 9 }) });
    const other = await makePlace();
    const conf = path.join(other.dir, 'second.conf');
    const text = change(plainConf(other), other.consolePath, daemon.place.consolePath, daemon.port);
    fs.writeFileSync(conf, `${text}\nworkers = ${process.env.CELERIS_WORKERS ?? '1'}\n`);
    const { status, stderr } = spawnSync(process.execPath, [mainFile(), 'start', '-c', conf], { encoding: 'utf8', timeout: 20_000 });
    expect(stderr).toMatch(/celeris: .*NET_IN_USE/);
    expect(stderr).toContain(named);
    expect(status).toBe(75);
    expect(await daemon.console('pid')).toBe(String(daemon.pid));
    await submit(daemon.port, 'a@sender.test', 'b@one.test');
    fs.rmSync(other.dir, { recursive: true });
  });
});

describe('reloads every 100 ms under load', () => {
  it('lose nothing and refuse no connection', { timeout: 60_000 }, async () => {
    const ledger = await Ledger.start();
    const feeder = new Feeder();
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: ledger.port }) });
    const conf = path.join(daemon.dir, 'ecelerity.conf');
    const plain = fs.readFileSync(conf, 'utf8');
    const prober = new Prober(daemon.port);
    const load = feeder.start({ port: daemon.port, connections: 4 });
    const until = performance.now() + 5000;
    let reloads = 0;
    while (performance.now() < until) {
      fs.writeFileSync(conf, `${plain}\nmax_outbound_connections = ${10 + (reloads % 5)}\n`);
      expect(await daemon.console('config reload')).toContain('OK');
      reloads++;
      await sleep(100);
    }
    await load.stop();
    await prober.stop();
    await drain(daemon);
    expect(reloads).toBeGreaterThan(15);
    expect(prober.refused).toBe(0);
    expect(feeder.acknowledged.size).toBeGreaterThan(100);
    expect([...feeder.refused]).toEqual([]);
    expect(ledger.missing(feeder.acknowledged)).toEqual([]);
    expect([...ledger.times.values()].every((times) => times === 1)).toBe(true);
    await ledger.stop();
  });
});

describe('a pool of addresses', () => {
  it('each binding comes from its address under its name; of a group all take part', { timeout: 30_000 }, async () => {
    const names = ['seven', 'eight'];
    // A sink for each: it turns away who comes from elsewhere.
    const sinks = await Promise.all(
      ['127.0.0.7', '127.0.0.8'].map((ip) =>
        startSink({
          rules: [{ phase: 'connect', match: new RegExp(`^(?!${ip.replaceAll('.', '\\.')}$)`), reply: { code: 554, text: 'not you' } }],
        }),
      ),
    );
    const place = await makePlace();
    const bindings = names.map(
      (name, i) =>
        `binding "${name}" { bind_address = 127.0.0.${7 + i} ehlo_hostname = "${name}.pool.test" remote_smtp_port = ${sinks[i]?.port} }`,
    );
    const conf = path.join(place.dir, 'ecelerity.conf');
    fs.writeFileSync(conf, plainConf(place, { sinkPort: 9, more: `binding_group "pool" { ${bindings.join('\n')} }\n` }));
    const configured = await loadConfiguration(conf);
    if (!configured.ok) throw new Error(JSON.stringify(configured.problems));
    const choose = planOf({
      name: 'choose',
      register: (ctx) => ctx.on('assign', (mail) => ({ group: 'pool', ...(mail.sender?.local === 'b' && { binding: 'eight' }) })),
    });
    const daemon = await InnerDaemon.start(conf, configured.snapshot, [choose]);
    try {
      for (let i = 0; i < 24; i++) await submit(place.port, 'a@sender.test', `u${i}@one.test`);
      for (let i = 0; i < 6; i++) await submit(place.port, 'b@sender.test', `v${i}@one.test`);
      await expect.poll(() => sinks.reduce((sum, { messages }) => sum + messages, 0), { timeout: 10_000 }).toBe(30);
      for (const [i, sink] of sinks.entries()) {
        expect(new Set(sink.received.map(({ helo }) => helo))).toEqual(new Set([`${names[i]}.pool.test`]));
        expect(sink.received.filter(({ from }) => from === 'a@sender.test').length).toBeGreaterThan(0);
      }
      expect(sinks[1]?.received.filter(({ from }) => from === 'b@sender.test').length).toBe(6);
    } finally {
      await daemon.stop(AbortSignal.timeout(5000));
      for (const sink of sinks) await sink.close();
      fs.rmSync(place.dir, { recursive: true });
    }
  });
});

describe('hostname', () => {
  it('is the name in banner, EHLO answer, Received, our own EHLO and notices', { timeout: 30_000 }, async () => {
    await using sink = await startSink({ rules: [{ phase: 'rcpt', match: /^bad@/, reply: { code: 550, text: '5.1.1 no' } }] });
    await using daemon = await startDaemon({
      conf: (place) => plainConf(place, { sinkPort: sink.port }).replace('mta.celeris.test', 'relay.renamed.test'),
    });
    const client = await RawClient.connect(daemon.port);
    expect((await client.expect(220)).texts.join(' ')).toMatch(/^relay\.renamed\.test /);
    expect((await client.command('EHLO client.test', 250)).texts[0]).toMatch(/^relay\.renamed\.test/);
    await client.deliver('a@sender.test', ['good@one.test'], 'Subject: x\r\n\r\ny\r\n');
    await client.deliver('a@sender.test', ['bad@one.test'], 'Subject: x\r\n\r\ny\r\n');
    await sink.waitFor(2);
    const [mail, notice] = [sink.received.find(({ from }) => from !== ''), sink.received.find(({ from }) => from === '')];
    expect(mail?.helo).toBe('relay.renamed.test');
    expect(mail?.raw.toString()).toMatch(/^Received: from [^\0]*?\bby relay\.renamed\.test /m);
    const text = notice?.raw.toString() ?? '';
    for (const words of ['mailer-daemon@relay.renamed.test', 'Reporting-MTA: dns;relay.renamed.test', '@relay.renamed.test>'])
      expect(text).toContain(words);
  });
});

needs('postfix', 'swaks')('from one Postfix to another', () => {
  it('a message passes with its body and both traces', { timeout: 60_000 }, async () => {
    await using sink = await startSink();
    const behind = await startPostfix(sink.port);
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { sinkPort: behind.port }) });
    const before = await startPostfix(daemon.port);
    try {
      const body = `Grüße\n.dot\n${'z'.repeat(900)}\n`;
      const run = await swaks(before.port, ['--to', 'bob@far.test', '--body', body, '--h-Subject', 'over three']);
      expect(run.status).toBe(0);
      await sink.waitFor(1, 20_000);
      const raw = sink.received[0]?.raw.toString() ?? '';
      expect(raw).toContain(body.replaceAll('\n', '\r\n').trimEnd());
      expect(raw).toMatch(/Subject: over three/);
      const by = [...raw.matchAll(/\bby (\S+) \(?/g)].map(([, name]) => name);
      expect(by.filter((name) => name === 'postfix.celeris.test').length).toBe(2);
      expect(by).toContain('mta.celeris.test');
      expect(by.indexOf('mta.celeris.test')).toBe(1);
    } finally {
      await before.stop();
      await behind.stop();
    }
  });
});
