/** What is told about the encryption of a session. */
import type { TLSSocket } from 'node:tls';
import type { TlsFacts } from '../../module/session.js';

/** Facts of a handshake that is done. */
export function describeTls(socket: TLSSocket): TlsFacts {
  const { name } = socket.getCipher();
  const peer = socket.getPeerCertificate();
  const known = peer && typeof peer === 'object' && 'subject' in peer;
  const serverName = (socket as TLSSocket & { readonly servername?: string | false }).servername;
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: name,
    bits: keyBits(name),
    verified: known && isVerified(socket),
    ...(known && { subject: distinguishedName(peer.subject), issuer: distinguishedName(peer.issuer) }),
    ...(typeof serverName === 'string' && { serverName }),
  };
}

/**
 * `authorized` is set by tls.Server only, which cannot take over a connection in the middle; this is where it reads it.
 * Undefined or null: OpenSSL found nothing wrong with the chain.
 */
function isVerified(socket: TLSSocket): boolean {
  const { ssl } = socket as TLSSocket & { readonly ssl?: { verifyError(): Error | null | undefined } };
  return ssl !== undefined && !ssl.verifyError();
}

/** Key length in bits, read from the cipher's name. */
function keyBits(cipher: string): number {
  if (/CHACHA20|256/.test(cipher)) return 256;
  if (/3DES|DES-CBC3/.test(cipher)) return 168;
  return /128|SEED|IDEA/.test(cipher) ? 128 : 0;
}

/** `/C=DE/O=x/CN=y`, as OpenSSL writes it in one line. */
const distinguishedName = (name: object): string =>
  Object.entries(name)
    .map(([key, value]) => `/${key}=${Array.isArray(value) ? value.join('+') : String(value)}`)
    .join('')
    .replace(/\p{Cc}/gu, '?');
