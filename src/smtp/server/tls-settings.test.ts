import { describe, expect, it } from 'vitest';
import { inboundValues } from '../../../test/fuzz/smtp-rehearsal.js';
import { configureText } from '../../config/configure.js';
import { tlsSettingsOf } from './tls-settings.js';

const own = { tls_certificate: '/c.pem' };

describe('the TLS options of a client', () => {
  it.each([{}, { tls_certificate: 'none' }])('%o: no certificate, no TLS', (values) => {
    expect(tlsSettingsOf(inboundValues({ ...values, tls_key: '/k.pem' }))).toBeUndefined();
  });

  it.each([
    [{ tls_key: '/k.pem' }, { key: '/k.pem' }],
    [{ tls_ciphers: 'HIGH' }, { ciphers: 'HIGH' }],
    [{ tls_protocols: '+ALL:-TLSv1.2' }, { protocols: '+ALL:-TLSv1.2' }],
    [{ tls_client_ca: '/ca.pem' }, { clientCa: '/ca.pem' }],
    [{ tls_dhparams_file: '/dh.pem' }, { dhParams: '/dh.pem' }],
    [{ tls_enable_dhe_ciphers: false }, { dheCiphers: false }],
  ])('%o', (values, changed) => {
    expect(tlsSettingsOf(inboundValues({ ...own, ...values }))).toEqual({ ...tlsSettingsOf(inboundValues(own)), ...changed });
  });
});

describe('the TLS options of a socket, as the configuration gives them', () => {
  it.each([
    ['', 'tls_client_ca = "/ca.pem"', { tls_client_ca: '/ca.pem' }],
    ['', 'tls_verify_mode = require', { tls_verify_mode: 'require' }],
    ['', 'tls_allow_renegotiation = false', { tls_allow_renegotiation: false }],
    ['', 'starttls_injection_policy = reject', { starttls_injection_policy: 'reject' }],
    ['', 'tls_certificate = "/c.pem"', { tls_certificate: '/c.pem' }],
    ['', 'tls_key = "/k.pem"', { tls_key: '/k.pem' }],
    ['', 'tls_ciphers = "HIGH"', { tls_ciphers: 'HIGH' }],
    ['', 'tls_protocols = "+ALL:-TLSv1.2"', { tls_protocols: '+ALL:-TLSv1.2' }],
    ['tls_dhparams_file = "/dh.pem"', '', { tls_dhparams_file: '/dh.pem' }],
    ['tls_enable_dhe_ciphers = false', '', { tls_enable_dhe_ciphers: false }],
  ])('%s %s', async (global, socket, expected) => {
    const text = `${global}\nesmtp_listener { listen "127.0.0.1:25" { ${socket} } listen "127.0.0.1:26" { } }`;
    const read = await configureText(text, { unread: new Set() });
    if (!read.ok) throw new Error(read.problems.map(({ say }) => say).join('; '));
    const at = (listen: string) => read.snapshot.inbound({ listener: 'esmtp_listener', listen });
    expect(at('127.0.0.1:25')).toMatchObject(expected);
    if (socket === '') return;
    expect(at('127.0.0.1:26')).not.toMatchObject(expected);
  });
});
