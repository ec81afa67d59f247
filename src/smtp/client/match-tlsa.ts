/** Does a server's certificate chain meet the TLSA records of its host (RFC 7671, RFC 7672 3)? Pure but for the time handed in. */
import { createHash, createPublicKey, type KeyObject, timingSafeEqual, X509Certificate } from 'node:crypto';
import type { Tlsa, TlsFault } from '../../module/tls-demand.js';

/** Longer chains are not looked at. */
const LONGEST_CHAIN = 16;

/**
 * Undefined when one of the records is met, else what is wrong. `chain` begins with the server's own certificate, each one
 * followed by its issuer. `names`: those one of which the certificate has to bear where an authority vouches for it.
 */
export function matchTlsa(
  chain: readonly X509Certificate[],
  records: readonly Tlsa[],
  names: readonly string[],
  nowMs: number,
): TlsFault | undefined {
  const [own] = chain;
  if (!own) return 'validation-failure';
  // RFC 7672 3.1.1: neither names nor dates of it matter, the record says all.
  if (records.some((record) => record.usage === 3 && meets(own, record))) return undefined;
  let fault: TlsFault = 'validation-failure';
  for (const record of records) {
    if (record.usage !== 2) continue;
    const found = followTo(record, chain.slice(0, LONGEST_CHAIN), nowMs);
    if (found === undefined) {
      if (names.some((name) => own.checkHost(name, { subject: 'never' }) !== undefined)) return undefined;
      fault = 'certificate-host-mismatch';
    } else if (found !== 'validation-failure') fault = found;
  }
  return fault;
}

/** Undefined when every step from the server's certificate to the authority of the record holds. */
function followTo(record: Tlsa, chain: readonly X509Certificate[], nowMs: number): TlsFault | undefined {
  for (let i = 0; i < chain.length; i++) {
    const at = chain[i];
    if (!at) break;
    if (i > 0) {
      const below = chain[i - 1];
      if (!at.ca || !below?.checkIssued(at) || !below.verify(at.publicKey)) return 'validation-failure';
      if (meets(at, record)) return isInTime(at, nowMs) ? undefined : 'certificate-expired';
    }
    if (!isInTime(at, nowMs)) return isAbove(record, chain.slice(i)) ? 'certificate-expired' : 'validation-failure';
  }
  const last = chain.at(-1);
  return last && isSignedBy(last, record) ? undefined : 'validation-failure';
}

const isAbove = (record: Tlsa, rest: readonly X509Certificate[]): boolean => {
  const last = rest.at(-1);
  return rest.slice(1).some((above) => meets(above, record)) || (last !== undefined && isSignedBy(last, record));
};

/** A record that holds the authority whole need not have it sent along (RFC 7672 3.1.2). */
function isSignedBy(certificate: X509Certificate, { selector, matching, data }: Tlsa): boolean {
  if (matching !== 0) return false;
  try {
    const key: KeyObject =
      selector === 0 ? new X509Certificate(data).publicKey : createPublicKey({ key: data, format: 'der', type: 'spki' });
    return certificate.verify(key);
  } catch {
    return false;
  }
}

function meets(certificate: X509Certificate, { selector, matching, data }: Tlsa): boolean {
  const octets = selector === 0 ? certificate.raw : certificate.publicKey.export({ format: 'der', type: 'spki' });
  const shown =
    matching === 0
      ? octets
      : createHash(matching === 1 ? 'sha256' : 'sha512')
          .update(octets)
          .digest();
  return shown.length === data.length && timingSafeEqual(shown, data);
}

const isInTime = ({ validFrom, validTo }: X509Certificate, nowMs: number): boolean =>
  Date.parse(validFrom) <= nowMs && nowMs <= Date.parse(validTo);
