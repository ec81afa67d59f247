import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeAssign, makeStanza, makeTree, makeValue } from './build.js';
import { configure, configureText } from './configure.js';
import { core } from './core/index.js';
import { type Decoded, decode } from './decode.js';
import { type Loaded, load } from './include.js';
import type { ModuleManifest } from './manifest.js';
import { opt } from './opt.js';
import type { Options, Raw } from './option.js';
import { parse } from './parse.js';
import { print } from './print.js';
import { readerOf } from './reader.js';
import { renderProblems } from './render.js';
import type { Scope } from './scopes.js';
import type { Block, ScopeNode } from './settings.js';
import type { Snapshot } from './snapshot.js';
import type { Entry, Tree } from './tree.js';

const unread = new Set<string>();

async function take(text: string, manifests: readonly ModuleManifest[] = []): Promise<Snapshot> {
  const read = await configureText(text, { unread, manifests });
  if (!read.ok) throw new Error(renderProblems(read.problems));
  return read.snapshot;
}

async function refuse(text: string, manifests: readonly ModuleManifest[] = [], knownModules: readonly string[] = []): Promise<string[]> {
  const read = await configureText(text, { unread, manifests, knownModules });
  return read.problems.map((p) => `${p.line}:${p.column} ${p.code.slice(7)}`);
}

const loadedFrom = (tree: Tree): Loaded => {
  const main = { path: 'x', tree, frozen: undefined };
  return { main, files: new Map([['x', main]]), included: new Map(), localPath: undefined, local: undefined, problems: [] };
};

describe('decode', () => {
  it('does not care about the case of names, but of instances it does', async () => {
    const snapshot = await take('BINDING "A" { rEtry_interval = 1 } binding a { Retry_Interval = 2 }');
    expect([snapshot.at({ binding: 'A' }).retry_interval, snapshot.at({ binding: 'a' }).retry_interval]).toEqual([1, 2]);
  });

  it('merges stanzas of one name and lets the last value win', async () => {
    const snapshot = await take(
      'Binding a { retry_interval = 1 max_retries = 5 } Binding "a" { retry_interval = 2 } retry_interval = 3 retry_interval = 4',
    );
    expect(snapshot.at({ binding: 'a' })).toMatchObject({ retry_interval: 2, max_retries: 5 });
    expect(snapshot.global.retry_interval).toBe(4);
    expect(snapshot.bindings()).toHaveLength(1);
  });

  it('knows one socket by all its spellings', async () => {
    const snapshot = await take(
      'ESMTP_Listener { Listen ":2525" { enable = false } Listen "*:2525" { idle_time = 9 } Listen "0.0.0.0:2525" { } }',
    );
    expect(snapshot.listeners('esmtp_listener')[0]?.listens.map((l) => l.name)).toEqual(['0.0.0.0:2525']);
    expect(snapshot.inbound({ listener: 'esmtp_listener', listen: ':2525' })).toMatchObject({ enable: false, idle_time: 9 });
  });

  it('allows any number of sockets with port 0', async () => {
    expect(await refuse('ESMTP_Listener a { Listen "127.0.0.1:0" { } } ESMTP_Listener b { Listen "127.0.0.1:0" { } }')).toEqual([]);
  });

  it('gives ports to sockets that name none', async () => {
    const snapshot = await take(
      'ESMTP_Listener { Listen "127.0.0.1" { } Listen "[::1]" { } Listen 26 { } } Control_Listener { Listen "localhost" { } Listen "run/console" { } }',
    );
    expect(snapshot.listeners().flatMap(({ name, listens }) => listens.map((l) => `${name} ${l.name}`))).toEqual([
      'esmtp_listener 127.0.0.1:25',
      'esmtp_listener [::1]:25',
      'esmtp_listener 0.0.0.0:26',
      'control_listener 127.0.0.1:2025',
      'control_listener run/console',
    ]);
  });

  it('warns of patterns that match anywhere', async () => {
    const read = await configureText('Domain "/slow/" { } Domain "/^a/" { } Domain "/b$/" { } Domain "/(?i)^c/" { }', { unread });
    expect(read.ok).toBe(true);
    expect(read.problems.map((p) => `${p.severity} ${p.code} ${p.column}`)).toEqual(['notice CONFIG_LOOSE_PATTERN 8']);
  });

  it('reads on below a stanza whose name is wrong', async () => {
    expect(await refuse('ESMTP_Listener { Listen ":99999" { foo = 1 } Peer x { bar = 1 } }')).toEqual([
      '1:25 BAD_INSTANCE',
      '1:36 UNKNOWN_OPTION',
      '1:51 BAD_INSTANCE',
      '1:55 UNKNOWN_OPTION',
    ]);
    expect(await refuse('Binding "" { } Binding "a b" { }')).toEqual(['1:9 BAD_INSTANCE', '1:24 BAD_INSTANCE']);
  });

  it('points at the item of a list or dictionary', async () => {
    expect(await refuse('prohibited_hosts = ( ::1\n x )')).toEqual(['2:2 BAD_VALUE']);
    expect(await refuse('snmp_traps { watch_variables = [ ActiveQueue = 1 Nonsense = 2 ] }')).toEqual(['1:50 BAD_VALUE']);
    expect(await refuse('pathway p { context = [ a = [ b = c ] ] }')).toEqual(['1:25 BAD_VALUE']);
    expect(await refuse('relay_hosts = [ ]')).toEqual(['1:15 BAD_VALUE']);
  });

  it('says where a stanza belongs', async () => {
    expect(
      await refuse('Binding a { security { } ec { } retry_interval { } } domain x { domain y { } }', [{ name: 'ec', options: {} }]),
    ).toEqual(['1:13 WRONG_SCOPE', '1:26 WRONG_SCOPE', '1:33 NOT_A_STANZA', '1:65 WRONG_SCOPE']);
  });

  it('refuses services and options that cannot be', async () => {
    expect(await refuse('XMPP_Listener { } Domain x { xmpp_role = client } ')).toEqual(['1:1 NOT_SUPPORTED', '1:30 NOT_SUPPORTED']);
  });

  it('names the module that is missing', async () => {
    const read = await configureText('cluster { } http_listener { } datasource "x" { } dkim = enabled clamav { } Domain x { clamav { } }', {
      unread,
      knownModules: ['clamav'],
    });
    expect(read.problems.map((p) => p.say)).toEqual([
      'The module "cluster" is not part of this build.',
      'The stanza "http_listener" belongs to the module "httpsrv", which is not part of this build.',
      'The stanza "datasource" belongs to the module "ds_core", which is not part of this build.',
      '"dkim" belongs to the module "dkim_sign", which is not part of this build.',
      'The module "clamav" is not part of this build.',
      'The module "clamav" is not part of this build.',
    ]);
  });

  it('is not fooled by names that every object has', async () => {
    expect(await refuse('constructor = 1 toString { } Binding a { __proto__ = 1 } security { constructor = 1 valueOf { } }')).toEqual([
      '1:1 UNKNOWN_OPTION',
      '1:17 UNKNOWN_STANZA',
      '1:42 UNKNOWN_OPTION',
      '1:69 UNKNOWN_OPTION',
      '1:85 UNKNOWN_STANZA',
    ]);
  });

  it('names stanzas written as options and options written as stanzas, within stanzas too', async () => {
    expect(await refuse('snmp_traps { destination = x state { } } security = 1 authorization = 2')).toEqual([
      '1:14 NOT_AN_OPTION',
      '1:30 NOT_A_STANZA',
      '1:42 NOT_AN_OPTION',
      '1:55 NOT_AN_OPTION',
    ]);
  });

  it('judges options that nothing reads', async () => {
    const set = new Set([
      'never_retry',
      'retry_interval',
      'scheduler',
      'relay_hosts',
      'outbound_throttle_messages',
      'alias_schemes',
      'security.supplemental_groups',
      'use_ipv6',
      'tls',
    ]);
    const judge = async (text: string): Promise<string[]> =>
      (await configureText(text, { unread: set })).problems.map((p) => `${p.severity} ${p.code.slice(7)}`);
    expect(await judge('never_retry = true')).toEqual(['error NOT_ENFORCED']);
    expect(await judge('never_retry = false retry_interval = 5 scheduler = x use_ipv6 = yes')).toEqual([
      'notice NOT_READ',
      'notice NOT_READ',
      'notice MEANINGLESS',
      'notice NOT_READ',
    ]);
    expect(await judge('relay_hosts = ( ) alias_schemes = ( ) outbound_throttle_messages = 0 tls = no')).toEqual(
      Array(4).fill('notice NOT_READ'),
    );
    expect(
      await judge(
        'relay_hosts = ( ::1 ) alias_schemes = ( a ) outbound_throttle_messages = 1 tls = required security { supplemental_groups = ( ssl ) }',
      ),
    ).toEqual(Array(5).fill('error NOT_ENFORCED'));
  });

  it('does not hide mistakes of the code', async () => {
    const broken = { ...opt.int({ doc: 'x' }), parse: () => JSON.parse('{') as number };
    await expect(configureText('demo { n = 1 }', { unread, manifests: [{ name: 'demo', options: { n: broken } }] })).rejects.toThrow(
      SyntaxError,
    );
  });

  it('finds limits of the core that contradict each other', async () => {
    expect(await refuse('memory_hwm = 50')).toEqual(['1:1 CONFLICT']);
    expect(await refuse('max_dns_ttl = 5 min_dns_ttl = 10')).toEqual(['1:17 CONFLICT']);
  });
});

describe('decode, with modules', () => {
  const logger: ModuleManifest = {
    name: 'ec_logger',
    options: { heartbeat: opt.seconds({ doc: 'x', default: 60 }), mode: opt.octal({ doc: 'x', default: 0o640 }) },
  };
  const source: ModuleManifest = {
    name: 'ds_core',
    singleton: true,
    options: {},
    stanzas: { datasource: { uri: opt.string({ doc: 'Where it is.', required: true }), size: opt.int({ doc: 'x', default: 10 }) } },
  };
  const sign: ModuleManifest = {
    name: 'dkim_sign',
    options: { key: opt.path({ doc: 'x' }), lifetime: opt.int({ doc: 'x', default: 48 }) },
    blocks: {
      dkim_domain: {
        options: { key: opt.path({ doc: 'x', required: true }), lifetime: opt.int({ doc: 'x', default: 1 }) },
        blocks: { selector: { key: opt.path({ doc: 'x' }) } },
      },
    },
    scoped: {
      dkim: opt.choice('enabled', 'disabled')({ doc: 'x', scopes: ['global', 'binding_group', 'binding', 'domain'] }),
      mark: opt.int({ doc: 'x', default: 3, scopes: ['listen'] }),
    },
    check(own: { lifetime: number; key: string | undefined }, global) {
      if (own.lifetime > global.message_expiration) return [{ option: 'lifetime', say: 'Too long.' }];
      return own.key === undefined ? [{ say: 'No key.', level: 'warning' as const }] : [];
    },
  };
  const adaptive: ModuleManifest = {
    name: 'adaptive',
    singleton: true,
    options: {},
    inside: {
      domain: { adaptive_sweep_rule: { codes: opt.strings({ doc: 'x', required: true }) } },
      dkim_sign: { extra: { n: opt.int({ doc: 'x', default: 7 }) } },
    },
  };
  const all = [logger, source, sign, adaptive];

  it('gives instances their values, with what every module has', async () => {
    const snapshot = await take(
      'ec_logger "main" { mode = 0600 } ec_logger { enabled = off debug_level = info on_error = reject timeout = 5 }',
      all,
    );
    expect(snapshot.modules().map(({ name, instance, line, options }) => [name, instance, line, options])).toEqual([
      ['ec_logger', 'main', 1, { enabled: true, debug_level: 'error', on_error: 'tempfail', timeout: 30, heartbeat: 60, mode: 0o600 }],
      ['ec_logger', 'ec_logger', 1, { enabled: false, debug_level: 'info', on_error: 'reject', timeout: 5, heartbeat: 60, mode: 0o640 }],
    ]);
  });

  it('merges instances of one name', async () => {
    const snapshot = await take('ec_logger a { mode = 0600 } ec_logger b { } ec_logger "a" { heartbeat = 1 }', all);
    expect(snapshot.modules().map((m) => [m.instance, m.options.heartbeat, m.options.mode])).toEqual([
      ['a', 1, 0o600],
      ['b', 60, 0o640],
    ]);
  });

  it('lets blocks fall back to the stanza around them', async () => {
    const snapshot = await take(
      'dkim_sign { key = "/k" dkim_domain a { selector s { } } dkim_domain b { key = "/b" lifetime = 2 selector s { } } extra { } }',
      all,
    );
    const blocks = snapshot.modules()[0]?.blocks;
    const view = (block: Block | undefined): unknown => ({
      ...block?.options,
      selector: block?.blocks.get('selector')?.get('s')?.options.key,
    });
    expect(view(blocks?.get('dkim_domain')?.get('a'))).toEqual({ key: '/k', lifetime: 1, selector: '/k' });
    expect(view(blocks?.get('dkim_domain')?.get('b'))).toEqual({ key: '/b', lifetime: 2, selector: '/b' });
    expect(blocks?.get('extra')?.get('extra')?.options).toEqual({ n: 7 });
  });

  it('takes options of modules into scopes, resolved as those of the core', async () => {
    const snapshot = await take(
      'dkim = disabled Binding b { dkim = enabled Domain d { } } ESMTP_Listener { Listen ":1" { mark = 9 } }',
      all,
    );
    const values = (where: object): unknown => snapshot.moduleValues(sign, where);
    expect(values({ binding: 'b', domain: 'd' })).toEqual({ dkim: 'enabled', mark: 3 });
    expect(values({})).toEqual({ dkim: 'disabled', mark: 3 });
    expect(values({ listener: 'esmtp_listener', listen: ':1' })).toEqual({ dkim: 'disabled', mark: 9 });
    expect(snapshot.moduleValues(logger, {})).toEqual({});
    expect(snapshot.moduleValues(sign, {})).toBe(snapshot.moduleValues(sign, { domain: 'elsewhere' }));
    expect(snapshot.find('dkim', { binding: 'b' })).toMatchObject({ value: 'enabled', scopeKey: 'binding b' });
  });

  it('takes stanzas of modules, at the top and in scopes', async () => {
    const snapshot = await take(
      'Datasource "d" { uri = "x://" } datasource e { uri = "y://" size = 3 } Domain d { adaptive_sweep_rule { codes = ( 1 2 ) } }',
      all,
    );
    expect([...snapshot.moduleStanzas('Datasource')].map(([name, block]) => [name, block.options])).toEqual([
      ['d', { uri: 'x://', size: 10 }],
      ['e', { uri: 'y://', size: 3 }],
    ]);
    expect(snapshot.scopeBlocks('adaptive_sweep_rule', { domain: 'd' }).get('adaptive_sweep_rule')?.options).toEqual({ codes: ['1', '2'] });
    expect(snapshot.scopeBlocks('adaptive_sweep_rule', { domain: 'e' }).size).toBe(0);
    expect(snapshot.moduleStanzas('nothing').size).toBe(0);
  });

  it('refuses what does not fit', async () => {
    expect(await refuse('ec_logger { } ec_logger { } ds_core { } ds_core { } ds_core x { }', all)).toEqual([
      '1:15 SAME_NAME',
      '1:41 TWO_SINGLETONS',
      '1:53 TWO_SINGLETONS',
    ]);
    expect(await refuse('datasource d { } Domain x { adaptive_sweep_rule { } }', all)).toEqual(['1:1 REQUIRED', '1:29 REQUIRED']);
    expect(await refuse('ESMTP_Listener { dkim = enabled }', all)).toEqual(['1:18 WRONG_SCOPE']);
    expect(await refuse('dkim_sign { dkim_domain = x lifetime { } dkim_domian a { } nothing = 1 }', all)).toEqual([
      '1:13 NOT_AN_OPTION',
      '1:29 NOT_A_STANZA',
      '1:42 UNKNOWN_STANZA',
      '1:60 UNKNOWN_OPTION',
    ]);
    expect(await refuse('ds_core = x', all)).toEqual(['1:1 NOT_AN_OPTION']);
  });

  it('asks the modules themselves', async () => {
    expect(await refuse('message_expiration = 10 dkim_sign { key = "/x"\n lifetime = 11 }', all)).toEqual(['2:2 CONFLICT']);
    const read = await configureText('\n dkim_sign a { lifetime = 1 }', { unread, manifests: all });
    expect([read.ok, read.problems.map((p) => `${p.severity} ${p.line} ${p.say}`)]).toEqual([true, ['notice 2 No key.']]);
  });

  it('lets local changes go on with a stanza that has no name', async () => {
    const files = {
      '/m': 'local_changes_file = l ds_core { } ec_logger { heartbeat = 5 } retry_interval = 1',
      '/l': 'ec_logger { heartbeat = 6 } ds_core { enabled = off } retry_interval = 2',
    };
    const read = await configure('/m', readerOf(files), { unread, manifests: all });
    if (!read.ok) throw new Error(renderProblems(read.problems));
    expect(read.snapshot.modules().map((m) => [m.name, m.options.heartbeat, m.options.enabled])).toEqual([
      ['ds_core', undefined, false],
      ['ec_logger', 6, true],
    ]);
    expect(read.snapshot.global.retry_interval).toBe(2);
    const twice = await configure('/m', readerOf({ ...files, '/l': 'ds_core other { }' }), { unread, manifests: all });
    expect(twice.problems.map((p) => p.code)).toEqual(['CONFIG_TWO_SINGLETONS']);
  });

  it('joins the core and the module of a stanza both know', async () => {
    const cluster: ModuleManifest = { name: 'cluster', singleton: true, options: { seeds: opt.strings({ doc: 'x', default: [] }) } };
    const snapshot = await take('cluster { nodename = n seeds = ( a b ) } eccluster_listener { }', [cluster]);
    expect(snapshot.modules()[0]?.options).toMatchObject({ nodename: 'n', seeds: ['a', 'b'], heartbeats_per_sec: 1, enabled: true });
  });
});

describe('decode(parse(print(t)))', () => {
  const options: Options = core;
  const word = fc.constantFrom('a', 'b', 'example.test', 'x y', 'q"u\'o', 'back\\slash', 'sla/sh', '#', '', 'ä', '\n', '/tmp/x');
  const plausible: fc.Arbitrary<Raw> = fc.oneof(
    fc.constantFrom(
      'true',
      'off',
      '0',
      '1',
      '25',
      '300',
      '4 hours',
      '10M',
      '500/10',
      'none',
      'required',
      '0640',
      '192.0.2.1',
      '10.0.0.0/8',
      '/a\\.b$/',
      '/x/y"z/',
    ),
    fc.array(word, { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('uri', 'k', 'zone'), word, { maxKeys: 2 }),
    word,
  );
  const assign = (scope: Scope): fc.Arbitrary<Entry> => {
    const names = Object.keys(options).filter((name) => options[name]?.scopes.includes(scope));
    return fc.tuple(fc.constantFrom(...names, 'nonsense'), plausible).map(([name, raw]) => makeAssign(name, makeValue(raw)));
  };
  const inside = (scope: Scope, depth: number): fc.Arbitrary<Entry[]> => {
    const children = depth === 0 ? [] : (CHILDREN[scope] ?? []);
    return fc.array(fc.oneof(assign(scope), ...children.map((child) => stanza(child, depth - 1))), { maxLength: 4 });
  };
  const stanza = (kind: Scope, depth: number): fc.Arbitrary<Entry> =>
    fc
      .tuple(fc.constantFrom(...(INSTANCES[kind] ?? ['a', 'b'])), inside(kind, depth))
      .map(([name, entries]) => makeStanza(kind, name, entries));
  const CHILDREN: Partial<Record<Scope, Scope[]>> = {
    global: ['binding_group', 'binding', 'domain', 'host', 'pathway_group', 'pathway', 'esmtp_listener', 'control_listener'],
    binding_group: ['binding', 'domain', 'host'],
    binding: ['domain', 'host'],
    pathway_group: ['pathway'],
    esmtp_listener: ['listen', 'peer'],
    control_listener: ['listen', 'peer'],
    listen: ['peer'],
  };
  const INSTANCES: Partial<Record<Scope, string[]>> = {
    domain: ['example.test', 'Example.TEST', '/^a"b$/', "/^a'b$/", '/x\\.y$/', '[192.0.2.1]', '/bad(/'],
    host: ['mx.test', '/^mx/'],
    listen: [':25', '*:25', '[::1]:25', '/run/x', 'bad'],
    peer: ['10.0.0.0/8', '::/0', 'bad'],
  };

  /** What was decoded, without places. */
  const viewScope = (scope: ScopeNode): unknown => ({
    key: scope.key,
    settings: [...scope.settings.values()].map(({ name, value, option, scopeKey }) => [name, option.print(value), scopeKey]),
    children: [...scope.children].map(([kind, named]) => [kind, [...named.values()].map(viewScope)]),
  });
  const view = (decoded: Decoded): unknown =>
    decoded.ok ? viewScope(decoded.config.root) : decoded.problems.map((p) => `${p.code} ${p.say.replace(/ \(line.*/s, '')}`).sort();

  it('equals decode(t)', () => {
    let good = 0;
    fc.assert(
      fc.property(inside('global', 3), (entries) => {
        const tree = makeTree(entries);
        const direct = decode(loadedFrom(tree), { unread });
        const { tree: again, problems } = parse(print(tree), 'x');
        expect(problems).toEqual([]);
        if (direct.ok) good++;
        expect(view(decode(loadedFrom(again), { unread }))).toEqual(view(direct));
      }),
      { numRuns: 500 },
    );
    expect(good).toBeGreaterThan(20);
  });

  it('gives the bytes of a file back after it was read', async () => {
    const text = '# head\r\n\tRetry_Interval=5 /* x */ Binding "a"{\r\n}\r\n# tail';
    const loaded = await load('/x', readerOf({ '/x': text }));
    expect(print(loaded.main.tree)).toBe(text);
  });
});
