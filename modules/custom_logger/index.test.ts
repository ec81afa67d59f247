/** What the options of custom_logger do: stages and their files, namespaces, sanitize, character sets, and what is refused. */
import { describe, expect, it } from 'vitest';
import { Bounces, type LineWriter, type MacroSource, Macros, Pathways, Writers } from '#module';
import { configureText } from '../../src/config/configure.js';
import { systemClock } from '../../src/kernel/clock.js';
import { rehearse } from '../../src/module/fixture.js';
import { openMacroBook } from '../../src/module/macros.js';
import { lendBounces, openClassifier } from '../../src/server/bounces.js';
import { Journal } from '../../src/server/journal.js';
import { makePlans } from '../../src/server/plans.js';
import { WriterBook } from '../../src/server/writers.js';
import { makeAttempt, makeEvents, makeMail } from '../../test/fixtures/log-events.js';
import icu from '../icu/index.js';
import tlsMacros from '../tls_macros/index.js';
import customLogger from './index.js';

const manifests = [customLogger, icu, tlsMacros];

async function open(text: string, extra: Readonly<Record<string, MacroSource>> = {}) {
  const opens: { uri: string; permissions: number }[] = [];
  const files = new Map<string, string[]>();
  let reopened = 0;
  const writers = {
    open(uri: string, { permissions }: { readonly permissions: number }): LineWriter {
      opens.push({ uri, permissions });
      const lines = files.get(uri) ?? [];
      files.set(uri, lines);
      return {
        line: (line) => void lines.push(line),
        reopen: async () => void reopened++,
        flush: async () => {},
        close: async () => {},
        dropped: 3,
        waiting: 7,
      };
    },
  };
  const book = openMacroBook();
  for (const [namespace, source] of Object.entries(extra)) book.add(namespace, source);
  const pathways = { groupOf: () => 'group', charsetOf: (pathway: string | undefined) => (pathway === 'partners' ? 'koi8-r' : 'us-ascii') };
  const services = new Map<unknown, unknown>([
    [Writers, writers],
    [Bounces, lendBounces(openClassifier())],
    [Macros, book],
    [Pathways, pathways],
  ]);
  const configured = await configureText(text, { manifests, unread: new Set() });
  if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
  const { snapshot } = configured;
  const rehearsal = rehearse({ outbound: (where) => snapshot.at(where), service: (token) => services.get(token) });
  const { registry } = rehearsal;
  registry.commit(await registry.prepare(makePlans(snapshot, manifests)));
  const { chains } = registry.current.hooks;
  const events = makeEvents();
  const everything = (): void => {
    for (const { kind, mail, attempt, rejection, session } of Object.values(events)) {
      if (kind === 'reception' && mail) chains.received.run(makeMail(), session ?? null);
      if (kind === 'delivery' && attempt) chains.delivered.run(attempt);
      if (kind === 'transient_failure' && attempt) chains.deferred.run(attempt);
      if (kind === 'permanent_failure' && attempt) chains.failed.run(attempt);
      if (rejection) chains.rejected.run(rejection);
    }
    chains.logged.run({ at: 1000, level: 'error', module: 'm', text: 'trouble' });
  };
  const reload = async (again: string): Promise<void> => {
    const read = await configureText(again, { manifests, unread: new Set() });
    if (!read.ok) throw new Error(read.problems.map(({ say }) => say).join('\n'));
    registry.commit(await registry.prepare(makePlans(read.snapshot, manifests)));
  };
  return { ...rehearsal, reload, chains, opens, files, everything, book, problems: configured.problems, reopened: () => reopened };
}

const check = async (text: string): Promise<{ readonly ok: boolean; readonly says: string }> => {
  const { ok, problems } = await configureText(text, { manifests });
  return { ok, says: problems.map(({ say }) => say).join('\n') };
};
const stanza = (...lines: string[]): string => `custom_logger "c" {\n${lines.join('\n')}\n}\n`;

describe('custom_logger', () => {
  it('writes stages that have a format, into mainlog or files of their own, and no others', async () => {
    const { everything, files, opens } = await open(
      stanza(
        'mainlog = "main"',
        'mainlog_mode = 0600',
        'delivery_format = "D %r"',
        'reception_format = "R %i"',
        'reception_logfile = "in"',
        'reception_log_mode = 0640',
        'rejection_format = "X %i %p"',
      ),
    );
    everything();
    expect(opens).toEqual([
      { uri: 'in', permissions: 0o640 },
      { uri: 'main', permissions: 0o600 },
    ]);
    expect(files.get('in')).toEqual(['R M1/00-00042-00000001']);
    expect(files.get('main')).toEqual(['D bob', 'X 00/00-00000-00000000 unknown', 'X M1/00-00042-00000001 esmtp']);
  });

  it('writes failures, with the names of their classes, and trouble where that is wanted', async () => {
    const { everything, files } = await open(
      stanza(
        'mainlog = "main"',
        'paniclog = "panic"',
        'log_errors = on',
        'log_transient_failures = on',
        'transient_failure_format = "T %C %c"',
        'permanent_failure_format = "P %C %c %s"',
      ),
    );
    everything();
    expect(files.get('main')).toEqual([
      'T 10 Invalid Recipient',
      'P 10 Invalid Recipient during RCPT TO',
      'P 21 DNS Failure not connected',
    ]);
    expect(files.get('panic')).toEqual(['1:m: trouble']);
  });

  it('several stanzas write each their own, and one that asks for nothing opens nothing', async () => {
    const { everything, files } = await open(
      `custom_logger "a" {\nmainlog = "a"\ndelivery_format = "%t"\n}\ncustom_logger "b" {\nmainlog = "b"\ndelivery_format = "%%"\n}\ncustom_logger "c" { }\n`,
    );
    everything();
    expect([...files]).toEqual([
      ['a', ['1800000005']],
      ['b', ['%']],
    ]);
  });

  it('sanitizes %n and %h, and nothing else', async () => {
    const { chains, files } = await open(
      stanza('mainlog = "m"', 'sanitize = "special_characters,tr/ /_/"', 'transient_failure_format = "%n|%h{x-odd}|%vctx_mess{campaign}"'),
    );
    chains.deferred.run(makeAttempt(makeMail({}, 'X-Odd: a b\tc'), { outcome: 'deferred', reply: '451 a\tb' }));
    expect(files.get('m')).toEqual(['451_a\\tb|a_b\\tc|spring sale']);
  });

  it('writes headers as UTF-8, whatever they came in', async () => {
    const { chains, files } = await open(stanza('mainlog = "m"', 'reception_format = "%h{Subject}"'));
    chains.received.run(makeMail(), null);
    chains.received.run(makeMail({}, 'Subject: \xf0\xd2\xc9\xd7\xc5\xd4'), null);
    chains.received.run(makeMail({ pathway: 'others' }, 'Subject: \xf0x'), null);
    chains.received.run(makeMail({}, 'Subject: caf\xc3\xa9\r\n =?utf-8?Q?=C3=A9?= \xef\xbf\xbd'), null);
    chains.received.run(makeMail({}, 'Subject: =?x-odd?Q?a?='), null);
    expect(files.get('m')).toEqual(['日本語', 'Привет', '\ufffdx', 'café é \ufffd', '=?x-odd?Q?a?=']);
  });

  it('finds macros of other modules in the namespaces it names', async () => {
    const { everything, files } = await open(
      `${stanza('mainlog = "m"', 'namespace = "custom_logger,sieve,outbound_tls"', 'delivery_format = "%r%outbound_tls@%{outbound_tls:outbound_tls_type}"')}tls_macros { }\n`,
    );
    everything();
    expect(files.get('m')).toEqual(['bobunknown@no']);
  });

  it('reopens its files on the hook and on the console, and shows how it goes', async () => {
    const { chains, registry, reopened, everything } = await open(stanza('mainlog = "m"', 'delivery_format = "%r"'));
    everything();
    chains.log_reopen.run();
    const run = (name: string) => registry.current.commands.get(`custom_logger:c ${name}`)?.command.run([], new AbortController().signal);
    expect(await run('reopen logs')).toBe('Logs reopened.');
    expect(reopened()).toBe(2);
    expect(await run('status')).toEqual([{ log: 'm', lines: 1, waiting: 7, dropped: 3 }]);
  });

  it.each([
    [['log_deliveries = on'], 'log_deliveries is on, but there is no delivery_format'],
    [['log_rejections = true'], 'log_rejections is on, but there is no rejection_format'],
    [['delivery_format = "a %Q"'], 'there is no macro "Q" (at 3)'],
    [['rejection_format = "%t{%Q}"'], '%Q is no part of a time format'],
    [['delivery_format = "%outbound_tls"'], 'there is no macro "outbound_tls" (at 1)'],
    [['delivery_log_mode = 0999'], '0999'],
    [['sanitize = "tr/ab/c/"'], 'tr (at 1) has 2 characters on the left and 1 on the right'],
    [['namespace = "custom_logger,mymacros"'], 'there is no namespace "mymacros"'],
    [['concurrency = 0'], 'must be at least 1'],
    [['delivery_formt = "x"'], 'delivery_formt'],
  ])('check refuses %s', async (lines, say) => {
    const { ok, says } = await check(stanza(...lines));
    expect(ok).toBe(false);
    expect(says).toContain(say);
  });

  it.each([
    [['concurrency = 4'], 'concurrency has no effect'],
    [['thread_pool = "p"'], 'thread_pool has no effect'],
    [['xfer_format = "%t"'], 'mail does not move between nodes'],
    [['delivery_logfile = "x"'], 'delivery_logfile has no effect without delivery_format'],
    [['delivery_format = "%H%@%r"'], 'The % at 3 begins no macro and stands for itself'],
  ])('check tells of %s and lets it be', async (lines, say) => {
    const { ok, says } = await check(stanza(...lines));
    expect([ok, says]).toEqual([true, expect.stringContaining(say)]);
  });

  it('does not start when the module of a namespace does not run', async () => {
    await expect(open(stanza('namespace = "custom_logger,outbound_tls"', 'delivery_format = "%outbound_tls"'))).rejects.toThrow(
      'the namespace outbound_tls comes with the module tls_macros, which has no stanza',
    );
  });

  it('does not reload without the module of a namespace either', async () => {
    const logger = stanza('mainlog = "m"', 'namespace = "custom_logger,outbound_tls"', 'delivery_format = "%outbound_tls"');
    const { reload } = await open(`${logger}tls_macros { }\n`);
    await reload(`tls_macros { }\n${logger}`);
    await expect(reload(logger)).rejects.toThrow('needs the service macros of tls_macros, which does not run');
  });

  it('does not start with a target that nobody writes to', async () => {
    const configured = await configureText(stanza('delivery_format = "%r"', 'delivery_logfile = "jlog:///var/log/d.jlog=>reader"'), {
      manifests,
    });
    if (!configured.ok) throw new Error('the configuration is not valid');
    const writers = new WriterBook(systemClock, new Journal(systemClock));
    const services = new Map<unknown, unknown>([
      [Writers, writers],
      [Bounces, lendBounces(openClassifier())],
      [Macros, openMacroBook()],
      [Pathways, {}],
    ]);
    const { registry } = rehearse({ service: (token) => services.get(token) });
    await expect(registry.prepare(makePlans(configured.snapshot, manifests))).rejects.toThrow('no module offers the scheme "jlog"');
    await writers.close();
  });
});
