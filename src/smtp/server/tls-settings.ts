/** The tls_* options of a client as the settings of a certificate. */
import type { InboundValues } from '../../config/snapshot.js';
import type { TlsSettings } from '../../net/tls-contexts.js';

/** Undefined when no certificate is configured, or `none` removes an inherited one. */
export function tlsSettingsOf(options: InboundValues): TlsSettings | undefined {
  const { tls_certificate: certificate } = options;
  if (certificate === undefined || certificate === 'none') return undefined;
  return {
    certificate,
    key: options.tls_key,
    ciphers: options.tls_ciphers,
    protocols: options.tls_protocols,
    clientCa: options.tls_client_ca,
    dhParams: options.tls_dhparams_file,
    dheCiphers: options.tls_enable_dhe_ciphers,
  };
}
