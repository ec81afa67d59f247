/** The tls_* options of a client as the settings of certificates. */
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

/** The settings for a client that asks for a server name (SNI); undefined: those of every client. The exact name goes before the pattern. */
export function namedSettingsOf(options: InboundValues, serverName: string): TlsSettings | undefined {
  const { tls_sni: files } = options;
  if (!files) return undefined;
  const name = serverName.toLowerCase();
  const names = Object.keys(files);
  const chosen =
    names.find((each) => each.toLowerCase() === name) ?? names.find((each) => each.toLowerCase() === name.replace(/^[^.]+/, '*'));
  const settings = chosen === undefined ? undefined : tlsSettingsOf(options);
  const certificate = files[chosen ?? ''];
  return settings && certificate !== undefined ? { ...settings, certificate, key: undefined } : undefined;
}

/** Everything that sessions with these options may need. */
export function allSettingsOf(options: InboundValues): readonly TlsSettings[] {
  const named = Object.keys(options.tls_sni ?? {}).map((name) => namedSettingsOf(options, name));
  return [tlsSettingsOf(options), ...named].filter((each) => each !== undefined);
}
