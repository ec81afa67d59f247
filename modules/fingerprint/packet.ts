/** Questions and answers of p0f 3 (its README, section 4): fixed lengths, the byte order of the machine, which is little-endian here. Pure. */
import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import type { Fingerprint } from './api.js';

export const QUERY_BYTES = 21;
export const REPLY_BYTES = 232;

const QUERY_MAGIC = 0x50304601;
const REPLY_MAGIC = 0x50304602;
const STATUS = { badQuery: 0x00, ok: 0x10, noMatch: 0x20 } as const;
const AT = { status: 4, uptime: 20, distance: 36, badSoftware: 38, genre: 40, detail: 72, link: 168 } as const;
const TEXT_BYTES = 32;

/** The question about an address; undefined when it is none. */
export function encodeQuery(ip: string): Buffer | undefined {
  const query = Buffer.alloc(QUERY_BYTES);
  query.writeUInt32LE(QUERY_MAGIC, 0);
  if (isIPv4(ip)) {
    query[4] = 4;
    let at = 5;
    for (const part of ip.split('.')) query[at++] = Number(part);
    return query;
  }
  if (!isIPv6(ip) || ip.includes('%')) return undefined;
  query[4] = 6;
  for (const [i, group] of groupsOf(ip).entries()) query.writeUInt16BE(group, 5 + 2 * i);
  return query;
}

/** The eight groups of an IPv6 address. */
function groupsOf(ip: string): readonly number[] {
  // Brings an IPv4 tail to hexadecimal and every spelling to one.
  const { address } = new SocketAddress({ address: ip, family: 'ipv6' });
  const [left = '', right] = embedded(address).split('::');
  const before = left === '' ? [] : left.split(':');
  const after = right === undefined || right === '' ? [] : right.split(':');
  const zeros = right === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array<string>(zeros).fill('0'), ...after].map((group) => Number.parseInt(group, 16));
}

/** An IPv4 tail as two groups. */
const embedded = (ip: string): string => ip.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => `${hex(a, b)}:${hex(c, d)}`);
const hex = (high: string, low: string): string => (Number(high) * 256 + Number(low)).toString(16);

/** What an answer says; `no_match` when p0f has not seen the host, `bad_reply` when it is no answer to our question. */
export function decodeReply(reply: Buffer): Fingerprint | 'no_match' | 'bad_reply' {
  if (reply.length !== REPLY_BYTES || reply.readUInt32LE(0) !== REPLY_MAGIC) return 'bad_reply';
  const status = reply.readUInt32LE(AT.status);
  if (status === STATUS.noMatch) return 'no_match';
  if (status !== STATUS.ok) return 'bad_reply';
  const distance = reply.readInt16LE(AT.distance);
  const uptime = reply.readUInt32LE(AT.uptime);
  return {
    genre: readText(reply, AT.genre),
    detail: readText(reply, AT.detail),
    distance: distance < 0 ? undefined : distance,
    uptimeMinutes: uptime === 0 ? undefined : uptime,
    link: readText(reply, AT.link),
    badSoftware: reply[AT.badSoftware] ?? 0,
  };
}

const CONTROLS = /\p{Cc}/gu;

function readText(reply: Buffer, at: number): string {
  const field = reply.subarray(at, at + TEXT_BYTES);
  const end = field.indexOf(0);
  return field
    .subarray(0, end < 0 ? TEXT_BYTES : end)
    .toString('latin1')
    .replace(CONTROLS, ' ');
}
