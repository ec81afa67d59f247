/** What the options of ec_logger do, over writers in memory and, for reopening, over real files. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Address, type Attempt, bodyOf, Copy, type LineWriter, type Reception, reject, Writers } from '#module';
import { configureText } from '../../src/config/configure.js';
import { FileLineWriter } from '../../src/events/line-writer.js';
import { systemClock } from '../../src/kernel/clock.js';
import { Facts } from '../../src/mail/facts.js';
import { Headers } from '../../src/mail/headers.js';
import { makeSession, type Rehearsal, rehearse } from '../../src/module/fixture.js';
import { makePlans } from '../../src/server/plans.js';
import ecLogger from './index.js';
import { formatRejection, stampMicroseconds, stampSeconds } from './lines.js';

class MemoryWriter implements LineWriter {
  readonly lines: string[] = [];
  reopened = 0;
  closed = false;
  dropped = 0;
  line(text: string): void {
    this.lines.push(text);
  }
  async reopen(): Promise<void> {
    this.reopened++;
  }
  async flush(): Promise<void> {}
  async close(): Promise<void> {
    this.closed = true;
  }
}

interface Stage extends Rehearsal {
  readonly opened: Map<string, MemoryWriter & { readonly permissions?: number }>;
  readonly opens: { readonly uri: string; readonly permissions: number; readonly owner: string }[];
  load(text: string): Promise<void>;
  everything(): void;
  linesOf(uri: string): readonly string[];
}

async function open(text: string): Promise<Stage> {
  const opened = new Map<string, MemoryWriter>();
  const opens: { uri: string; permissions: number; owner: string }[] = [];
  const writers = {
    open: (uri: string, how: { readonly permissions: number; readonly owner: string }): LineWriter => {
      opens.push({ uri, ...how });
      const writer = new MemoryWriter();
      opened.set(uri, writer);
      return writer;
    },
  };
  const snapshotOf = async (config: string) => {
    const configured = await configureText(config, { manifests: [ecLogger], unread: new Set() });
    if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
    return configured.snapshot;
  };
  let snapshot = await snapshotOf(text);
  const rehearsal = rehearse({ outbound: (where) => snapshot.at(where), service: (token) => (token === Writers ? writers : undefined) });
  const { registry } = rehearsal;
  const load = async (config: string): Promise<void> => {
    snapshot = await snapshotOf(config);
    registry.commit(await registry.prepare(makePlans(snapshot, [ecLogger])));
  };
  await load(text);
  const everything = (): void => {
    const { chains } = registry.current.hooks;
    chains.received.run(mail, null);
    chains.delivered.run(attempt);
    chains.deferred.run(attempt);
    chains.failed.run(attempt);
    chains.rejected.run({ session: makeSession(), phase: 6, module: '', reply: reject('no').reply, at: 0 });
    chains.logged.run({ at: 0, level: 'error', module: 'm', text: 't' });
    chains.authenticated.run(null, 'u', 'ok');
  };
  return { ...rehearsal, opened, opens, load, everything, linesOf: (uri) => opened.get(uri)?.lines ?? [] };
}

const reception: Reception = {
  batchId: 'b',
  connectionId: 'c',
  protocol: 'esmtp',
  receivedAt: 1_800_000_000_250,
  sender: null,
  facts: new Facts(),
  smtpUtf8: false,
};
const mail = new Copy(
  'm',
  reception,
  [new Address('r', 'd.test')],
  new Headers(Buffer.from('a: b\r\n\r\n')),
  bodyOf([Buffer.from('x\r\n')]),
  new Facts(),
);
const attempt: Attempt = {
  mail,
  place: mail.place,
  at: 1_800_000_001_500,
  connectionId: '',
  stage: 0,
  bytes: 0,
  hop: undefined,
  bounceClass: 0,
  possibleDuplicate: false,
  tls: undefined,
  outcome: 'deferred',
  reply: '451 later',
};

const FILES = 'mainlog = "m" rejectlog = "r" paniclog = "p" acctlog = "a"'
  .replaceAll(' r', '\nr')
  .replaceAll(' p', '\np')
  .replaceAll(' a', '\na');
const kinds = (lines: readonly string[]): string => lines.map((line) => line.split('@')[4]).join('');

describe('ec_logger', () => {
  it('writes every kind of line when nothing is switched off', async () => {
    const { everything, linesOf } = await open(`ec_logger "l" {\n${FILES}\n}`);
    everything();
    expect(kinds(linesOf('m'))).toBe('RDTP');
    expect(linesOf('r')).toHaveLength(1);
    expect(linesOf('p')).toEqual(['0:m: t']);
    expect(linesOf('a')).toEqual(['1800000000@N@@@u@1']);
  });

  it.each([
    ['log_receptions', 'DTP', 1, 1],
    ['log_deliveries', 'RTP', 1, 1],
    ['log_transient_failures', 'RDP', 1, 1],
    ['log_permanent_failures', 'RDT', 1, 1],
    ['log_rejections', 'RDTP', 0, 1],
    ['log_errors', 'RDTP', 1, 0],
  ])('leaves out what %s = false names, and nothing else', async (option, main, rejections, errors) => {
    const { everything, linesOf } = await open(`ec_logger "l" {\n${FILES}\n${option} = false\n}`);
    everything();
    expect([kinds(linesOf('m')), linesOf('r').length, linesOf('p').length]).toEqual([main, rejections, errors]);
  });

  it('takes the documented paths and 0644 for what is not set, and writes no account log unasked', async () => {
    const { opens, everything } = await open('ec_logger "main" { }');
    expect(opens).toEqual(
      ['mainlog', 'rejectlog', 'paniclog'].map((log) => ({ uri: `/var/log/ecelerity/${log}.ec`, permissions: 0o644, owner: 'main' })),
    );
    everything();
    expect(opens).toHaveLength(3);
  });

  it('hands permissions of each log to its writer', async () => {
    const { opens } = await open(
      `ec_logger "l" {\n${FILES}\nmainlog_mode = 0600\nrejectlog_mode = 0640\npaniclog_mode = 0660\nacctlog_log_mode = 0400\n}`,
    );
    expect(Object.fromEntries(opens.map(({ uri, permissions }) => [uri, permissions]))).toEqual({ m: 0o600, r: 0o640, p: 0o660, a: 0o400 });
  });

  it('writes microseconds with log_hires_timestamp', async () => {
    const { everything, linesOf } = await open(`log_hires_timestamp = true\nec_logger "l" {\n${FILES}\n}`);
    everything();
    expect(linesOf('m').map((line) => line.split('@')[0])).toEqual(['1800000000250000', ...Array(3).fill('1800000001500000')]);
    expect(linesOf('r')[0]).toMatch(/^0{16}: /);
    expect(linesOf('p')).toEqual(['0000000000000000:m: t']);
  });

  it('beats as often as heartbeat says, and never with 0', async () => {
    const often = await open(`ec_logger "l" {\n${FILES}\nheartbeat = 20\n}`);
    await often.clock.advance(61_000);
    expect(often.linesOf('m')).toEqual(['1800000020@@@@M1', '1800000040@@@@M1', '1800000060@@@@M1']);
    expect(often.linesOf('r')).toEqual(['1800000020: Marker 1', '1800000040: Marker 1', '1800000060: Marker 1']);
    expect(often.linesOf('p')).toEqual([]);
    const never = await open(`ec_logger "l" {\n${FILES}\nheartbeat = 0\n}`);
    await never.clock.advance(600_000);
    expect([...never.linesOf('m'), ...never.linesOf('r')]).toEqual([]);
  });

  it('keeps its files over a reload and closes those nobody names any more', async () => {
    const { load, opens, opened, everything, linesOf, clock } = await open(`ec_logger "l" {\n${FILES}\n}`);
    everything();
    await load(`ec_logger "l" {\nmainlog = "m"\nrejectlog = "r2"\npaniclog = "p"\n}`);
    expect(opens.map(({ uri }) => uri)).toEqual(['m', 'r', 'p', 'a', 'r2']);
    everything();
    expect(kinds(linesOf('m'))).toBe('RDTPRDTP');
    expect([...opened].filter(([, writer]) => writer.closed).map(([uri]) => uri)).toEqual(['r', 'a']);
    await clock.advance(61_000);
    expect(linesOf('m').filter((line) => line.endsWith('@@@@M1'))).toHaveLength(1);
  });

  it('two instances with the same path write the same lines twice over', async () => {
    const { opens } = await open(`ec_logger "one" {\n${FILES}\n}\nec_logger "two" {\n${FILES}\n}`);
    expect(opens.filter(({ uri }) => uri === 'm').map(({ owner }) => owner)).toEqual(['one', 'two']);
  });

  it('reopens on the hook and on the console, and tells what was dropped', async () => {
    const { registry, opened } = await open(`ec_logger "l" {\n${FILES}\n}`);
    registry.current.hooks.chains.log_reopen.run();
    const run = (name: string) => registry.current.commands.get(`ec_logger:l ${name}`)?.command.run([], new AbortController().signal);
    expect(await run('reopen logs')).toBe('Logs reopened.');
    expect([...opened.values()].map(({ reopened }) => reopened)).toEqual([2, 2, 2, 2]);
    const main = opened.get('m');
    if (main) main.dropped = 7;
    expect(await run('internal stats')).toEqual([
      { log: 'm', dropped: 7 },
      { log: 'r', dropped: 0 },
      { log: 'p', dropped: 0 },
    ]);
  });
});

describe('the reject log', () => {
  const PHASES = [
    'just connected',
    'sending banner',
    'awaiting ehlo/helo',
    'sending ehlo/helo response',
    'awaiting mailfrom',
    'sending mailfrom response',
    'awaiting rcptto',
    'sending rcptto response',
    'data phase',
    'reading body',
    'sending body response',
    'async body handler',
    'async body response',
    'relaying denied',
    'extension 1',
    'extension 2',
    'extension 3',
    'extension 4',
    'concurrency limit',
    'rcptto list response',
    'rcptto list final response',
    'esmtp setup phase',
    'unknown',
  ];

  it.each(PHASES.map((words, phase) => [phase, words]))('calls phase %i "%s", with the module that refused', (phase, words) => {
    const line = formatRejection(
      { session: makeSession(), phase: Number(phase), module: 'some_module', reply: reject('no').reply, at: 5000 },
      stampSeconds,
    );
    expect(line).toMatch(/^5: R="192\.0\.2\.10:41000" L="192\.0\.2\.1:25" /);
    expect(line).toContain(` P="${words}" E=550 M=some_module CTXCONN=[] CTXMESS=[] 5.7.1 no`);
  });

  it('leaves the status out that a reply lacks', () => {
    const line = formatRejection(
      { session: makeSession(), phase: 0, module: '', reply: reject('550 bare').reply, at: 0.5 },
      stampMicroseconds,
    );
    expect(line.startsWith('0000000000000500: ')).toBe(true);
    expect(line.endsWith('CTXMESS=[] bare')).toBe(true);
  });

  it('shows no secrets that policies left in the context', () => {
    const facts = new Facts();
    facts.set('outbound_smtp_auth_user', 'alice');
    facts.set('outbound_smtp_auth_pass', 'hunter2');
    facts.set('api_token', 'abc');
    const rejection = { session: makeSession({ facts }), phase: 4, module: '', reply: reject('no').reply, at: 0 };
    expect(formatRejection(rejection, stampSeconds)).toContain(
      'CTXCONN=[outbound_smtp_auth_user=alice,outbound_smtp_auth_pass=***,api_token=***]',
    );
  });
});

describe('reopening', () => {
  let folder = '';
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  it('under 5,000 lines a second loses none and tears none', async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'celeris-reopen-'));
    const file = path.join(folder, 'mainlog.ec');
    const troubles: unknown[] = [];
    const writers = {
      open: (uri: string, { permissions }: { readonly permissions: number }) =>
        new FileLineWriter({ path: path.join(folder, uri), permissions, clock: systemClock, trouble: (error) => troubles.push(error) }),
    };
    const configured = await configureText('ec_logger "l" {\nmainlog = "mainlog.ec"\nrejectlog = "r"\npaniclog = "p"\n}', {
      manifests: [ecLogger],
    });
    if (!configured.ok) throw new Error('the configuration does not decode');
    const { snapshot } = configured;
    const { registry } = rehearse({
      outbound: (where) => snapshot.at(where),
      service: (token) => (token === Writers ? writers : undefined),
    });
    registry.commit(await registry.prepare(makePlans(snapshot, [ecLogger])));
    const { chains } = registry.current.hooks;

    let sent = 0;
    let rotated = 0;
    const began = performance.now();
    while (sent < 10_000 || rotated < 15) {
      const due = Math.floor((performance.now() - began) * 5);
      for (; sent < due; sent++)
        chains.received.run(new Copy(`n${sent}`, reception, mail.recipients, mail.headers, mail.content, new Facts()), null);
      // As a rotation does: there has to be a file.
      if (sent > 500 * (rotated + 1) && fs.existsSync(file)) {
        fs.renameSync(file, `${file}.${String(rotated++).padStart(3, '0')}`);
        chains.log_reopen.run();
      }
      await new Promise((done) => setTimeout(done, 1));
    }
    await registry.current.commands.get('ec_logger:l reopen logs')?.command.run([], new AbortController().signal);
    registry.stop();
    const parts = fs
      .readdirSync(folder)
      .filter((name) => name.startsWith('mainlog.ec.'))
      .sort();
    const lines = [...parts, 'mainlog.ec'].flatMap((name) => fs.readFileSync(path.join(folder, name), 'utf8').split('\n').slice(0, -1));
    expect(lines.map((line) => line.split('@')[1])).toEqual(Array.from({ length: sent }, (_, n) => `n${n}`));
    expect(lines.every((line) => line.split('@').length === 14)).toBe(true);
    expect(troubles).toEqual([]);
  });
});
