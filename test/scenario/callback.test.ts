/** smtp_cbv and smtp_rcptto_proxy with the real daemon: a real Postfix and scripted servers are asked, names come from a name server of the test. */
import fs from 'node:fs';
import path from 'node:path';
import { type Answer, decode, encode, type Packet } from 'dns-packet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeDisk } from '../../src/kernel/node-disk.js';
import { listMessages, showMessage } from '../../src/spool/show.js';
import { type Sink, startSink } from '../../src/tools/sink/sink.js';
import { startPostfix } from '../bench/postfix.js';
import { NameServerAt, type Question } from '../dns/name-server.js';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { freePort, makePlace, type Place, plainConf } from '../harness/place.js';
import { needs } from '../needs.js';

const [POSTFIX, GREY, SLOW, CLOSING, NOBODY] = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.9'];

const mx = (domain: string, ...exchanges: string[]): [string, Answer[]] => [
  `MX ${domain}`,
  exchanges.map((exchange, n) => ({ type: 'MX', name: domain, ttl: 60, data: { preference: 10 * (n + 1), exchange } })),
];
const a = (name: string, ip: string): [string, Answer[]] => [`A ${name}`, [{ type: 'A', name, ttl: 60, data: ip }]];

const ZONE = new Map<string, Answer[]>([
  mx('good.test', 'mx.good.test'),
  mx('backup.test', 'down.test', 'mx.good.test'),
  mx('null.test', '.'),
  a('mx.good.test', POSTFIX),
  a('plain.test', POSTFIX),
  a('grey.test', GREY),
  a('slow.test', SLOW),
  a('closing.test', CLOSING),
  a('down.test', NOBODY),
  a('a.test', POSTFIX),
  a('b.test', POSTFIX),
]);

const answer = (question: Question): void => {
  const asked = decode(question.query) as Packet & { id: number };
  const name = question.name.toLowerCase();
  const isKnown = [...ZONE.keys()].some((key) => key.endsWith(` ${name}`));
  const answers = ZONE.get(`${question.type} ${name}`) ?? [];
  question.send(encode({ type: 'response', id: asked.id, flags: 0x0180 | (isKnown ? 0 : 3), questions: asked.questions ?? [], answers }));
};

/** What is remembered, who is being asked, and which connections are kept, each worker knows for itself. */
const ALONE = '\nworkers = 1\n';

/** Nothing is delivered; what is asked goes to servers on loopback. */
function conf(place: Place, names: NameServerAt, more: string): string {
  fs.writeFileSync(path.join(place.dir, 'resolv.conf'), `nameserver [127.0.0.1]:${names.port}\noptions timeout:1 attempts:1\n`);
  const common = ['suspend_delivery = true', 'deliver_to_private = true', `resolv_conf = "${place.dir}/resolv.conf"`, more];
  return plainConf(place, { more: `${common.join('\n')}\n` });
}

let count = 0;

/** Sends a message and answers its context, and how long its MAIL took. */
async function send(daemon: Daemon, from: string): Promise<{ facts: Record<string, string>; ms: number }> {
  const to = `r${++count}@rcpt.test`;
  const client = await RawClient.connect(daemon.port, { timeoutMs: 20_000 });
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  const begun = performance.now();
  await client.command(`MAIL FROM:<${from}>`, 250);
  const ms = performance.now() - begun;
  await client.command(`RCPT TO:<${to}>`, 250);
  await client.command('DATA', 354);
  await client.command('Subject: x\r\n\r\nx\r\n.', 250);
  await client.command('QUIT', 221);
  const root = path.join(daemon.dir, 'spool');
  const id = await daemon.waitFor('message in the spool', async () => {
    for await (const row of listMessages(nodeDisk, root)) if (row.recipient === to) return row.id;
    return undefined;
  });
  const { facts } = await showMessage(nodeDisk, root, id);
  return { facts: Object.fromEntries(facts), ms };
}

const isRoot = process.getuid?.() === 0;

// Postfix's daemons need root.
(isRoot ? needs('postfix') : (title: string, suite: () => void) => void describe.skip(title, suite))('asking a real Postfix', () => {
  let names: NameServerAt;
  let postfix: Awaited<ReturnType<typeof startPostfix>>;
  const sinks: Sink[] = [];
  /** How many clients Postfix has seen. */
  const seen = (): number => fs.readFileSync(postfix.logFile, 'utf8').split(': connect from ').length - 1;

  beforeAll(async () => {
    names = await NameServerAt.open(answer);
    postfix = await startPostfix(9, [
      'virtual_mailbox_domains = good.test, backup.test, plain.test, alias.test',
      'virtual_mailbox_maps = regexp:{{/^(ann|u[0-9]+)@/ x}}',
      'virtual_transport = discard',
      // A question opens a message that never comes; Postfix would slow down those who ask too many.
      'in_flow_delay = 0',
    ]);
    const { port } = postfix;
    sinks.push(await startSink({ host: GREY, port, rules: [{ phase: 'rcpt', reply: { code: 450, text: '4.2.0 greylisted' } }] }));
    sinks.push(await startSink({ host: SLOW, port, rules: [{ phase: 'rcpt', end: 'hang' }] }));
    sinks.push(await startSink({ host: CLOSING, port, rules: [{ phase: 'rcpt', end: 'drop' }] }));
  }, 60_000);
  afterAll(async () => {
    for (const sink of sinks) await sink.close();
    await postfix?.stop();
    await names?.close();
  });

  const cbv = (place: Place, more = ''): string =>
    conf(place, names, `smtp_cbv "cbv" { port = ${postfix.port} timeout = 3 map = [ alias.test = "good.test" ] ${more} }`);

  describe('smtp_cbv', () => {
    it('passes who lives there, and marks who does not, on one connection each within the time', async () => {
      await using daemon = await startDaemon({ conf: (place) => cbv(place) + ALONE });
      const before = seen();
      expect((await send(daemon, 'ann@good.test')).facts).toEqual({ smtp_cbv_result: 'pass' });
      expect((await send(daemon, 'bob@good.test')).facts).toEqual({ smtp_cbv_result: 'error' });
      await expect.poll(() => seen() - before).toBe(2);
      for (const local of ['ann', 'bob', 'ann']) await send(daemon, `${local}@good.test`);
      expect(seen() - before).toBe(2);
      expect(await daemon.consoleJson('smtp_cbv:cbv stats')).toMatchObject([{ calls: 2, cached: 3, pass: 1, fail: 1 }]);
      // All callbacks said goodbye, and none of them went on to DATA.
      const goodbye = /disconnect from .* ehlo=1 mail=1 rcpt=1 rset=1 quit=1 commands=5/;
      await expect.poll(() => fs.readFileSync(postfix.logFile, 'utf8')).toMatch(goodbye);
      const log = fs.readFileSync(postfix.logFile, 'utf8');
      expect(log).toMatch(
        /NOQUEUE: reject: RCPT from .*<bob@good\.test>: Recipient address rejected: User unknown.*from=<> to=<bob@good\.test>/,
      );
      expect(log).not.toMatch(/ data=/);
    });

    it('is transient where the server says later, nothing, or good-bye, and MAIL is answered in time', { timeout: 60_000 }, async () => {
      await using daemon = await startDaemon({ conf: (place) => cbv(place) });
      for (const domain of ['grey.test', 'closing.test', 'slow.test', 'down.test']) {
        const { facts, ms } = await send(daemon, `ann@${domain}`);
        expect([domain, facts]).toEqual([domain, { smtp_cbv_result: 'transient' }]);
        expect(ms).toBeLessThan(4000);
      }
      expect(await daemon.consoleJson('smtp_cbv:cbv verify ann@grey.test')).toMatchObject([
        { status: 'transient', text: '450 4.2.0 greylisted' },
      ]);
    });

    it('goes by the names: the second exchanger, the map, the domain itself, a null MX, and no such domain', async () => {
      await using daemon = await startDaemon({ conf: (place) => cbv(place) });
      const expected = { 'backup.test': 'pass', 'alias.test': 'pass', 'plain.test': 'pass', 'null.test': 'error', 'gone.test': 'error' };
      const results: Record<string, unknown> = {};
      for (const domain of Object.keys(expected)) results[domain] = (await send(daemon, `ann@${domain}`)).facts.smtp_cbv_result;
      expect(results).toEqual(expected);
      expect((await send(daemon, '')).facts).toEqual({});
    });

    it('is a function only where it is not enabled', async () => {
      await using daemon = await startDaemon({ conf: (place) => cbv(place, 'enabled = false probe_catchall = true') });
      expect((await send(daemon, 'bob@good.test')).facts).toEqual({});
      expect(await daemon.consoleJson('smtp_cbv:cbv verify ann@good.test')).toMatchObject([{ status: 'pass', catch_all: false }]);
    });
  });

  describe('smtp_rcptto_proxy', () => {
    const proxy = (place: Place, host: string, more = ''): string =>
      conf(
        place,
        names,
        `smtp_rcptto_proxy { host = "${host}:${postfix.port}" timeout = 2 domains = ( "*.test" ) ${more} }\nrelay_domains = ( "*.test" )`,
      );
    const open = async (daemon: Daemon): Promise<RawClient> => {
      const client = await RawClient.connect(daemon.port, { timeoutMs: 30_000 });
      await client.expect(220);
      await client.command('EHLO client.test', 250);
      await client.command('MAIL FROM:<x@sender.test>', 250);
      return client;
    };

    it('lets known recipients in and refuses unknown ones', async () => {
      await using daemon = await startDaemon({ conf: (place) => proxy(place, POSTFIX) });
      const client = await open(daemon);
      await client.command('RCPT TO:<ann@good.test>', 250);
      expect((await client.command('RCPT TO:<bob@good.test>')).raw).toBe('550 5.1.1 recipient unknown');
      expect(await daemon.consoleJson('smtp_rcptto_proxy query bob@good.test')).toMatchObject([
        { result: 'unknown', code: 550, error: expect.stringMatching(/^fail: 550 5\.1\.1 .*User unknown/) },
      ]);
      client.close();
    });

    it.each([
      ['says later', GREY, 'tempfail', 450],
      ['goes away', CLOSING, 'tempfail', 0],
      ['is down', NOBODY, 'tempfail', 0],
      ['does not answer', SLOW, 'timeout', 0],
    ])('puts off all recipients while the server %s', { timeout: 30_000 }, async (_, host, result, code) => {
      await using daemon = await startDaemon({ conf: (place) => proxy(place, host) });
      const client = await open(daemon);
      const begun = performance.now();
      expect((await client.command('RCPT TO:<ann@good.test>')).raw).toBe('451 4.2.1 recipient cannot be checked at this time');
      expect(performance.now() - begun).toBeLessThan(3000);
      expect(await daemon.consoleJson('smtp_rcptto_proxy query ann@good.test')).toMatchObject([{ result, code }]);
      // Another server is asked about the same recipient by name of host.
      expect(await daemon.consoleJson(`smtp_rcptto_proxy query ann@good.test mx.good.test:${postfix.port}`)).toMatchObject([
        { result: 'known', code: 250 },
      ]);
      client.close();
    });

    it('asks a thousand questions over ten connections, one after the other', { timeout: 60_000 }, async () => {
      await using daemon = await startDaemon({ conf: (place) => proxy(place, POSTFIX) + ALONE });
      const before = seen();
      const client = await open(daemon);
      for (let n = 0; n < 1000; n++) {
        await client.command(`RCPT TO:<u${n}@good.test>`, 250);
        if (n % 100 !== 99) continue;
        await client.command('RSET', 250);
        await client.command('MAIL FROM:<x@sender.test>', 250);
      }
      await expect.poll(() => seen() - before).toBe(10);
      client.close();
    });

    it('asks the questions of twenty clients over the ten connections it may have', { timeout: 60_000 }, async () => {
      await using daemon = await startDaemon({ conf: (place) => proxy(place, POSTFIX, 'timeout = 30') + ALONE });
      const before = seen();
      const clients = await Promise.all(Array.from({ length: 20 }, () => open(daemon)));
      await Promise.all(
        clients.map(async (client, n) => {
          for (let i = 0; i < 40; i++) await client.command(`RCPT TO:<u${40 * n + i}@good.test>`, 250);
        }),
      );
      // One that has answered a hundred and ten makes room for a fresh one; how the questions fall is chance.
      await expect.poll(() => seen() - before).toBeGreaterThanOrEqual(10);
      expect(seen() - before).toBeLessThanOrEqual(16);
      for (const client of clients) client.close();
    });
  });
});

describe('two daemons that call each other back', () => {
  it.each([
    ['as the null sender', '', ''],
    ['under names of their own', 'cbv@a.test', 'cbv@b.test'],
  ])('%s do not go round in circles', { timeout: 60_000 }, async (_, ofA, ofB) => {
    const names = await NameServerAt.open(answer);
    const [placeA, placeB] = [await makePlace(), await makePlace()];
    const stanza = (port: number, mailfrom: string): string => `smtp_cbv "cbv" { port = ${port} timeout = 5 mailfrom = "${mailfrom}" }`;
    await using a = await startDaemon({ place: placeA, conf: conf(placeA, names, stanza(placeB.port, ofA)) + ALONE });
    await using b = await startDaemon({ place: placeB, conf: conf(placeB, names, stanza(placeA.port, ofB)) + ALONE });
    // Here somebody at b.test writes through a, so a asks b; b, if it asks in its turn, asks a about a's name.
    const { facts, ms } = await send(a, 'ann@b.test');
    expect(facts).toEqual({ smtp_cbv_result: 'pass' });
    expect(ms).toBeLessThan(4000);
    expect(await a.consoleJson('smtp_cbv:cbv stats')).toMatchObject([{ calls: 1, pass: 1 }]);
    expect(await b.consoleJson('smtp_cbv:cbv stats')).toMatchObject([ofB === '' ? { calls: 0 } : { calls: 1, pass: 1 }]);
    await names.close();
  });
});

describe('a server that swallows everything', () => {
  it('costs a callback and a question their time and no more', { timeout: 30_000 }, async () => {
    const names = await NameServerAt.open(answer);
    const port = await freePort(SLOW);
    await using silent = await startSink({ host: SLOW, port, rules: [{ phase: 'connect', end: 'hang' }] });
    await using daemon = await startDaemon({
      conf: (place) => conf(place, names, `smtp_cbv "cbv" { port = ${port} timeout = 2 }\nsmtp_rcptto_proxy { timeout = 1 }`),
    });
    const { facts, ms } = await send(daemon, 'ann@slow.test');
    expect(facts).toEqual({ smtp_cbv_result: 'transient' });
    expect(ms).toBeGreaterThan(1900);
    expect(ms).toBeLessThan(3000);
    const begun = performance.now();
    expect(await daemon.consoleJson(`smtp_rcptto_proxy query ann@good.test ${SLOW}:${port}`)).toMatchObject([
      { result: 'timeout', code: 0 },
    ]);
    expect(performance.now() - begun).toBeLessThan(2000);
    expect(silent.connections).toBe(2);
    await names.close();
  });
});
