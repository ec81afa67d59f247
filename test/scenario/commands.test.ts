/** Every console command that changes something or wants arguments, as text and as data, against a daemon with mail in its queue. */
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';

/** What one try of a command works on: a waiting message of its own, in a domain of its own. */
interface Try {
  readonly daemon: Daemon;
  readonly id: string;
  readonly domain: string;
  readonly sender: string;
}

interface Step {
  /** The command, as `help` names it. */
  readonly name: string;
  readonly before?: (of: Try) => Promise<unknown>;
  readonly words: (of: Try) => string;
  readonly text?: RegExp;
  /** What the data hold; rows when it is a list. */
  readonly data?: object;
  /** There is nothing to do here, and it says so. */
  readonly refusal?: RegExp;
  /** What is different afterwards. */
  readonly effect?: (of: Try) => Promise<unknown>;
}

const gone = ({ daemon, id }: Try): Promise<unknown> =>
  daemon.waitFor('its end', () =>
    daemon.console(`message details ${id}`).then(
      () => false,
      (error: Error) => error.message.includes('no message'),
    ),
  );
const stateOf = async ({ daemon, id }: Try): Promise<unknown> =>
  ((await daemon.consoleJson(`message details ${id}`)) as { state?: unknown }).state;
const held = async (of: Try): Promise<void> => expect(await stateOf(of)).toBe('held');
const waits = (of: Try): Promise<unknown> => of.daemon.waitFor('its next attempt', async () => (await stateOf(of)) === 'delayed');
/** A stop keeps it from being tried. */
async function makeDue({ daemon, domain }: Try): Promise<void> {
  await daemon.console(`suspend domain ${domain}`);
  await daemon.console(`flush domain ${domain}`);
}
const attempts = ({ daemon, id }: Try, count: number): Promise<unknown> =>
  daemon.waitFor(
    `attempt ${count} in the log`,
    () => daemon.fileLines('mainlog.ec').filter((line) => line.includes(id) && line.split('@')[4] === 'T').length >= count,
  );
const anotherAttempt = (of: Try): Promise<unknown> => attempts(of, 2);
const stops = async ({ daemon }: Try): Promise<string> => JSON.stringify(await daemon.consoleJson('hold list'));

/** Whether the second listener answers a connection. */
async function answersAtSide({ daemon }: Try): Promise<boolean> {
  const socket = net.connect(path.join(daemon.dir, 'side.sock'));
  try {
    await once(socket, 'data');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

const STEPS: readonly Step[] = [
  {
    name: 'listener off',
    words: () => 'listener off side',
    text: /^Off: .*side\.sock/,
    data: { stanza: 'esmtp_listener side', on: false },
    effect: async (of) => expect(await answersAtSide(of)).toBe(false),
  },
  {
    name: 'listener on',
    before: ({ daemon }) => daemon.console('listener off side'),
    words: () => 'listener on side',
    text: /^On: .*side\.sock/,
    data: { stanza: 'esmtp_listener side', on: true },
    effect: async (of) => expect(await answersAtSide(of)).toBe(true),
  },
  { name: 'tls rekey', words: () => 'tls rekey', text: /^TLS ticket keys changed\./, data: {} },
  { name: 'domain', words: ({ domain }) => `domain ${domain}`, text: /1 hops from routes/, data: { places: [{ total: 1 }] } },
  { name: 'showqueue', words: ({ domain }) => `showqueue ${domain} 10`, text: /@/, data: [{}] },
  { name: 'message details', words: ({ id }) => `message details ${id}`, text: /sender/i, data: { state: 'delayed' } },
  {
    name: 'why',
    words: ({ id }) => `why ${id}`,
    text: /^until \d{4}-.*Z: next attempt after 1 earlier ones, the last was told 451 4\.4\.1 \[internal\] No valid hosts[^;]*; retry_interval = 1200, by default\nuntil .*; message_expiration = 604800, by default/,
    data: [{ code: 'not_due', option: 'retry_interval' }],
  },
  {
    name: 'timeline',
    before: (of) => attempts(of, 1),
    words: ({ id }) => `timeline ${id}`,
    text: /^\S+Z received for bob@d\d+\.test .*\n\S+Z deferred at d\d+\.test .*\nnow: until .*next attempt/,
    data: {},
  },
  {
    name: 'shape',
    words: ({ domain }) => `shape ${domain}`,
    text: /^ceiling: not measured yet\n[\s\S]*\nremote_smtp_port +9 +global +\S+ecelerity\.conf:\d+\n/,
    data: {},
  },
  { name: 'dig', words: ({ domain }) => `dig ${domain}`, text: /127\.0\.0\.1/, data: { hops: [{ ip: '127.0.0.1' }] } },
  {
    name: 'dns_cache lookup',
    words: () => 'dns_cache lookup localhost A',
    text: /localhost +A +.*127\.0\.0\.1|localhost A: /,
    data: { kind: expect.any(String) },
  },
  { name: 'bounce class', words: () => 'bounce class "550 5.1.1 no such user"', text: /^10 /, data: { class: 10 } },
  { name: 'config locate', words: () => 'config locate esmtp_listener', text: /is at Esmtp_Listener/i, data: { ok: true } },
  {
    name: 'binding active',
    before: makeDue,
    words: () => 'binding active default',
    text: /^Domain: d\d+\.test {2}C: 0 {2}A: 1 {2}D: 0 {2}S: 1$/m,
    data: [{ active: 1, delayed: 0, total: 1 }],
  },
  {
    name: 'binding delayed',
    words: () => 'binding delayed default',
    text: /^Domain: d\d+\.test {2}C: 0 {2}A: 0 {2}D: 1 {2}S: 1$/m,
    data: [{ active: 0, delayed: 1, total: 1 }],
  },
  {
    name: 'message retry',
    words: ({ id }) => `message retry ${id}`,
    text: /\w/,
    data: {},
    effect: anotherAttempt,
  },
  { name: 'message fail', words: ({ id }) => `message fail quiet ${id}`, text: /./, data: {}, effect: gone },
  { name: 'message hold', words: ({ id }) => `message hold ${id}`, text: /Message held/, data: {}, effect: held },
  {
    name: 'message release',
    before: ({ daemon, id }) => daemon.console(`message hold ${id}`),
    words: ({ id }) => `message release ${id}`,
    text: /./,
    data: {},
    effect: ({ daemon, domain }) =>
      daemon.waitFor(
        'its place',
        async () => ((await daemon.consoleJson(`domain ${domain}`)) as { places: { held: number }[] }).places[0]?.held === 0,
      ),
  },
  {
    name: 'fail domain',
    words: ({ domain }) => `fail domain quiet ${domain}`,
    text: /1 messages failed/,
    data: { messages: 1 },
    effect: gone,
  },
  { name: 'fail all', words: ({ domain }) => `fail all quiet --domain ${domain}`, text: /1/, data: { messages: 1 }, effect: gone },
  {
    name: 'binding fail domain',
    words: ({ domain }) => `binding fail domain quiet default ${domain}`,
    text: /1/,
    data: { messages: 1 },
    effect: gone,
  },
  {
    name: 'delay domain',
    before: makeDue,
    words: ({ domain }) => `delay domain ${domain} 7200`,
    text: /1/,
    data: { messages: 1 },
    effect: waits,
  },
  {
    name: 'delay',
    before: makeDue,
    words: ({ domain }) => `delay 7200 --domain ${domain}`,
    text: /Delayed 1 messages/,
    data: { messages: 1 },
    effect: waits,
  },
  {
    name: 'binding delay domain',
    before: makeDue,
    words: ({ domain }) => `binding delay domain default ${domain} 7200`,
    text: /1/,
    data: { messages: 1 },
    effect: waits,
  },
  {
    name: 'flush domain',
    words: ({ domain }) => `flush domain ${domain}`,
    text: /^d\d+\.test flushed\. {2}1 messages requeued\.$/,
    data: { messages: 1 },
    effect: anotherAttempt,
  },
  {
    name: 'flush all',
    words: ({ domain }) => `flush all --domain ${domain}`,
    text: /^1 messages requeued\.$/,
    data: { messages: 1 },
    effect: anotherAttempt,
  },
  {
    name: 'binding flush domain',
    words: ({ domain }) => `binding flush domain default ${domain}`,
    text: /^d\d+\.test flushed\. {2}1 messages requeued\.$/,
    data: { messages: 1 },
    effect: anotherAttempt,
  },
  { name: 'hold all', words: ({ domain }) => `hold all --domain ${domain}`, text: /1/, data: { messages: 1 }, effect: held },
  {
    name: 'hold sender',
    words: ({ sender }) => `hold sender ${sender}`,
    text: /is held/,
    data: {},
    effect: async (of) => expect(await stops(of)).toContain(of.sender),
  },
  {
    name: 'release sender',
    before: ({ daemon, sender }) => daemon.console(`hold sender ${sender}`),
    words: ({ sender }) => `release sender ${sender}`,
    text: /Released 0 messages/,
    data: { messages: 0 },
    effect: async (of) => expect(await stops(of)).not.toContain(of.sender),
  },
  {
    name: 'suspend domain',
    words: ({ domain }) => `suspend domain ${domain}`,
    text: /suspended/,
    data: {},
    effect: async (of) => expect(await stops(of)).toContain(of.domain),
  },
  {
    name: 'resume domain',
    before: ({ daemon, domain }) => daemon.console(`suspend domain ${domain}`),
    words: ({ domain }) => `resume domain ${domain}`,
    text: /resumed/,
    data: {},
    effect: async (of) => expect(await stops(of)).not.toContain(of.domain),
  },
  {
    name: 'suspend binding',
    words: () => 'suspend binding spare',
    text: /spare suspended/,
    data: { binding: 'spare' },
    effect: async (of) => expect(await stops(of)).toContain('spare'),
  },
  {
    name: 'resume binding',
    before: ({ daemon }) => daemon.console('suspend binding spare'),
    words: () => 'resume binding spare',
    text: /spare resumed/,
    data: { binding: 'spare' },
    effect: async (of) => expect(await stops(of)).not.toContain('spare'),
  },
  {
    name: 'reroute queue',
    words: ({ domain }) => `reroute queue ${domain} moved-${domain}`,
    text: /1/,
    data: { messages: 1 },
    effect: async ({ daemon, domain }) =>
      expect(await daemon.consoleJson(`domain moved-${domain}`)).toMatchObject({ places: [{ total: 1 }] }),
  },
  {
    // Its binding is the one that is chosen for new mail, too: restart.test.ts and sources.test.ts move some.
    name: 'rebind',
    words: ({ domain }) => `rebind default ${domain}`,
    text: /^Rebound 0 messages\.$/,
    data: { messages: 0 },
    effect: async ({ daemon, domain }) => expect(await daemon.consoleJson(`domain ${domain}`)).toMatchObject({ places: [{ total: 1 }] }),
  },
  { name: 'refresh domain', words: ({ domain }) => `refresh domain ${domain}`, text: /d\d+\.test/, data: {} },
  {
    name: 'trace smtp add',
    words: ({ domain }) => `trace smtp add * ${domain} ${domain}.trace`,
    text: /Registered smtp tracer #\d+/,
    data: { id: expect.any(Number) },
    // What it writes of a connection stands in test/workers/orders.test.ts: here nobody listens.
    effect: async ({ daemon, domain }) => {
      expect(await daemon.console('trace smtp list')).toContain(`${domain}.trace`);
      await daemon.console(`flush domain ${domain}`);
      await daemon.waitFor('why it failed', () =>
        daemon.fileLines(`${domain}.trace`).some((line) => / default 127\.0\.0\.1:9 ! connect \(ECONNREFUSED\): 451 4\.4\.1 /.test(line)),
      );
    },
  },
  {
    name: 'trace smtp remove',
    before: ({ daemon }) => daemon.console('trace smtp add * none.test none.trace'),
    words: () => 'trace smtp remove LAST',
    text: /Removed smtp tracer/,
    data: { id: expect.any(Number) },
    effect: async ({ daemon }) => expect(await daemon.console('trace smtp list')).not.toContain('none.trace'),
  },
  { name: 'bounce forget', words: () => 'bounce forget', text: /./, data: { count: expect.any(Number) } },
  { name: 'cache flush', words: () => 'cache flush none', refusal: /There is no cache "none"/ },
  { name: 'mta_sts refresh policy', words: ({ domain }) => `mta_sts refresh policy ${domain}`, text: /./, data: {} },
  { name: 'mta_sts show domain', words: ({ domain }) => `mta_sts show domain ${domain}`, refusal: /No policy of .* is kept/ },
  {
    name: 'tls flush cache',
    words: () => 'tls flush cache',
    text: /^TLS contexts flushed\.$/,
    data: {},
    effect: async ({ daemon }) => expect(await daemon.consoleJson('tls show cache')).toEqual({ contexts: [], plain: [] }),
  },
  { name: 'tls report', words: () => 'tls report', text: /Reports sent/, data: {} },
  {
    name: 'config reload',
    before: async ({ daemon, domain }) =>
      fs.appendFileSync(path.join(daemon.dir, 'ecelerity.conf'), `domain "${domain}" { max_outbound_connections = 3 }\n`),
    words: () => 'config reload',
    text: /OK/,
    data: {},
    effect: async ({ daemon, domain }) =>
      expect(await daemon.consoleJson(`config eval domain ${domain} max_outbound_connections`)).toMatchObject({ value: 3 }),
  },
  {
    name: 'reopen logs',
    before: async ({ daemon }) => fs.rmSync(path.join(daemon.dir, 'mainlog.ec')),
    words: () => 'reopen logs',
    text: /./,
    data: {},
    effect: ({ daemon }) => daemon.waitFor('the log', () => fs.existsSync(path.join(daemon.dir, 'mainlog.ec'))),
  },
  {
    name: 'ec_logger:main reopen logs',
    before: async ({ daemon }) => fs.rmSync(path.join(daemon.dir, 'mainlog.ec')),
    words: () => 'ec_logger:main reopen logs',
    text: /./,
    data: {},
    effect: ({ daemon }) => daemon.waitFor('the log', () => fs.existsSync(path.join(daemon.dir, 'mainlog.ec'))),
  },
  {
    name: 'summary reset',
    words: () => 'summary reset',
    text: /./,
    data: {},
    effect: async ({ daemon }) => expect(await daemon.consoleJson('summary')).toMatchObject({ received: 0 }),
  },
];

let number = 0;
/** A message that has failed once and waits. */
async function begin(daemon: Daemon): Promise<Try> {
  const domain = `d${++number}.test`;
  const sender = `s${number}@sender.test`;
  const client = await RawClient.connect(daemon.port);
  await client.expect(220);
  await client.command('EHLO client.test', 250);
  const reply = await client.deliver(sender, [`bob@${domain}`], 'Subject: x\r\n\r\ny\r\n');
  await client.command('QUIT', 221);
  const of = { daemon, domain, sender, id: reply.texts.join(' ').split(' ').at(-1) ?? '' };
  await waits(of);
  return of;
}

describe('every command', () => {
  it('does what it says, as text and as data', { timeout: 120_000 }, async () => {
    const conf = (dir: string): string =>
      `routes = ( "127.0.0.1" )\nremote_smtp_port = 9\nbinding "spare" { }\nEsmtp_Listener "side" { Listen "${dir}/side.sock" { } }\n`;
    await using daemon = await startDaemon({ conf: (place) => plainConf(place, { more: conf(place.dir) }) });
    const wrong: string[] = [];
    for (const { name, before, words, text = /^$/, data = {}, refusal, effect } of STEPS) {
      for (const asData of [false, true]) {
        const of = await begin(daemon);
        try {
          await before?.(of);
          const tracers = name === 'trace smtp remove' ? ((await daemon.consoleJson('trace smtp list')) as { id: number }[]) : [];
          const command = words(of).replace('LAST', String(tracers.at(-1)?.id));
          if (refusal) await expect(asData ? daemon.consoleJson(command) : daemon.console(command)).rejects.toThrow(refusal);
          else if (asData) {
            const answer = await daemon.consoleJson(command);
            if (Array.isArray(data)) expect(answer).toEqual(expect.arrayContaining(data.map((each) => expect.objectContaining(each))));
            else expect(answer).toMatchObject(data);
          } else expect(await daemon.console(command)).toMatch(text);
          await effect?.(of);
        } catch (error) {
          wrong.push(`${name} ${asData ? 'data' : 'text'}: ${error instanceof Error ? error.message : ''}`);
        }
      }
    }
    expect(wrong).toEqual([]);
    const done = new Set(STEPS.map(({ name }) => name));
    const commands = (await daemon.consoleJson('help')) as { command: string; args: string; writes: boolean }[];
    // Those without arguments that only read, and shutdown, are tried in operator.test.ts.
    const left = commands.filter(({ command, args, writes }) => !done.has(command) && (writes || (args !== '' && !args.startsWith('['))));
    expect(left.map(({ command }) => command)).toEqual(['shutdown']);
  });
});
