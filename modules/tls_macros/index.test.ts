/** The macros for attempts of all kinds, key lengths as openssl tells them, and the context that says the same. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { type Attempt, type MacroEvent, Macros } from '#module';
import { configureText } from '../../src/config/configure.js';
import { rehearse } from '../../src/module/fixture.js';
import { openMacroBook } from '../../src/module/macros.js';
import { makePlans } from '../../src/server/plans.js';
import { makeAttempt, makeMail } from '../../test/fixtures/log-events.js';
import { needs } from '../../test/needs.js';
import { NAMES, NAMESPACE } from './api.js';
import { readBits } from './bits.js';
import { nameIn } from './facts.js';
import tlsMacros from './index.js';

async function open(config = 'tls = ifavailable\ntls_macros { }') {
  const book = openMacroBook();
  const load = async (text: string) => {
    const configured = await configureText(`${text}\n`, { manifests: [tlsMacros], unread: new Set() });
    if (!configured.ok) throw new Error(configured.problems.map(({ say }) => say).join('\n'));
    return configured.snapshot;
  };
  let snapshot = await load(config);
  const { registry } = rehearse({ outbound: (where) => snapshot.at(where), service: (token) => (token === Macros ? book : undefined) });
  const put = async (text: string): Promise<void> => {
    snapshot = await load(text);
    registry.commit(await registry.prepare(makePlans(snapshot, [tlsMacros])));
  };
  await put(config);
  const tell = (event: MacroEvent): string => NAMES.map((name) => book.find(NAMESPACE)?.fill(name, event) ?? '').join('|');
  return { tell, put, book, chains: () => registry.current.hooks.chains };
}

const of = (attempt: Attempt): MacroEvent => ({ kind: 'delivery', attempt, mail: attempt.mail, place: attempt.place, at: attempt.at });
const tls = {
  protocol: 'TLSv1.2',
  cipher: 'ECDHE-RSA-AES128-GCM-SHA256',
  bits: '128',
  verified: 'true',
  proven: 'true',
  subject: 'C=DE/O=Some\\/Org/CN=mx.example.net',
  issuer: 'O=Root @ Home',
};
const via = { localIp: '192.0.2.1', tlsLevel: 'required' } as const;
const attempt = (more: Partial<Attempt>): Attempt => makeAttempt(makeMail(), more);

describe('tls_macros', () => {
  it.each([
    [
      'a verified server',
      { tls, via },
      'TLS|required|198.51.100.25|192.0.2.1|ECDHE-RSA-AES128-GCM-SHA256|128|128|TLSv1.2|verified|Root \\@ Home|mx.example.net',
    ],
    [
      'a server that is not the host',
      { tls: { ...tls, proven: 'false' }, via },
      'TLS|required|198.51.100.25|192.0.2.1|ECDHE-RSA-AES128-GCM-SHA256|128|128|TLSv1.2|unverified|Root \\@ Home|mx.example.net',
    ],
    ['no TLS', { via: { ...via, tlsLevel: 'no' } }, 'SMTP|no|198.51.100.25|192.0.2.1|||||||'],
    ['a handshake that failed', { stage: 17 }, 'unknown|ifavailable|198.51.100.25||||||||'],
    ['no connection', { stage: 0, hop: undefined }, 'unknown|ifavailable|||||||||'],
  ] as const)('%s', async (_, more, said) => {
    const { tell } = await open();
    expect(tell(of(attempt(more as Partial<Attempt>)))).toBe(said);
  });

  it('a reception has the option alone', async () => {
    const { tell } = await open('tls = required\ntls_macros { }');
    const mail = makeMail();
    expect(tell({ kind: 'reception', mail, place: mail.place, at: 0 })).toBe('|required|||||||||');
  });

  it('two deliveries over one connection are told alike', async () => {
    const { tell } = await open();
    const [first, second] = [attempt({ tls, via }), attempt({ tls, via })];
    expect(tell(of(first))).toBe(tell(of(second)));
  });

  it('sets the context of the message before anybody is told of the attempt', async () => {
    const { chains } = await open();
    const ended = attempt({ tls, via });
    chains().attempted.run(ended);
    expect(Object.fromEntries([...ended.mail.facts].filter(([key]) => key.startsWith('outbound_')))).toEqual({
      outbound_tls: 'TLS',
      outbound_tls_type: 'required',
      outbound_local_ip: '192.0.2.1',
      outbound_tls_cipher: 'ECDHE-RSA-AES128-GCM-SHA256',
      outbound_tls_cipher_algbits: '128',
      outbound_tls_cipher_usebits: '128',
      outbound_tls_protocol: 'TLSv1.2',
      outbound_tls_verified: 'verified',
      outbound_tls_issuer: 'Root \\@ Home',
      outbound_tls_subject: 'mx.example.net',
    });
  });

  it('with enabled = false the macros work and no context is set', async () => {
    const { tell, chains } = await open('tls_macros { enabled = false }');
    const ended = attempt({ via });
    chains().attempted.run(ended);
    expect(ended.mail.facts.has('outbound_tls')).toBe(false);
    expect(tell(of(ended))).toMatch(/^SMTP/);
  });

  it('stays through a reload and goes when its stanza does', async () => {
    const { put, book } = await open();
    await put('tls_macros { }');
    expect(book.find(NAMESPACE)?.names).toEqual(NAMES);
    await put('');
    expect(book.find(NAMESPACE)).toBeUndefined();
  });
});

describe('names in certificates', () => {
  it.each([
    ['C=DE/O=x/CN=mx.test', 'mx.test'],
    ['O=Org/C=DE', 'Org'],
    ['O=x\\/CN=evil.test/CN=mx.test', 'mx.test'],
    ['O=x\\\\/CN=mx.test', 'mx.test'],
    ['C=DE', ''],
    ['', ''],
    [undefined, ''],
    ['CN=a@b', 'a\\@b'],
  ])('%s is %s', (name, expected) => {
    expect(nameIn(name)).toBe(expected);
  });
});

needs('openssl')('key lengths', () => {
  it('are what openssl says', () => {
    const lines = execFileSync('openssl', ['ciphers', '-v', 'ALL:COMPLEMENTOFALL'], { encoding: 'utf8' }).trim().split('\n');
    const theirs = lines.map((line) => [/^\S+/.exec(line)?.[0] ?? '', Number(/Enc=\S*?\((\d+)\)/.exec(line)?.[1] ?? 0)] as const);
    expect(theirs.length).toBeGreaterThan(50);
    expect(theirs.map(([cipher]) => [cipher, readBits(cipher).secret])).toEqual(theirs);
  });

  it('of triple DES: 168, of which 112 are of use', () => {
    expect(readBits('DES-CBC3-SHA')).toEqual({ algorithm: 168, secret: 112 });
  });
});
