/** Is the server of an encrypted session the host it is taken for, by the web's authorities or by what its domain published? */
import { X509Certificate } from 'node:crypto';
import tls from 'node:tls';
import type { TlsDemand, TlsFault } from '../../module/tls-demand.js';
import { matchTlsa } from './match-tlsa.js';

export interface Judgement {
  /** Its certificate was verified and bears the name of the host. */
  readonly isProven: boolean;
  /** What does not meet the demand. */
  readonly fault: TlsFault | undefined;
}

/** Chains that are longer, or closed to a ring, are cut. */
const LONGEST_CHAIN = 16;

/** `host`: the MX host or other name we connect to. `nowMs`: wall time. */
export function judgePeer(stream: tls.TLSSocket, host: string, demand: TlsDemand | undefined, nowMs: number): Judgement {
  if (demand?.by === 'dane') {
    // Records of which none is usable ask for encryption alone (RFC 7672 2.2).
    if (demand.tlsa.length === 0) return { isProven: false, fault: undefined };
    const fault = matchTlsa(chainOf(stream), demand.tlsa, demand.names, nowMs);
    return { isProven: fault === undefined, fault };
  }
  const fault = judgeByAuthorities(stream, host);
  return { isProven: fault === undefined, fault: demand && fault };
}

function judgeByAuthorities(stream: tls.TLSSocket, host: string): TlsFault | undefined {
  const { authorized, authorizationError } = stream;
  const error: unknown = authorizationError;
  if (!authorized) return faultOf(error instanceof Error && 'code' in error ? String(error.code) : String(error));
  return tls.checkServerIdentity(host, stream.getPeerCertificate()) ? 'certificate-host-mismatch' : undefined;
}

/** The word of reports for an error code of Node or OpenSSL. */
export function faultOf(code: string): TlsFault {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'certificate-host-mismatch';
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return 'certificate-expired';
  return /^(DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|CERT_(UNTRUSTED|REJECTED|CHAIN|SIGNATURE|REVOKED)|INVALID_CA)/.test(code)
    ? 'certificate-not-trusted'
    : 'validation-failure';
}

function chainOf(stream: tls.TLSSocket): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  let at: tls.DetailedPeerCertificate | undefined = stream.getPeerCertificate(true);
  while (at?.raw && chain.length < LONGEST_CHAIN) {
    chain.push(new X509Certificate(at.raw));
    const above: tls.DetailedPeerCertificate | undefined = at.issuerCertificate;
    // A root is its own issuer.
    at = above && above !== at && !above.raw?.equals(at.raw) ? above : undefined;
  }
  return chain;
}
