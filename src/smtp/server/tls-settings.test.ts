import { describe, expect, it } from 'vitest';
import { inboundValues } from '../../../test/fuzz/smtp-rehearsal.js';
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
