import { createHash, X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { Authority, keyDigest } from '../../../test/tls/authority.js';
import type { Tlsa } from '../../module/tls-demand.js';
import { matchTlsa } from './match-tlsa.js';

const authority = new Authority();
afterAll(() => authority.end());
const load = (file: string): X509Certificate => new X509Certificate(fs.readFileSync(file));
const good = authority.issue('mx.test');
const expired = authority.issue('mx.test', { from: '20200101000000Z', to: '20200201000000Z' });
const [own, old, root] = [load(good.cert), load(expired.cert), load(authority.root.cert)];
const spki = (x: X509Certificate): Buffer => x.publicKey.export({ format: 'der', type: 'spki' });
const hash = (name: string, octets: Buffer): Buffer => createHash(name).update(octets).digest();
/** Certificates are made as the tests go, and are valid from that second on. */
const match = (chain: X509Certificate[], records: Tlsa[], names = ['mx.test']) => matchTlsa(chain, records, names, Date.now());

describe('matchTlsa', () => {
  it.each([
    ['3 0 0', { usage: 3, selector: 0, matching: 0, data: own.raw }],
    ['3 0 1', { usage: 3, selector: 0, matching: 1, data: hash('sha256', own.raw) }],
    ['3 1 0', { usage: 3, selector: 1, matching: 0, data: spki(own) }],
    ['3 1 1', { usage: 3, selector: 1, matching: 1, data: keyDigest(good) }],
    ['3 1 2', { usage: 3, selector: 1, matching: 2, data: hash('sha512', spki(own)) }],
    ['2 0 1', { usage: 2, selector: 0, matching: 1, data: hash('sha256', root.raw) }],
    ['2 1 1', { usage: 2, selector: 1, matching: 1, data: keyDigest(authority.root) }],
    ['2 0 2', { usage: 2, selector: 0, matching: 2, data: hash('sha512', root.raw) }],
  ] as const)('%s is met by the chain it describes', (_, record) => {
    expect(match([own, root], [record])).toBeUndefined();
    expect(match([old], [{ ...record, data: Buffer.alloc(record.data.length) }])).toBe('validation-failure');
  });

  it('wants names and dates of what an authority vouches for, and of nothing else', () => {
    const ofKey: Tlsa = { usage: 3, selector: 1, matching: 1, data: keyDigest(expired) };
    expect(match([old], [ofKey], ['other.test'])).toBeUndefined();
    const ofRoot: Tlsa = { usage: 2, selector: 1, matching: 1, data: keyDigest(authority.root) };
    expect(match([own, root], [ofRoot], ['other.test'])).toBe('certificate-host-mismatch');
    expect(match([own, root], [ofRoot], ['other.test', 'mx.test'])).toBeUndefined();
    expect(match([old, root], [ofRoot])).toBe('certificate-expired');
  });

  it('takes an authority that the record holds whole though the server does not send it', () => {
    expect(match([own], [{ usage: 2, selector: 0, matching: 0, data: root.raw }])).toBeUndefined();
    expect(match([own], [{ usage: 2, selector: 1, matching: 0, data: spki(root) }])).toBeUndefined();
    expect(match([own], [{ usage: 2, selector: 1, matching: 1, data: keyDigest(authority.root) }])).toBe('validation-failure');
    expect(match([own], [{ usage: 2, selector: 1, matching: 0, data: spki(own) }])).toBe('validation-failure');
  });

  it('does not believe a chain whose certificates did not sign each other', () => {
    const stranger = new Authority();
    const foreign = load(stranger.issue('mx.test').cert);
    stranger.end();
    expect(match([foreign, root], [{ usage: 2, selector: 1, matching: 1, data: keyDigest(authority.root) }])).toBe('validation-failure');
    // The name of the server's own certificate in a record of an authority proves nothing.
    expect(match([own, root], [{ usage: 2, selector: 1, matching: 1, data: keyDigest(good) }])).toBe('validation-failure');
    expect(match([], [{ usage: 3, selector: 1, matching: 1, data: keyDigest(good) }])).toBe('validation-failure');
  });

  it('one matching record of several is enough', () => {
    const wrong: Tlsa = { usage: 3, selector: 1, matching: 1, data: Buffer.alloc(32) };
    expect(match([own], [wrong, { ...wrong, data: keyDigest(good) }])).toBeUndefined();
  });
});
