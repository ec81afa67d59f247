/** Certificates made ready for use, once for all sessions that share them, and read again when their files have changed. */
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext, DEFAULT_CIPHERS, type SecureContext, type SecureContextOptions } from 'node:tls';
import { codeOf } from '../kernel/problems.js';
import { problems } from './problems.js';
import { parseProtocols } from './tls-protocols.js';

/** What the tls_* options of one listener say; equal settings share one context. */
export interface TlsSettings {
  /** PEM file with the certificate chain. */
  readonly certificate: string;
  /** PEM file with the key; the certificate's file when absent. */
  readonly key?: string | undefined;
  /** OpenSSL cipher string. */
  readonly ciphers?: string | undefined;
  readonly protocols?: string | undefined;
  /** PEM bundle that client certificates are checked against. */
  readonly clientCa?: string | undefined;
  /** PEM file of Diffie-Hellman parameters; well-known groups when absent. */
  readonly dhParams?: string | undefined;
  /** False: no cipher with ephemeral (finite field) Diffie-Hellman keys. */
  readonly dheCiphers?: boolean | undefined;
}

interface Entry {
  readonly settings: TlsSettings;
  readonly context: SecureContext;
  /** Sizes and times of the files when they were read. */
  readonly stamp: string;
}

/** All contexts of a process. */
export class TlsContexts {
  readonly #entries = new Map<string, Entry>();
  #ticketKeys: Buffer | undefined;
  #rekeyed: Buffer | undefined;

  /** `ticketKeys`: 48 octets that all processes of a daemon share, so that a session begun with one is resumed by another. */
  constructor(ticketKeys?: Buffer) {
    this.#ticketKeys = ticketKeys;
  }

  /** The context of these settings if it is loaded. */
  of(settings: TlsSettings): SecureContext | undefined {
    return this.#entries.get(keyOf(settings))?.context;
  }

  /**
   * Loads what is new or has changed on disk and forgets what nobody names any more. All or nothing: when one fails
   * (NET_BAD_CERTIFICATE, NET_BAD_TLS_PROTOCOLS) the old ones stay in force.
   */
  async refresh(wanted: readonly TlsSettings[]): Promise<void> {
    const next = new Map<string, Entry>();
    for (const settings of wanted) {
      const key = keyOf(settings);
      if (next.has(key)) continue;
      const known = this.#entries.get(key);
      const stamp = await stampOf(settings);
      next.set(key, known?.stamp === stamp ? known : { settings, stamp, context: await loadContext(settings, this.#ticketKeys) });
    }
    this.#entries.clear();
    for (const [key, entry] of next) this.#entries.set(key, entry);
  }

  /** The keys that were taken in place of the first ones. */
  get rekeyed(): Buffer | undefined {
    return this.#rekeyed;
  }

  /**
   * Takes other keys for session tickets: sessions begun before are not resumed, and who has the old keys reads no new session
   * (RFC 5077 5.5). All or nothing, as `refresh`.
   */
  async rekey(ticketKeys: Buffer): Promise<void> {
    if (this.#rekeyed?.equals(ticketKeys)) return;
    const next = new Map<string, Entry>();
    for (const [key, { settings }] of this.#entries) {
      const stamp = await stampOf(settings);
      next.set(key, { settings, stamp, context: await loadContext(settings, ticketKeys) });
    }
    this.#ticketKeys = ticketKeys;
    this.#rekeyed = ticketKeys;
    for (const [key, entry] of next) this.#entries.set(key, entry);
  }
}

const keyOf = (s: TlsSettings): string =>
  JSON.stringify([s.certificate, s.key, s.ciphers, s.protocols, s.clientCa, s.dhParams, s.dheCiphers]);

const filesOf = (s: TlsSettings): readonly string[] => [s.certificate, s.key, s.clientCa, s.dhParams].filter((file) => file !== undefined);

async function stampOf(settings: TlsSettings): Promise<string> {
  try {
    const stats = await Promise.all(filesOf(settings).map((file) => stat(file)));
    return stats.map((file) => `${file.ino}:${file.size}:${file.mtimeMs}`).join(' ');
  } catch (error) {
    throw problems.BAD_CERTIFICATE.because(error, settings.certificate, reasonOf(error));
  }
}

async function loadContext(settings: TlsSettings, ticketKeys: Buffer | undefined): Promise<SecureContext> {
  const range = parseProtocols(settings.protocols);
  try {
    const cert = await readFile(settings.certificate);
    const options: SecureContextOptions = {
      cert,
      key: settings.key === undefined ? cert : await readFile(settings.key),
      dhparam: settings.dhParams === undefined ? 'auto' : await readDhParams(settings.dhParams),
      honorCipherOrder: true,
      sessionIdContext: 'celeris',
      ...(ticketKeys && { ticketKeys }),
    };
    if (settings.clientCa !== undefined) options.ca = await readFile(settings.clientCa);
    if (settings.ciphers !== undefined) options.ciphers = settings.ciphers;
    if (settings.dheCiphers === false) options.ciphers = `${options.ciphers ?? DEFAULT_CIPHERS}:!kDHE`;
    return createSecureContext({ ...options, ...range });
  } catch (error) {
    throw problems.BAD_CERTIFICATE.because(error, settings.certificate, reasonOf(error));
  }
}

/** OpenSSL passes over a file without parameters in silence. */
async function readDhParams(file: string): Promise<Buffer> {
  const pem = await readFile(file);
  if (!pem.includes('BEGIN DH PARAMETERS')) throw new Error(`${file} holds no DH PARAMETERS`);
  return pem;
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : codeOf(error));
