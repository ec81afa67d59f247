/** The PROXY protocol, versions 1 and 2 (haproxy's proxy-protocol.txt): whose connection a proxy passes on. Pure, and bounded in what it reads. */
import { isIPv4, isIPv6 } from 'node:net';
import { canonicalIp, formatIp } from '../kernel/cidr.js';

/** One end of the connection that is passed on. */
interface End {
  readonly ip: string;
  readonly port: number;
}

/** A header that is whole. Without `from` and `to` the proxy speaks for itself (health checks) or does not know. */
export interface ProxyHeader {
  readonly from?: End;
  readonly to?: End;
  /** Octets of the header. */
  readonly length: number;
}

/** `more`: it may still become a header. `bad`: it will never be one. */
export type ProxyReading = ProxyHeader | 'more' | 'bad';

/** Which versions are taken. */
export type ProxyVersions = 'v1' | 'v2' | 'any';

/** Longest line of version 1, its end included. */
const LONGEST_V1 = 107;
/** Version 2: what every receiver must take, and as much again as reasonable TLVs need. */
const LONGEST_V2 = 536 + 2048;
const FIXED_V2 = 16;
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const LINE =
  /^PROXY (?:UNKNOWN(?: [\x20-\x7e]*)?|(TCP4|TCP6) ([0-9A-Fa-f.:]{2,45}) ([0-9A-Fa-f.:]{2,45}) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4}))\r\n$/;

/** Reads a header at the beginning of what came. */
export function readProxyHeader(bytes: Buffer, versions: ProxyVersions): ProxyReading {
  if (versions !== 'v1' && beginsLike(bytes, SIGNATURE)) return bytes.length < FIXED_V2 ? 'more' : readBinary(bytes);
  return versions !== 'v2' && beginsLike(bytes, PROXY) ? readLine(bytes) : 'bad';
}

/** Whether this is how version 2 begins; nothing else does. */
export const isProxySignature = (chunk: Buffer, at: number): boolean =>
  chunk.length - at >= SIGNATURE.length && chunk.compare(SIGNATURE, 0, SIGNATURE.length, at, at + SIGNATURE.length) === 0;

const PROXY = Buffer.from('PROXY ', 'latin1');

function beginsLike(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, length, 0, length) === 0;
}

function readLine(bytes: Buffer): ProxyReading {
  const lf = bytes.subarray(0, LONGEST_V1).indexOf(0x0a);
  if (lf < 0) return bytes.length >= LONGEST_V1 ? 'bad' : 'more';
  const length = lf + 1;
  const found = LINE.exec(bytes.toString('latin1', 0, length));
  if (!found) return 'bad';
  const [, family, from = '', to = '', fromPort, toPort] = found;
  if (family === undefined) return { length };
  const fits = family === 'TCP4' ? isIPv4 : isIPv6;
  const ends = [
    { ip: from, port: Number(fromPort) },
    { ip: to, port: Number(toPort) },
  ] as const;
  if (ends.some(({ ip, port }) => !fits(ip) || port > 65_535)) return 'bad';
  return { from: plainEnd(ends[0]), to: plainEnd(ends[1]), length };
}

function readBinary(bytes: Buffer): ProxyReading {
  const length = FIXED_V2 + bytes.readUInt16BE(14);
  const [kind = 0, family = 0] = bytes.subarray(12, 14);
  if (kind >> 4 !== 2 || (kind & 15) > 1 || length > LONGEST_V2) return 'bad';
  if (bytes.length < length) return 'more';
  // LOCAL, and what is neither TCP over IPv4 nor over IPv6: the connection is taken for what it is.
  const octets = family === 0x11 ? 4 : family === 0x21 ? 16 : 0;
  if ((kind & 15) === 0 || octets === 0) return { length };
  if (length < FIXED_V2 + 2 * octets + 4) return 'bad';
  const ports = FIXED_V2 + 2 * octets;
  const end = (at: number, port: number): End =>
    plainEnd({ ip: formatIp(bytes.subarray(at, at + octets)), port: bytes.readUInt16BE(port) });
  return { from: end(FIXED_V2, ports), to: end(FIXED_V2 + octets, ports + 2), length };
}

/** An IPv4 address in IPv6 clothes is matched as IPv4 everywhere. */
const plainEnd = ({ ip, port }: End): End => ({ ip: canonicalIp(ip) ?? ip, port });
