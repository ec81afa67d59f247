/** DANE end to end: the daemon, nsd's signed zones through a validating unbound, and Postfix as the other side. */
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RawClient } from '../harness/client.js';
import { type Daemon, startDaemon } from '../harness/daemon.js';
import { plainConf } from '../harness/place.js';
import { needs } from '../needs.js';
import { Authority, keyDigest } from './authority.js';
import { type PostfixHosts, startPostfixHosts } from './postfix-hosts.js';
import { type SignedNames, serveZones, type Zone } from './signed-names.js';

const [GOOD, OLD, CLEAR, ISSUED] = ['127.66.0.1', '127.66.0.2', '127.66.0.3', '127.66.0.4'] as const;
const WRONG = '00'.repeat(32);

needs(
  'postfix',
  'nsd',
  'unbound',
  'ldnsutils',
  'openssl',
)('DANE against Postfix, nsd and unbound', () => {
  const authority = new Authority();
  let names: SignedNames;
  let postfix: PostfixHosts;
  let daemon: Daemon;

  beforeAll(async () => {
    const good = authority.issue('mx.good.test');
    const old = authority.issue('mx.old.test', { from: '20200101000000Z', to: '20200201000000Z' });
    const issued = authority.issue('mx.issued.test');
    postfix = await startPostfixHosts({ [GOOD]: good, [OLD]: old, [CLEAR]: undefined, [ISSUED]: issued });
    const at = `_${postfix.port}._tcp.mx`;
    const key = keyDigest(good).toString('hex');
    const zone = (name: string, ip: string, tlsa: string | undefined, more: Partial<Zone> = {}): Zone => ({
      name: `${name}.test`,
      records: ['@ IN MX 10 mx', `mx IN A ${ip}`, ...(tlsa === undefined ? [] : [`${at} IN TLSA ${tlsa}`])],
      signed: true,
      ...more,
    });
    const root = keyDigest(authority.root).toString('hex');
    const forge = (text: string): string => text.replaceAll(key, WRONG).replaceAll(key.toUpperCase(), WRONG);
    names = await serveZones([
      zone('good', GOOD, `3 1 1 ${key}`),
      zone('wrong', GOOD, `3 1 1 ${WRONG}`),
      zone('bogus', ISSUED, `3 1 1 ${key}`, { forge }),
      zone('clear', CLEAR, `3 1 1 ${key}`),
      zone('old', OLD, `3 1 1 ${keyDigest(old).toString('hex')}`),
      zone('issued', ISSUED, `2 1 1 ${root}`),
      zone('misnamed', GOOD, `2 1 1 ${root}`),
      zone('useless', GOOD, `1 1 1 ${WRONG}`),
      zone('unsigned', CLEAR, `3 1 1 ${WRONG}`, { signed: false }),
      zone('plain', CLEAR, undefined),
      { name: 'two.test', signed: true, records: ['@ IN MX 10 mx.bogus.test.', '@ IN MX 20 mx.good.test.'] },
      { name: 'alias.test', signed: true, records: ['@ IN MX 10 mx', 'mx IN CNAME mx.good.test.'] },
      // The way to the host is not proven, so its records are not asked for (RFC 7672 2.2.1).
      { name: 'astray.test', signed: false, records: ['@ IN MX 10 mx.wrong.test.'] },
    ]);
    daemon = await startDaemon({
      conf: (place) => {
        fs.writeFileSync(path.join(place.dir, 'resolv.conf'), `nameserver [127.0.0.1]:${names.port}\noptions timeout:2 attempts:1\n`);
        return plainConf(place, {
          more: `resolv_conf = "${place.dir}/resolv.conf"\nremote_smtp_port = ${postfix.port}\ndeliver_to_private = true\ntls = ifavailable\nuse_dane = true\ntlsrpt = true\n`,
        });
      },
    });
  }, 60_000);
  afterAll(async () => {
    await daemon?.end();
    await postfix?.end();
    await names?.end();
    authority.end();
  });

  const lines = (type: string, domain: string): string[] =>
    daemon.fileLines('mainlog.ec').filter((line) => line.split('@')[4] === type && line.includes(domain));
  const send = async (domain: string): Promise<void> => {
    const client = await RawClient.connect(daemon.port);
    await client.expect(220);
    await client.command('EHLO client.test', 250);
    expect((await client.deliver('alice@sender.test', [`bob@${domain}`], 'Subject: x\r\n\r\ntext\r\n')).code).toBe(250);
    await client.command('QUIT', 221);
  };
  const secured = (): number => postfix.log().filter((line) => line.includes('TLS connection established')).length;

  it.each([
    ['good.test', 'a key that matches'],
    ['old.test', 'an expired certificate whose key matches'],
    ['issued.test', 'an authority that matches, and the name'],
    ['useless.test', 'no usable record: encrypted, nobody verified'],
    ['two.test', 'a bogus first host: the second one'],
    ['alias.test', 'a record at the end of an alias'],
  ])('delivers to %s, encrypted: %s', async (domain) => {
    const before = secured();
    await send(domain);
    await daemon.waitFor('delivery', () => lines('D', domain).length > 0);
    expect(secured()).toBe(before + 1);
  });

  it.each([
    ['wrong.test', '451 4.7.5 [internal] TLS negotiation failed', 'a key that does not match'],
    ['bogus.test', '451 4.7.5 [internal] the TLS policy of the domain bars its hosts', 'a forged signature'],
    ['clear.test', '451 4.7.6 [internal] STARTTLS required but not advertised', 'STARTTLS stripped'],
    ['misnamed.test', '451 4.7.5 [internal] TLS negotiation failed', 'an authority that matches, another name'],
  ])('puts mail for %s off: %s (%s)', async (domain, reply) => {
    await send(domain);
    const line = await daemon.waitFor('transient failure', () => lines('T', domain)[0]);
    expect(line).toContain(reply);
    expect(lines('D', domain)).toEqual([]);
  });

  it.each([
    ['unsigned.test', 'a zone without signatures, whatever its TLSA says'],
    ['plain.test', 'a signed zone without TLSA'],
    ['astray.test', 'a signed host that an unsigned MX names'],
  ])('goes by the options alone to %s: %s', async (domain) => {
    await send(domain);
    await daemon.waitFor('delivery', () => lines('D', domain).length > 0);
  });

  it('counts what happened for reports', async () => {
    await daemon.stop();
    const folder = path.join(daemon.dir, 'spool/tlsrpt');
    const text = fs
      .readdirSync(folder)
      .map((name) => fs.readFileSync(path.join(folder, name), 'utf8'))
      .join('');
    const entries = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const of = (domain: string) => entries.find((entry) => entry.domain === domain);
    expect(of('good.test')).toMatchObject({ succeeded: 1, failed: 0, policy: { type: 'tlsa', domain: 'mx.good.test' } });
    expect(of('wrong.test')).toMatchObject({ succeeded: 0, failures: [{ fault: 'validation-failure', ip: GOOD }] });
    expect(of('bogus.test')).toMatchObject({ failures: [{ fault: 'dnssec-invalid' }] });
    expect(of('clear.test')).toMatchObject({ failures: [{ fault: 'starttls-not-supported' }] });
    expect(of('misnamed.test')).toMatchObject({ failures: [{ fault: 'certificate-host-mismatch' }] });
    expect(of('plain.test')).toMatchObject({ policy: { type: 'no-policy-found' } });
  });
});
