import { describe, expect, it } from 'vitest';
import { snapshotOf } from '../../test/chaos/room.js';
import type { ClientTerms } from '../smtp/client/terms.js';
import { makeTerms, poolKey } from './terms.js';

const hop = { name: 'mx.test', ip: '192.0.2.1', port: 25, preference: 10 };
const persona = { helo: 'celeris.test', origin: undefined, identity: undefined };
const valuesOf = async (config: string) => (await snapshotOf(config)).at({ domain: 'a.test' });
const termsOf = async (config: string): Promise<ClientTerms> => {
  const values = await valuesOf(config);
  return makeTerms(values, { hop, persona, source: values.bind_address ?? '', isPlain: false, tlsContext: undefined });
};

describe('the options of a place as terms', () => {
  it.each<[string, Partial<ClientTerms['timeouts']>]>([
    ['connect_timeout', { connectMs: 7000 }],
    ['ehlo_timeout', { ehloMs: 7000 }],
    ['mailfrom_timeout', { mailFromMs: 7000 }],
    ['rcptto_timeout', { rcptToMs: 7000 }],
    ['body_timeout', { bodyMs: 7000 }],
    ['rset_timeout', { rsetMs: 7000 }],
    ['idle_timeout', { idleMs: 7000 }],
  ])('%s is one deadline and no other', async (name, changed) => {
    const before = await termsOf('');
    expect(await termsOf(`domain "a.test" { ${name} = 7 }`)).toEqual({ ...before, timeouts: { ...before.timeouts, ...changed } });
    expect(await termsOf(`domain "b.test" { ${name} = 7 }`)).toEqual(before);
  });

  it.each<[string, Partial<ClientTerms>]>([
    ['bind_address = 192.0.2.7', { source: '192.0.2.7' }],
    ['delivery_method = lmtp', { lmtp: true }],
    ['xclient = required', { xclient: 'required' }],
    ['tls = required', { tls: 'required' }],
    ['tls_ifavailable_fallback = false', { tlsFallback: false }],
    ['tls_verify = host', { tlsVerify: 'host' }],
    ['send_8bitmime = ifavailable', { sendEightBit: true }],
    ['transform_8bitmime_content = no', { downgrade: 'no' }],
    ['transform_8bitmime_content = strip', { downgrade: 'strip' }],
    ['transform_8bitmime_content = strict', { downgrade: 'no', strictEightBit: true }],
  ])('%s', async (line, changed) => {
    expect(await termsOf(line)).toEqual({ ...(await termsOf('')), ...changed });
  });

  it.each([
    'bind_address = 192.0.2.7',
    'delivery_method = lmtp',
    'tls = ifavailable',
    'tls_verify = ca',
    'tls_ifavailable_fallback = false',
    'tls_certificate = "/c.pem"',
    'tls_key = "/k.pem"',
    'tls_ca = "/ca.pem"',
    'tls_ciphers = "HIGH"',
    'tls_protocols = "+ALL:-TLSv1.2"',
    'xclient = ifavailable',
  ])('a connection made without "%s" does not serve a place that has it', async (line) => {
    const keyOf = async (config: string): Promise<string> => {
      const values = await valuesOf(config);
      return poolKey(values, hop, values.bind_address ?? '', persona);
    };
    expect(await keyOf(line)).not.toBe(await keyOf(''));
  });
});
