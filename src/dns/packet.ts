/** Query packets, which answers fit them, and a linear look over an answer before any decoder is let at it. */
import { encode, type RecordType } from 'dns-packet';

/** Types that may be asked for, with their numbers (IANA). */
export const TYPE_NUMBERS: ReadonlyMap<string, number> = new Map([
  ['A', 1],
  ['NS', 2],
  ['CNAME', 5],
  ['SOA', 6],
  ['PTR', 12],
  ['HINFO', 13],
  ['MX', 15],
  ['TXT', 16],
  ['AAAA', 28],
  ['SRV', 33],
  ['NAPTR', 35],
  ['DS', 43],
  ['SSHFP', 44],
  ['DNSKEY', 48],
  ['TLSA', 52],
  ['ANY', 255],
  ['CAA', 257],
]);

/** RFC 9715, DNS flag day 2020: what passes without fragments. */
export const EDNS_BYTES = 1232;
const HEADER = 12;
const QR = 0x8000;
const OPCODE = 0x7800;
const RD = 0x0100;
const AD = 0x0020;

export interface Query {
  readonly id: number;
  /** Normalized. */
  readonly name: string;
  /** A key of TYPE_NUMBERS. */
  readonly type: string;
  readonly edns: boolean;
}

/** A query with recursion wished for. The AD bit asks for the AD bit (RFC 6840 5.7). */
export function encodeQuery({ id, name, type, edns }: Query): Buffer {
  const question = { name: name === '' ? '.' : name, type: type as RecordType, class: 'IN' as const };
  return encode({
    type: 'query',
    id,
    flags: RD | AD,
    questions: [question],
    additionals: edns
      ? [{ type: 'OPT', name: '.', udpPayloadSize: EDNS_BYTES, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] }]
      : [],
  });
}

/** True when a datagram answers this very query: same id, same question. Of servers that fail only the head need come back. */
export function fitsQuery(query: Buffer, datagram: Buffer): boolean {
  if (datagram.length < HEADER || datagram.readUInt16BE(0) !== query.readUInt16BE(0)) return false;
  const flags = datagram.readUInt16BE(2);
  if ((flags & QR) === 0 || (flags & OPCODE) !== 0) return false;
  const questions = datagram.readUInt16BE(4);
  const failed = (flags & 0xf) !== 0 && (flags & 0xf) !== 3;
  if (questions === 0) return failed && datagram.length === HEADER;
  const end = skipName(query, HEADER);
  if (questions !== 1 || end === undefined || datagram.length < end + 4) return false;
  // Names are compared without case; an octet above Z in a name of ours is a letter or stands for itself.
  for (let i = HEADER; i < end; i++) if (foldCase(query[i]) !== foldCase(datagram[i])) return false;
  return query.readUInt32BE(end) === datagram.readUInt32BE(end);
}

const foldCase = (octet = 0): number => (octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet);

/** What is known of an answer without decoding its records. */
export interface Outline {
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly recursive: boolean;
  readonly authentic: boolean;
  readonly answers: number;
  /** Index behind the last answer. */
  readonly answersEnd: number;
  /** Seconds of negative caching (RFC 2308 5): the smaller of the SOA's TTL and minimum; undefined without an SOA. */
  readonly negativeSeconds: number | undefined;
  /** Name servers in the authority section: with no answer and no SOA a referral. */
  readonly referral: boolean;
}

/** More records than this in an answer are an attack, not an answer. */
const MOST_ANSWERS = 1000;
const T_A = 1;
const T_NS = 2;
const T_CNAME = 5;
const T_SOA = 6;
const T_PTR = 12;
const T_MX = 15;
const T_TXT = 16;
const T_AAAA = 28;
const T_TLSA = 52;
const T_OPT = 41;

/** Walks over an answer once. A text says what is wrong with it: nothing that points in circles or lies about a length gets past. */
export function outline(bytes: Buffer): Outline | string {
  if (bytes.length < HEADER) return 'shorter than a header';
  const flags = bytes.readUInt16BE(2);
  const answers = bytes.readUInt16BE(6);
  if (answers > MOST_ANSWERS) return `${answers} answers`;
  let at = HEADER;
  for (let i = bytes.readUInt16BE(4); i > 0; i--) {
    const end = skipName(bytes, at);
    if (end === undefined || end + 4 > bytes.length) return 'broken question';
    at = end + 4;
  }
  let rcode = flags & 0xf;
  let negativeSeconds: number | undefined;
  let referral = false;
  let answersEnd = at;
  const authorities = bytes.readUInt16BE(8);
  const records = answers + authorities + bytes.readUInt16BE(10);
  const isCut = (flags & 0x200) !== 0;
  for (let i = 0; i < records; i++) {
    const record = readRecord(bytes, at);
    // A server that cuts at the size limit may cut through a record; it asks to be asked again over TCP.
    if (typeof record === 'string') return isCut ? describe(flags, rcode, Math.min(i, answers), answersEnd, undefined, false) : record;
    at = record.end;
    if (i < answers) answersEnd = at;
    else if (i < answers + authorities) {
      if (record.type === T_SOA && record.rdata + 20 <= at) negativeSeconds ??= Math.min(record.ttl, seconds(bytes.readUInt32BE(at - 4)));
      if (record.type === T_NS) referral = true;
    } else if (record.type === T_OPT) rcode |= (bytes[record.rdata - 6] ?? 0) << 4;
  }
  return describe(flags, rcode, answers, answersEnd, negativeSeconds, referral);
}

function describe(
  flags: number,
  rcode: number,
  answers: number,
  answersEnd: number,
  negativeSeconds: number | undefined,
  referral: boolean,
): Outline {
  return {
    rcode,
    authoritative: (flags & 0x400) !== 0,
    truncated: (flags & 0x200) !== 0,
    recursive: (flags & 0x80) !== 0,
    authentic: (flags & AD) !== 0,
    answers,
    answersEnd,
    negativeSeconds,
    referral: referral && answers === 0 && negativeSeconds === undefined,
  };
}

interface Extent {
  readonly type: number;
  readonly ttl: number;
  /** Where the data begin. */
  readonly rdata: number;
  readonly end: number;
}

/** TTLs with the highest bit set mean 0 (RFC 2181 8). */
const seconds = (ttl: number): number => (ttl > 0x7fffffff ? 0 : ttl);

function readRecord(bytes: Buffer, start: number): Extent | string {
  const at = skipName(bytes, start);
  if (at === undefined) return 'broken name';
  if (at + 10 > bytes.length) return 'record cut off';
  const type = bytes.readUInt16BE(at);
  const rdata = at + 10;
  const end = rdata + bytes.readUInt16BE(at + 8);
  if (end > bytes.length) return 'record longer than the packet';
  return holdsData(bytes, type, rdata, end)
    ? { type, ttl: seconds(bytes.readUInt32BE(at + 4)), rdata, end }
    : `broken data of type ${type}`;
}

/** The decoder believes the data rather than their length; here they have to agree. */
function holdsData(bytes: Buffer, type: number, rdata: number, end: number): boolean {
  switch (type) {
    case T_A:
      return end - rdata === 4;
    case T_AAAA:
      return end - rdata === 16;
    case T_NS:
    case T_CNAME:
    case T_PTR:
      return skipName(bytes, rdata) === end;
    case T_MX:
      return end - rdata > 2 && skipName(bytes, rdata + 2) === end;
    case T_TLSA:
      return end - rdata > 3;
    case T_TXT: {
      let at = rdata;
      while (at < end) at += 1 + (bytes[at] ?? 0);
      return at === end;
    }
    default:
      return true;
  }
}

/** RFC 1035 3.1; more jumps than this serve only to waste time. */
const LONGEST_WIRE_NAME = 255;
const MOST_JUMPS = 32;

/** Index behind a name, or undefined when it is broken: too long, over the end, or pointing anywhere but back. */
function skipName(bytes: Buffer, start: number): number | undefined {
  let at = start;
  let behind: number | undefined;
  let length = 1;
  let bound = start;
  for (let jumps = 0; jumps <= MOST_JUMPS; ) {
    const octet = bytes[at];
    if (octet === undefined) return undefined;
    if (octet === 0) return behind ?? at + 1;
    if (octet < 0x40) {
      length += octet + 1;
      if (length > LONGEST_WIRE_NAME) return undefined;
      at += octet + 1;
    } else {
      if (octet < 0xc0 || at + 1 >= bytes.length) return undefined;
      behind ??= at + 2;
      const target = bytes.readUInt16BE(at) & 0x3fff;
      if (target >= bound || target < HEADER) return undefined;
      at = bound = target;
      jumps++;
    }
  }
  return undefined;
}
