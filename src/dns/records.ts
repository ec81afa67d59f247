/** Records of one type, from what the packet decoder made of them to what we work with; odd ones fall out. */
import { canonicalIp } from '../kernel/cidr.js';
import { normalizeName } from './name.js';
import type { AnyRecord, HostAddress, Mx } from './resolver.js';

/** An exchange that is no name at all falls out; '' is the root. */
export function readMx({ data }: AnyRecord): Mx | undefined {
  if (!isObject(data) || typeof data.exchange !== 'string') return undefined;
  const exchange = normalizeName(data.exchange);
  const preference = typeof data.preference === 'number' ? data.preference : 0;
  return exchange === undefined ? undefined : { preference, exchange };
}

export function readAddress({ data }: AnyRecord): HostAddress | undefined {
  const ip = typeof data === 'string' ? canonicalIp(data) : undefined;
  return ip ? { ip, family: ip.includes(':') ? 6 : 4 } : undefined;
}

/** CNAME, PTR, NS. */
export const readName = ({ data }: AnyRecord): string | undefined => (typeof data === 'string' ? normalizeName(data) : undefined);

/** The strings of a TXT record in a row (RFC 7208 3.3). */
export function readText({ data }: AnyRecord): string | undefined {
  if (typeof data === 'string') return data;
  if (Buffer.isBuffer(data)) return data.toString();
  return Array.isArray(data) && data.every((part) => Buffer.isBuffer(part)) ? Buffer.concat(data).toString() : undefined;
}

/** A TLSA record as it stands, usable or not; the numbers are RFC 6698's. */
export interface TlsaRecord {
  readonly usage: number;
  readonly selector: number;
  readonly matching: number;
  readonly data: Buffer;
}

export function readTlsa({ data }: AnyRecord): TlsaRecord | undefined {
  if (!isObject(data) || !Buffer.isBuffer(data.certificate)) return undefined;
  const { usage, selector, matchingType: matching } = data;
  if (typeof usage !== 'number' || typeof selector !== 'number' || typeof matching !== 'number') return undefined;
  return { usage, selector, matching, data: data.certificate };
}

export const readAny = (record: AnyRecord): AnyRecord => record;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;
