/** Reads option tls_protocols ("+ALL:-SSLv3:-TLSv1.0") into the versions Node is to offer. */
import { constants } from 'node:crypto';
import { problems } from './problems.js';

const VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;
type Version = (typeof VERSIONS)[number];

const OFF: Readonly<Record<Version, number>> = {
  TLSv1: constants.SSL_OP_NO_TLSv1,
  'TLSv1.1': constants.SSL_OP_NO_TLSv1_1,
  'TLSv1.2': constants.SSL_OP_NO_TLSv1_2,
  'TLSv1.3': constants.SSL_OP_NO_TLSv1_3,
};

export interface ProtocolRange {
  readonly minVersion: Version;
  readonly maxVersion: Version;
  /** SSL_OP_NO_… of the versions inside the range that are switched off. */
  readonly secureOptions: number;
}

/**
 * A name without sign starts a fresh list, `+` adds, `-` removes; SSLv2 and SSLv3 are gone from OpenSSL and ignored.
 * Unset leaves Node's own range (TLSv1.2 and up). Throws NET_BAD_TLS_PROTOCOLS.
 */
export function parseProtocols(text: string | undefined): ProtocolRange | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const chosen = new Set<Version>();
  for (const word of text.split(/[:\s,]+/)) {
    if (word === '') continue;
    const [, sign = '', name = ''] = /^([+-]?)(.*)$/.exec(word) ?? [];
    const versions = named(name);
    if (!versions) throw problems.BAD_TLS_PROTOCOLS(text);
    if (sign === '') chosen.clear();
    for (const version of versions) sign === '-' ? chosen.delete(version) : chosen.add(version);
  }
  const order = VERSIONS.filter((version) => chosen.has(version));
  const [minVersion] = order;
  const maxVersion = order.at(-1);
  if (!minVersion || !maxVersion) throw problems.BAD_TLS_PROTOCOLS(text);
  let secureOptions = 0;
  for (const version of VERSIONS) if (version > minVersion && version < maxVersion && !chosen.has(version)) secureOptions |= OFF[version];
  return { minVersion, maxVersion, secureOptions };
}

function named(name: string): readonly Version[] | undefined {
  const lower = name.toLowerCase();
  if (lower === 'all') return VERSIONS;
  if (lower === 'sslv2' || lower === 'sslv3') return [];
  const normal = lower === 'tlsv1.0' ? 'tlsv1' : lower;
  const found = VERSIONS.find((version) => version.toLowerCase() === normal);
  return found && [found];
}
