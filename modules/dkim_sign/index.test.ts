import { generateKeyPairSync } from 'node:crypto';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { describe, expect, it } from 'vitest';
import { Address, bodyOf, Copy, type Options, type Reception, tempfail } from '#module';
import { VirtualClock } from '../../src/kernel/virtual-clock.js';
import { Watch } from '../../src/kernel/watch.js';
import { Facts } from '../../src/mail/facts.js';
import { Headers } from '../../src/mail/headers.js';
import type { Lends, OptionValues } from '../../src/module/lends.js';
import { PlaceTable } from '../../src/module/place.js';
import { Registry } from '../../src/module/registry.js';
import type { Verdict } from '../../src/module/verdict.js';
import dkimSign from './index.js';

const pem = (pair: { privateKey: { export(o: { type: 'pkcs8'; format: 'pem' }): string | Buffer } }) =>
  Buffer.from(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
const other = generateKeyPairSync('rsa', { modulusLength: 1024 });
const ed = generateKeyPairSync('ed25519');
const weak = generateKeyPairSync('rsa', { modulusLength: 768 });
const files = () =>
  new Map([
    ['/keys/site.test/k1.pem', pem(rsa)],
    ['/keys/corp.test/k1.pem', pem(rsa)],
    ['/keys/xn--bcher-kva.test/k1.pem', pem(rsa)],
    ['/keys/ed.pem', pem(ed)],
    ['/keys/other.pem', pem(other)],
    ['/keys/weak.pem', pem(weak)],
    ['/keys/bad.pem', Buffer.from('-----BEGIN PRIVATE KEY-----\nno\n-----END PRIVATE KEY-----\n')],
  ]);
const record = (pair: typeof rsa | typeof ed): string => {
  const der = pair.publicKey.export({ type: 'spki', format: 'der' });
  return pair === ed ? `v=DKIM1; k=ed25519; p=${der.subarray(-32).toString('base64')}` : `v=DKIM1; p=${der.toString('base64')}`;
};

const PATH = '/keys/%{d}/%{s}.pem';
const basic = { selector: 'k1', key: PATH, headerlist: 'From:To?:Subject:Date' };
const NOW = Date.now();

const decode = (options: Options, given: Record<string, string>, around: Record<string, string> = {}): OptionValues => {
  const all = { ...around, ...given };
  return Object.fromEntries(
    Object.entries(options).map(([name, option]) => [name, all[name] === undefined ? option.default : option.parse(all[name])]),
  );
};

interface Setting {
  readonly options?: Record<string, string>;
  readonly blocks?: Record<string, Record<string, string>>;
  readonly disabledFor?: string;
}

/** The module in the real registry, over a disk of two maps. */
async function start({ options = basic, blocks = {}, disabledFor }: Setting = {}) {
  const clock = new VirtualClock(NOW);
  const log: string[] = [];
  const counts = new Map<string, number>();
  const disk = files();
  let reads = 0;
  const lends: Lends = {
    clock,
    guard: { watch: new Watch(clock), mono: () => clock.mono(), failed: (_, error) => log.push(String(error)), runLimitMs: 60_000 },
    service: () => undefined,
    global: () => ({}) as never,
    outbound: () => ({ signing_stats: 'all' }) as never,
    inbound: () => ({}) as never,
    scoped: (_, where) => ({ dkim: !('binding' in where && (where.binding === disabledFor || where.domain === disabledFor)) }),
    logged: (entry) => void log.push(entry.text),
    count: (name) => void counts.set(name, (counts.get(name) ?? 0) + 1),
    readFile: async (path) => {
      reads++;
      const found = disk.get(path);
      if (!found) throw Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: 'ENOENT' });
      return found;
    },
  };
  const registry = new Registry(lends);
  const plan = {
    manifest: dkimSign,
    instance: 'sig',
    options: decode(dkimSign.options, options),
    blocks: new Map([
      [
        'dk_domain',
        new Map(Object.entries(blocks).map(([name, given]) => [name, decode(dkimSign.blocks?.dk_domain ?? {}, given, options)])),
      ],
    ]),
    stanzas: new Map(),
    passive: false,
    onError: tempfail('451 4.3.0 temporary policy failure'),
    timeoutSeconds: 30,
    file: 'x.conf',
    line: 1,
  };
  registry.commit(await registry.prepare([plan]));
  const run = async (name: string) => registry.current.commands.get(`dkim_sign:sig ${name}`)?.command.run([], new AbortController().signal);
  const sign = (copy: Copy): Verdict | Promise<Verdict> => {
    // The domain of a route, as with a gateway.
    const place = places.of('default', copy.binding ?? 'default', '[192.0.2.1]');
    copy.place = place;
    return registry.current.hooks.chains.sign.run(copy, place);
  };
  return { clock, log, counts, disk, run, sign, reads: () => reads };
}

const places = new PlaceTable();

const receptionOf = (sender: string | null, facts: Record<string, string> = {}): Reception => {
  const connection = new Facts();
  for (const [key, value] of Object.entries(facts)) connection.set(key, value);
  const at = sender?.lastIndexOf('@') ?? 0;
  return {
    batchId: 'b',
    connectionId: 'c',
    protocol: 'esmtp',
    receivedAt: NOW,
    sender: sender === null ? null : new Address(sender.slice(0, at), sender.slice(at + 1)),
    facts: connection,
    smtpUtf8: false,
  };
};

const copyOf = (
  head = 'From: Alice <alice@site.test>\r\nSubject: hello\r\nDate: now\r\n',
  body = 'text\r\n',
  reception = receptionOf('a@env.test'),
) =>
  new Copy(
    'id',
    reception,
    [new Address('bob', 'far.test')],
    new Headers(Buffer.from(`${head}\r\n`)),
    bodyOf([Buffer.from(body)]),
    new Facts(),
  );

/** What mailauth says of a copy: a line a signature. */
async function judge(copy: Copy, keys: Record<string, string>, change: (text: string) => string = (t) => t): Promise<string[]> {
  const text = copy.headers.bytes().toString('latin1') + Buffer.concat([...(copy.content.resident ?? [])]).toString('latin1');
  const { results } = await dkimVerify(Buffer.from(change(text), 'latin1'), {
    resolver: async (name: string) => {
      const found = keys[name];
      if (found === undefined) throw Object.assign(new Error(`no ${name}`), { code: 'ENOTFOUND' });
      return [[found]];
    },
  });
  return results.map(({ status, selector }) => `${selector} ${status.result}`);
}

const siteKeys = { 'k1._domainkey.site.test': record(rsa) };

describe('dkim_sign', () => {
  it('signs in the name of From, and a verifier agrees', async () => {
    const { sign, counts, run } = await start();
    const copy = copyOf();
    expect(await sign(copy)).toBeUndefined();
    expect(copy.headers.get('dkim-signature')).toMatch(/^v=1; a=rsa-sha256; c=relaxed\/relaxed; d=site\.test; s=k1;/);
    expect(await judge(copy, siteKeys)).toEqual(['k1 pass']);
    expect(await judge(copy, siteKeys, (t) => t.replace('text', 'tekst'))).not.toEqual(['k1 pass']);
    expect(counts.get('dkim_sign_signed')).toBe(1);
    expect(await run('stats')).toMatchObject([
      { domain: '*', processed: 1, signed: 1, failed: 0 },
      { domain: 'site.test', signed: 1 },
    ]);
  });

  it('oversigns what headerlist names without a mark', async () => {
    const { sign } = await start();
    const added = (field: string) => (text: string) => `${field}\r\n${text}`;
    const copy = copyOf('From: alice@site.test\r\nDate: now\r\n');
    await sign(copy);
    expect(await judge(copy, siteKeys, added('Subject: new'))).not.toEqual(['k1 pass']);
    expect(await judge(copy, siteKeys, added('To: new@x.test'))).toEqual(['k1 pass']);
    expect(await judge(copy, siteKeys, added('X-Other: new'))).toEqual(['k1 pass']);
  });

  it('puts an Ed25519 signature beside the RSA one when both keys stand', async () => {
    const { sign } = await start({ options: { ...basic, ed25519_selector: 'e1', ed25519_key: '/keys/ed.pem' } });
    const copy = copyOf();
    await sign(copy);
    expect(await judge(copy, { ...siteKeys, 'e1._domainkey.site.test': record(ed) })).toEqual(['k1 pass', 'e1 pass']);
  });

  it('expires signatures after so many hours', async () => {
    const { sign, clock } = await start({ options: { ...basic, lifetime: '2' } });
    const copy = copyOf();
    await sign(copy);
    const value = copy.headers.get('dkim-signature') ?? '';
    const at = Math.floor(clock.now() / 1000);
    expect(value).toContain(`t=${at}; x=${at + 7200};`);
    const old = await start({ options: { ...basic, lifetime: '2' } });
    old.clock.jump(-3 * 3_600_000);
    const stale = copyOf();
    await old.sign(stale);
    expect(await judge(stale, siteKeys)).not.toEqual(['k1 pass']);
  });

  it('leaves mail alone where dkim is disabled, where nobody has a key, and where the condition is not met', async () => {
    const { sign, log } = await start({
      options: { headerlist: 'From', sign_condition: 'can_relay' },
      blocks: { 'site.test': { selector: 'k1', key: PATH } },
      disabledFor: 'silent',
    });
    const isSigned = async (copy: Copy) => {
      await sign(copy);
      return copy.headers.has('dkim-signature');
    };
    const relayed = () => receptionOf('a@env.test', { can_relay: 'true' });
    expect(await isSigned(copyOf())).toBe(false);
    expect(await isSigned(copyOf(undefined, undefined, relayed()))).toBe(true);
    expect(await isSigned(copyOf('From: a@elsewhere.test\r\n', '', relayed()))).toBe(false);
    expect(await isSigned(copyOf('To: b@x.test\r\n', '', relayed()))).toBe(false);
    expect(await isSigned(Object.assign(copyOf(undefined, undefined, relayed()), { binding: 'silent' }))).toBe(false);
    expect(log).toEqual([]);
  });

  it('asks for the domain of the recipient, not of the route', async () => {
    const { sign } = await start({ disabledFor: 'far.test' });
    const copy = copyOf();
    await sign(copy);
    expect(copy.headers.has('dkim-signature')).toBe(false);
  });

  it('chooses selector and signing domain by block', async () => {
    const { sign } = await start({
      options: { headerlist: 'From:Subject', key: PATH },
      blocks: {
        'site.test': { selector: 'k1' },
        'Mail.Corp.test': { selector: 'k1', base_domain: 'corp.test', identity: '@mail.corp.test' },
      },
    });
    const corp = copyOf('From: x@mail.corp.test\r\n');
    await sign(corp);
    expect(await judge(corp, { 'k1._domainkey.corp.test': record(rsa) })).toEqual(['k1 pass']);
    expect(corp.headers.get('dkim-signature')).toContain('i=@mail.corp.test;');
    const site = copyOf();
    await sign(site);
    expect(await judge(site, siteKeys)).toEqual(['k1 pass']);
  });

  it.each([
    ['from', 'From: a@site.test\r\nSender: b@corp.test\r\n', 'site.test'],
    ['sender', 'From: a@site.test\r\nSender: b@corp.test\r\n', 'corp.test'],
    ['sender', 'From: a@site.test\r\n', 'site.test'],
    ['envelope', 'From: a@nokey.test\r\n', 'site.test'],
    ['from', 'From: "a@nokey.test" (b@nokey.test) <a@B\xfccher.test>\r\n', 'xn--bcher-kva.test'],
  ])('sign_by = %s: %s → %s', async (by, head, domain) => {
    const { sign } = await start({ options: { ...basic, sign_by: by } });
    const copy = new Copy(
      'id',
      receptionOf('x@site.test'),
      [new Address('b', 'far.test')],
      new Headers(Buffer.from(`${head}\r\n`)),
      bodyOf([]),
      new Facts(),
    );
    await sign(copy);
    expect(copy.headers.get('dkim-signature')).toContain(`d=${domain};`);
  });

  it('signs the copies of a reception once', async () => {
    const { sign } = await start();
    const first = copyOf();
    const copies = [
      first,
      new Copy('2', first.reception, [new Address('c', 'far.test')], first.headers.clone(), first.content, new Facts()),
    ];
    const changed = new Copy('3', first.reception, [new Address('d', 'far.test')], first.headers.clone(), first.content, new Facts());
    changed.headers.replace('Subject', 'other');
    for (const copy of [...copies, changed]) await sign(copy);
    const [a, b, c] = [...copies, changed].map((copy) => copy.headers.get('dkim-signature'));
    expect(a).toBe(b);
    expect(c).not.toBe(a);
    expect(await judge(changed, siteKeys)).toEqual(['k1 pass']);
  });

  it('reads a large body that lies in a file', async () => {
    const { sign } = await start();
    const copy = copyOf();
    const text = Buffer.from('line of a large body \r\n'.repeat(50_000));
    copy.content = {
      ...bodyOf([text]),
      resident: undefined,
      async *read() {
        for (let at = 0; at < text.length; at += 4097) yield text.subarray(at, at + 4097);
      },
    };
    const twin = copyOf(undefined, text.toString());
    await sign(copy);
    await sign(twin);
    expect(copy.headers.get('dkim-signature')).toBe(twin.headers.get('dkim-signature'));
    expect(await judge(twin, siteKeys)).toEqual(['k1 pass']);
  });
});

describe('dkim_sign and a disk that stands still', () => {
  it('answers when its time is over, and stops reading', async () => {
    const { sign, clock } = await start();
    const copy = copyOf();
    let read = 0;
    copy.content = {
      ...bodyOf([]),
      resident: undefined,
      async *read() {
        for (;;) {
          yield Buffer.from('more\r\n');
          read++;
          await new Promise((done) => setImmediate(done));
        }
      },
    };
    const verdict = sign(copy);
    await clock.advance(31_000);
    expect(await verdict).toMatchObject({ do: 'tempfail' });
    await new Promise((done) => setTimeout(done, 5));
    const before = read;
    await new Promise((done) => setTimeout(done, 20));
    expect(read).toBe(before);
  });
});

describe('dkim_sign without its key', () => {
  it('lets mail pass unsigned, counts it, and says so once a minute', async () => {
    const { sign, disk, log, counts, clock, reads } = await start();
    disk.delete('/keys/site.test/k1.pem');
    for (let i = 0; i < 3; i++) {
      const copy = copyOf();
      expect(await sign(copy)).toBeUndefined();
      expect(copy.headers.has('dkim-signature')).toBe(false);
    }
    expect(log).toHaveLength(1);
    expect(log[0]).toContain('/keys/site.test/k1.pem');
    expect(counts.get('dkim_sign_failed')).toBe(3);
    expect(reads()).toBe(1);
    await clock.advance(61_000);
    await sign(copyOf());
    expect(log).toHaveLength(2);
  });

  it('puts mail off where on_sign_failure asks for it', async () => {
    const { sign } = await start({ options: { ...basic, on_sign_failure: 'tempfail' } });
    expect(await sign(copyOf('From: a@nokey.test\r\n'))).toMatchObject({ do: 'tempfail', reply: { code: 451 }, by: 'dkim_sign' });
  });

  it('never looks outside the place of the keys', async () => {
    const { sign, reads } = await start();
    for (const from of [
      'a@../../etc/passwd',
      'a@..',
      'a@x/y',
      'a@x\\\\y',
      'a@ü/y',
      'a@ü／y',
      'a@x?y',
      'a@x%2fy',
      'a@x:80',
      'a@[192.0.2.1]',
      'a@',
      'nobody',
      `a@${'x'.repeat(300)}`,
    ]) {
      const copy = copyOf(`From: ${from}\r\n`);
      await sign(copy);
      expect(copy.headers.has('dkim-signature')).toBe(false);
    }
    expect(reads()).toBe(0);
  });

  it('uses a new key after flush keycache', async () => {
    const { sign, disk, run } = await start();
    await sign(copyOf());
    disk.set('/keys/site.test/k1.pem', pem(other));
    const before = copyOf();
    await sign(before);
    expect(await judge(before, siteKeys)).toEqual(['k1 pass']);
    expect(await run('flush keycache')).toBe('1 keys forgotten');
    const after = copyOf();
    await sign(after);
    expect(await judge(after, { 'k1._domainkey.site.test': record(other) })).toEqual(['k1 pass']);
  });
});

describe('dkim_sign refuses', () => {
  const bad: [string, Setting, RegExp][] = [
    ['no headerlist', { options: { selector: 'k1', key: PATH } }, /headerlist is required/],
    ['a headerlist without From', { options: { ...basic, headerlist: 'To:Subject' } }, /must name From/],
    ['a bad name in headerlist', { options: { ...basic, headerlist: 'From:Su bject' } }, /is no header name/],
    ['no key', { options: { selector: 'k1', headerlist: 'From' } }, /key is missing/],
    ['no selector', { options: { key: PATH, headerlist: 'From' } }, /selector is missing/],
    ['nothing', { options: { headerlist: 'From' } }, /nothing to sign with/],
    ['half an Ed25519 key', { options: { ...basic, ed25519_key: '/keys/ed.pem' } }, /ed25519_selector is missing/],
    ['one selector for two keys', { options: { ...basic, ed25519_key: '/keys/ed.pem', ed25519_selector: 'k1' } }, /must differ/],
    ['a selector with a slash', { options: { ...basic, selector: '../k1' } }, /is no selector/],
    [
      'a missing key file',
      { options: { headerlist: 'From' }, blocks: { 'a.test': { selector: 's', key: '/keys/none.pem' } } },
      /none\.pem/,
    ],
    [
      'a broken key',
      { options: { headerlist: 'From' }, blocks: { 'a.test': { selector: 's', key: '/keys/bad.pem' } } },
      /bad\.pem holds no private key/,
    ],
    [
      'a key of another type',
      { options: { headerlist: 'From' }, blocks: { 'a.test': { selector: 's', key: '/keys/ed.pem' } } },
      /needs rsa/,
    ],
    ['a weak key', { options: { headerlist: 'From' }, blocks: { 'a.test': { selector: 's', key: '/keys/weak.pem' } } }, /768 bits/],
    ['a foreign identity', { options: basic, blocks: { 'site.test': { identity: 'a@evil.test' } } }, /not within site\.test/],
    ['a block that is no domain', { options: basic, blocks: { 'no domain': {} } }, /is no domain/],
  ];
  it.each(bad)('%s', async (_, setting, say) => {
    await expect(start(setting)).rejects.toThrow(say);
  });

  it('a lifetime and a limit that make no sense, and warns of what weakens a signature', () => {
    expect(() => dkimSign.options.lifetime.parse('0')).toThrow();
    expect(() => dkimSign.options.body_length_limit.parse('0')).toThrow();
    const own = decode(dkimSign.options, { ...basic, digest: 'rsa-sha1', body_length_limit: '5' });
    expect(dkimSign.check?.(own as never, {} as never, [])).toMatchObject([
      { option: 'digest', level: 'warning' },
      { option: 'body_length_limit', level: 'warning' },
    ]);
  });
});
