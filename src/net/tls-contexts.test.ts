/** Certificates: shared, read again when changed, all or nothing. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TlsContexts } from './tls-contexts.js';
import { parseProtocols } from './tls-protocols.js';

const folder = mkdtempSync(join(tmpdir(), 'celeris-tls-'));
const makePair = (name: string) => {
  const certificate = join(folder, `${name}.crt`);
  const key = join(folder, `${name}.key`);
  const subject = ['-subj', `/CN=${name}`, '-days', '2', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  execFileSync('openssl', ['req', '-x509', ...subject, '-keyout', key, '-out', certificate], { stdio: 'pipe' });
  return { certificate, key };
};

describe('TlsContexts', () => {
  const one = makePair('one');
  const two = makePair('two');

  it('shares equal settings and keeps what has not changed', async () => {
    const contexts = new TlsContexts();
    await contexts.refresh([one, { ...one }]);
    const before = contexts.of(one);
    expect(before).toBeDefined();
    await contexts.refresh([one, two]);
    expect(contexts.of({ ...one })).toBe(before);
    expect(contexts.of(two)).not.toBe(before);
    await contexts.refresh([two]);
    expect(contexts.of(one)).toBeUndefined();
  });

  it('reads a file again that has changed', async () => {
    const changing = { certificate: join(folder, 'x.crt'), key: join(folder, 'x.key') };
    cpSync(one.certificate, changing.certificate);
    cpSync(one.key, changing.key);
    const contexts = new TlsContexts();
    await contexts.refresh([changing]);
    const before = contexts.of(changing);
    writeFileSync(changing.certificate, `${'#'.repeat(9)}\n`, { flag: 'a' });
    await contexts.refresh([changing]);
    expect(contexts.of(changing)).not.toBe(before);
  });

  it('takes Diffie-Hellman parameters and leaves their ciphers out when told to', async () => {
    const contexts = new TlsContexts();
    await contexts.refresh([
      { ...one, dheCiphers: false },
      { ...one, ciphers: 'ECDHE+AESGCM', dheCiphers: false },
    ]);
    expect(contexts.of({ ...one, dheCiphers: false })).toBeDefined();
    await expect(contexts.refresh([{ ...one, dhParams: one.key }])).rejects.toThrow(/cannot use the certificate/);
  });

  it('takes other ticket keys for all of them at once, or for none', async () => {
    const contexts = new TlsContexts(Buffer.alloc(48, 1));
    const changing = { certificate: join(folder, 'y.crt'), key: join(folder, 'y.key') };
    cpSync(two.certificate, changing.certificate);
    cpSync(two.key, changing.key);
    await contexts.refresh([one, changing]);
    expect(contexts.rekeyed).toBeUndefined();
    const [first, second] = [contexts.of(one), contexts.of(changing)];
    await contexts.rekey(Buffer.alloc(48, 2));
    expect(contexts.of(one)).not.toBe(first);
    expect(contexts.of(changing)).not.toBe(second);
    expect(contexts.rekeyed).toEqual(Buffer.alloc(48, 2));
    const fresh = contexts.of(one);
    await contexts.rekey(Buffer.alloc(48, 2));
    expect(contexts.of(one)).toBe(fresh);
    writeFileSync(changing.certificate, 'none');
    await expect(contexts.rekey(Buffer.alloc(48, 3))).rejects.toThrow(/cannot use the certificate/);
    expect(contexts.of(one)).toBe(fresh);
    expect(contexts.rekeyed).toEqual(Buffer.alloc(48, 2));
  });

  it('keeps the old ones when one of the new fails', async () => {
    const contexts = new TlsContexts();
    await contexts.refresh([one]);
    const before = contexts.of(one);
    await expect(contexts.refresh([one, { certificate: two.certificate, key: one.key }])).rejects.toThrow(
      /cannot use the certificate .*two.crt/,
    );
    await expect(contexts.refresh([{ certificate: join(folder, 'none.crt') }])).rejects.toThrow(/ENOENT/);
    expect(contexts.of(one)).toBe(before);
  });
});

describe('parseProtocols', () => {
  it.each([
    ['+ALL', 'TLSv1', 'TLSv1.3'],
    ['+ALL:-SSLv3:-TLSv1.0', 'TLSv1.1', 'TLSv1.3'],
    ['TLSv1.2', 'TLSv1.2', 'TLSv1.2'],
    ['+TLSv1.3:+TLSv1.2', 'TLSv1.2', 'TLSv1.3'],
  ])('%s', (text, minVersion, maxVersion) => {
    expect(parseProtocols(text)).toEqual({ minVersion, maxVersion, secureOptions: 0 });
  });

  it('switches off what lies between', () => {
    expect(parseProtocols('+ALL:-TLSv1.1')?.secureOptions).not.toBe(0);
  });

  it.each(['-ALL', 'TLSv9', '+ALL:-TLSv1:-TLSv1.1:-TLSv1.2:-TLSv1.3'])('refuses %s', (text) => {
    expect(() => parseProtocols(text)).toThrow(/no list of TLS protocols/);
  });

  it('leaves the platform its own range when unset', () => expect(parseProtocols(undefined)).toBeUndefined());
});
