/** IP addresses and networks: reading, the one canonical text, longest prefix. */
import { isIPv4, isIPv6 } from 'node:net';

/** A network: 4 or 16 octets, the bits behind the prefix cleared. */
export interface Cidr {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/** 4 or 16 octets; an IPv4-mapped IPv6 address (::ffff:a.b.c.d) as its 4. Undefined when the text is no address; zones (%eth0) are none. */
export function parseIp(text: string): Uint8Array | undefined {
  const dotted = parseIpv4(text);
  if (dotted) return dotted;
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const bytes = parseIpv6(text);
  return isMapped(bytes) ? bytes.slice(12) : bytes;
}

/** The canonical text (RFC 5952 for IPv6) of 4 or 16 octets. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const words = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  const { start, length } = longestZeros(words);
  const hex = (from: number, to: number): string =>
    words
      .slice(from, to)
      .map((word) => word.toString(16))
      .join(':');
  return length < 2 ? hex(0, 8) : `${hex(0, start)}::${hex(start + length, 8)}`;
}

/** The canonical text of an address in any spelling; undefined when it is none. */
export function canonicalIp(text: string): string | undefined {
  // Dotted text that node accepts is canonical already.
  if (isIPv4(text)) return text;
  const bytes = parseIp(text);
  return bytes && formatIp(bytes);
}

/** Reads `10.0.0.0/8`, `2001:db8::/32`, or an address alone. Undefined when it is none; bits behind the prefix are cleared. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  const ip = slash < 0 ? text : text.slice(0, slash);
  const bytes = parseIp(ip);
  if (!bytes) return undefined;
  const whole = bytes.length * 8;
  if (slash < 0) return { bytes, bits: whole };
  const digits = text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(digits)) return undefined;
  const bits = Number(digits) - (whole === 32 && ip.includes(':') ? 96 : 0);
  return bits < 0 || bits > whole ? undefined : { bytes: mask(bytes, bits), bits };
}

/** `10.0.0.0/8`; an address alone when the prefix is whole. */
export const formatCidr = ({ bytes, bits }: Cidr): string => (bits === bytes.length * 8 ? formatIp(bytes) : `${formatIp(bytes)}/${bits}`);

/** True when the address lies in the network. */
export function containsIp({ bytes, bits }: Cidr, ip: Uint8Array): boolean {
  if (bytes.length !== ip.length) return false;
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (bytes[i] !== ip[i]) return false;
  const rest = bits & 7;
  return rest === 0 || (((bytes[whole] ?? 0) ^ (ip[whole] ?? 0)) & (0xff << (8 - rest)) & 0xff) === 0;
}

/** Networks with a value each; the longest prefix that holds an address wins. */
export class CidrMap<V> {
  /** By octets and prefix length: 33 tables for IPv4, 129 for IPv6, of which few are ever used. */
  readonly #tables: {
    readonly octets: number;
    readonly bits: number;
    readonly byNetwork: Map<string, { readonly cidr: Cidr; readonly value: V }>;
  }[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** A network that is in already gets the new value. */
  set(cidr: Cidr, value: V): void {
    const octets = cidr.bytes.length;
    let table = this.#tables.find((other) => other.octets === octets && other.bits === cidr.bits);
    if (!table) {
      table = { octets, bits: cidr.bits, byNetwork: new Map() };
      this.#tables.push(table);
      this.#tables.sort((a, b) => b.bits - a.bits);
    }
    const key = keyOf(cidr.bytes, cidr.bits);
    if (!table.byNetwork.has(key)) this.#size++;
    table.byNetwork.set(key, { cidr, value });
  }

  /** The network with the longest prefix that holds the address, given as text or octets; undefined when none does. */
  find(ip: string | Uint8Array): { readonly cidr: Cidr; readonly value: V } | undefined {
    const bytes = typeof ip === 'string' ? parseIp(ip) : ip;
    if (!bytes) return undefined;
    for (const { octets, bits, byNetwork } of this.#tables) {
      if (octets !== bytes.length) continue;
      const found = byNetwork.get(keyOf(bytes, bits));
      if (found) return found;
    }
    return undefined;
  }
}

/** A set of networks. */
export class CidrSet {
  readonly #map = new CidrMap<true>();

  constructor(networks: Iterable<Cidr> = []) {
    for (const network of networks) this.#map.set(network, true);
  }

  get size(): number {
    return this.#map.size;
  }

  add(network: Cidr): void {
    this.#map.set(network, true);
  }

  /** True when one of the networks holds the address; false for what is no address. */
  has(ip: string | Uint8Array): boolean {
    return this.#map.find(ip) !== undefined;
  }

  /** The longest network that holds the address. */
  match(ip: string | Uint8Array): Cidr | undefined {
    return this.#map.find(ip)?.cidr;
  }
}

/** Four decimal numbers without leading zeros. Written out: it is asked for every connection, and splitting takes ten times as long. */
function parseIpv4(text: string): Uint8Array | undefined {
  if (text.length > 15) return undefined;
  const bytes = new Uint8Array(4);
  let part = 0;
  let digits = 0;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x2e) {
      if (digits === 0 || part === 3) return undefined;
      bytes[part++] = value;
      digits = value = 0;
    } else {
      if (c < 0x30 || c > 0x39 || (digits > 0 && value === 0)) return undefined;
      value = 10 * value + c - 0x30;
      digits++;
      if (value > 255) return undefined;
    }
  }
  if (part !== 3 || digits === 0) return undefined;
  bytes[3] = value;
  return bytes;
}

function parseIpv6(text: string): Uint8Array {
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const word = (high: string | undefined, low: string | undefined): string => ((Number(high) << 8) | Number(low)).toString(16);
  const plain = dotted ? `${text.slice(0, dotted.index)}${word(dotted[1], dotted[2])}:${word(dotted[3], dotted[4])}` : text;
  const [head = '', tail = ''] = plain.split('::');
  const front = wordsOf(head);
  const back = wordsOf(tail);
  const bytes = new Uint8Array(16);
  front.forEach((w, i) => void bytes.set([w >> 8, w & 0xff], 2 * i));
  back.forEach((w, i) => void bytes.set([w >> 8, w & 0xff], 16 - 2 * (back.length - i)));
  return bytes;
}

const wordsOf = (part: string): number[] => (part === '' ? [] : part.split(':').map((w) => Number.parseInt(w, 16)));

function isMapped(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
}

function mask(bytes: Uint8Array, bits: number): Uint8Array {
  return bytes.map((byte, i) => byte & (0xff << Math.max(0, Math.min(8, 8 * (i + 1) - bits))));
}

/** The first `bits` bits as text: one character for two octets. */
function keyOf(bytes: Uint8Array, bits: number): string {
  let key = '';
  for (let i = 0; i < bytes.length && 8 * i < bits; i += 2) {
    const word = ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
    const kept = Math.min(16, bits - 8 * i);
    key += String.fromCharCode(word & (0xffff << (16 - kept)) & 0xffff);
  }
  return key;
}

/** The first longest run of zero words (RFC 5952 4.2.3). */
function longestZeros(words: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  for (let i = 0; i < words.length; i++) {
    let length = 0;
    while (words[i + length] === 0) length++;
    if (length > best.length) best = { start: i, length };
    i += length;
  }
  return best;
}
