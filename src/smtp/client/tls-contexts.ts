/** TLS contexts of connections we make: read once for all that share the settings, read anew after a reload. */
import { constants } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { parseProtocols } from '../../net/tls-protocols.js';

/** What the tls_* options of a place say about the client's side. */
export interface ClientTlsSettings {
  /** PEM file with our certificate; undefined shows none. */
  readonly certificate: string | undefined;
  /** PEM file with its key; the certificate's own file when undefined. */
  readonly key: string | undefined;
  /** PEM bundle of the authorities we trust; undefined = those of Node. */
  readonly authorities: string | undefined;
  /** OpenSSL cipher string. */
  readonly ciphers: string | undefined;
  readonly protocols: string | undefined;
}

export class ClientTlsContexts {
  readonly #entries = new Map<string, SecureContext | Promise<SecureContext>>();
  readonly #settings = new Map<string, ClientTlsSettings>();

  /** The context of these settings. Rejects with the system's error when a file cannot be read or used; asked again, it tries again. */
  of(settings: ClientTlsSettings): SecureContext | Promise<SecureContext> {
    const key = JSON.stringify(settings);
    const known = this.#entries.get(key);
    if (known) return known;
    const loading = load(settings);
    this.#entries.set(key, loading);
    this.#settings.set(key, settings);
    loading.then(
      (context) => this.#settle(key, loading, context),
      () => this.#settle(key, loading, undefined),
    );
    return loading;
  }

  /** The settings contexts were made from. */
  list(): readonly ClientTlsSettings[] {
    return [...this.#settings.values()];
  }

  /** Files may have changed: contexts are made anew when they are asked for. */
  forget(): void {
    this.#entries.clear();
    this.#settings.clear();
  }

  #settle(key: string, loading: Promise<SecureContext>, context: SecureContext | undefined): void {
    if (this.#entries.get(key) !== loading) return;
    if (context) this.#entries.set(key, context);
    else {
      this.#entries.delete(key);
      this.#settings.delete(key);
    }
  }
}

async function load(settings: ClientTlsSettings): Promise<SecureContext> {
  const { certificate, authorities, ciphers } = settings;
  const options: SecureContextOptions = {};
  if (certificate !== undefined) {
    options.cert = await readFile(certificate);
    options.key = settings.key === undefined ? options.cert : await readFile(settings.key);
  }
  if (authorities !== undefined) options.ca = await readFile(authorities);
  if (ciphers !== undefined) options.ciphers = ciphers;
  const range = parseProtocols(settings.protocols);
  return createSecureContext({
    ...options,
    ...range,
    // A peer must not make us pay for handshakes again and again (TLS 1.2 and below).
    secureOptions: (range?.secureOptions ?? 0) | constants.SSL_OP_NO_RENEGOTIATION,
  });
}
