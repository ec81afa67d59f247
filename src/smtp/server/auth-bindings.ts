/** What of a TLS connection a login can be bound to, so that nobody in the middle can pass it on. */
import { createHash } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/** Signature algorithms (RFC 8017, RFC 5758) and the hash tls-server-end-point takes for them (RFC 5929 4.1). */
const HASHES: ReadonlyMap<string, string> = new Map([
  ['2a864886f70d010104', 'sha256'],
  ['2a864886f70d010105', 'sha256'],
  ['2a864886f70d01010b', 'sha256'],
  ['2a864886f70d01010c', 'sha384'],
  ['2a864886f70d01010d', 'sha512'],
  ['2a8648ce3d0401', 'sha256'],
  ['2a8648ce3d040302', 'sha256'],
  ['2a8648ce3d040303', 'sha384'],
  ['2a8648ce3d040304', 'sha512'],
]);

const EXPORTER_LABEL = 'EXPORTER-Channel-Binding';

/** tls-exporter (RFC 9266; with TLS 1.3 only, older versions would need an extension we cannot see) and tls-server-end-point. */
export function bindingsOf(socket: TLSSocket): ReadonlyMap<string, Buffer> {
  const bindings = new Map<string, Buffer>();
  if (socket.getProtocol() === 'TLSv1.3') bindings.set('tls-exporter', socket.exportKeyingMaterial(32, EXPORTER_LABEL, Buffer.alloc(0)));
  const own = socket.getCertificate();
  const raw = own && 'raw' in own ? own.raw : undefined;
  const hash = raw && HASHES.get(signatureOf(raw));
  if (raw && hash !== undefined) bindings.set('tls-server-end-point', createHash(hash).update(raw).digest());
  return bindings;
}

/** Object identifier of a certificate's signature algorithm in hex; empty when it cannot be read. */
function signatureOf(certificate: Buffer): string {
  const whole = readElement(certificate, 0);
  const signed = whole && readElement(certificate, whole.start);
  const algorithm = signed && readElement(certificate, signed.end);
  const name = algorithm && readElement(certificate, algorithm.start);
  return name ? certificate.toString('hex', name.start, name.end) : '';
}

/** One DER element: where its content begins and ends. */
function readElement(bytes: Buffer, at: number): { readonly start: number; readonly end: number } | undefined {
  const short = bytes[at + 1];
  if (short === undefined) return undefined;
  if (short < 0x80) return { start: at + 2, end: at + 2 + short };
  const octets = short & 0x7f;
  if (octets === 0 || octets > 4 || at + 2 + octets > bytes.length) return undefined;
  const start = at + 2 + octets;
  return { start, end: start + bytes.readUIntBE(at + 2, octets) };
}
