/** What the macros say of an attempt. Pure. */
import type { Attempt } from '#module';
import type { Name } from './api.js';
import { readBits } from './bits.js';

/** The text of each name for an attempt; a macro without a text is empty. */
export function describeAttempt({ tls, via, hop }: Attempt): Readonly<Record<Exclude<Name, 'outbound_tls_type'>, string>> {
  const bits = tls && readBits(tls.cipher ?? '');
  return {
    outbound_tls: tls ? 'TLS' : via ? 'SMTP' : 'unknown',
    local_ip: hop?.ip ?? '',
    outbound_local_ip: via?.localIp ?? '',
    outbound_tls_cipher: tls?.cipher ?? '',
    outbound_tls_cipher_algbits: bits ? String(bits.algorithm) : '',
    outbound_tls_cipher_usebits: bits ? String(bits.secret) : '',
    outbound_tls_protocol: tls?.protocol ?? '',
    outbound_tls_verified: !tls ? '' : tls.proven === 'true' ? 'verified' : 'unverified',
    outbound_tls_issuer: nameIn(tls?.issuer),
    outbound_tls_subject: nameIn(tls?.subject),
  };
}

const PART = /(?:^|\/)(CN|O)=((?:[^/\\]|\\.)*)/gs;

/** The common name, else the organization, of `C=DE/O=x/CN=y`; an @ in it gets a backslash, for lines that are parted by it. */
export function nameIn(distinguishedName: string | undefined): string {
  const parts = new Map<string, string>();
  for (const [, key = '', value = ''] of (distinguishedName ?? '').matchAll(PART)) if (!parts.has(key)) parts.set(key, value);
  const name = parts.get('CN') ?? parts.get('O') ?? '';
  return name.replace(/\\(.)/gs, '$1').replaceAll('@', '\\@');
}
