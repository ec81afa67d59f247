/** From an answer packet to what it says about a question: records at the end of the CNAMEs, their absence, or what went wrong. */
import { decode, type Answer as PacketAnswer } from 'dns-packet';
import type { Failed } from './answer.js';
import { normalizeName } from './name.js';
import { type Outline, outline } from './packet.js';
import type { AnyRecord } from './resolver.js';

export type Reading =
  | {
      readonly kind: 'found';
      readonly name: string;
      readonly records: readonly AnyRecord[];
      readonly ttlSeconds: number;
      readonly authentic: boolean;
      /** TC was set and nobody will ask again: there may be more. */
      readonly partial: boolean;
    }
  | {
      readonly kind: 'nxdomain' | 'nodata';
      readonly ttlSeconds: number | undefined;
      readonly authentic: boolean;
      readonly aliased: boolean;
    }
  /** The CNAMEs end at a name this answer says nothing about: it has to be asked for. */
  | { readonly kind: 'alias'; readonly target: string; readonly ttlSeconds: number; readonly authentic: boolean }
  | { readonly kind: 'truncated' }
  /** The server does not speak EDNS (FORMERR, NOTIMP). */
  | { readonly kind: 'primitive' }
  | { readonly kind: Exclude<Failed['kind'], 'timeout'>; readonly why: string };

/** CNAMEs in one answer. */
const LONGEST_CHAIN = 16;

const RCODES: readonly string[] = [
  'NOERROR',
  'FORMERR',
  'SERVFAIL',
  'NXDOMAIN',
  'NOTIMP',
  'REFUSED',
  'YXDOMAIN',
  'YXRRSET',
  'NXRRSET',
  'NOTAUTH',
];

/** Reads what `bytes` say about `name` (normalized) and `type`. With `takePart` a truncated answer counts as far as it goes. */
export function readAnswer(bytes: Buffer, name: string, type: string, takePart: boolean): Reading {
  const seen = outline(bytes);
  if (typeof seen === 'string') return { kind: 'malformed', why: seen };
  if (seen.truncated && !takePart) return { kind: 'truncated' };
  const code = RCODES[seen.rcode] ?? `RCODE ${seen.rcode}`;
  if (seen.rcode === 1 || seen.rcode === 4) return { kind: 'primitive' };
  if (seen.rcode === 5) return { kind: 'refused', why: code };
  if (seen.rcode !== 0 && seen.rcode !== 3) return { kind: 'servfail', why: code };
  if (seen.referral && !seen.recursive && !seen.authoritative)
    return { kind: 'refused', why: 'a referral: the server does not look further' };
  const records = decodeAnswers(bytes, seen);
  return typeof records === 'string' ? { kind: 'malformed', why: records } : follow(records, seen, name, type);
}

/** Only the answers are decoded: of the rest nothing is needed that `outline` has not told, and what stands there cannot do harm. */
function decodeAnswers(bytes: Buffer, { answers, answersEnd }: Outline): readonly AnyRecord[] | string {
  if (answers === 0) return [];
  const cut = Buffer.from(bytes.subarray(0, answersEnd));
  cut.writeUInt16BE(answers, 6);
  cut.writeUInt32BE(0, 8);
  try {
    return (decode(cut).answers ?? []).flatMap((answer) => describeRecord(answer) ?? []);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function describeRecord(answer: PacketAnswer): AnyRecord | undefined {
  if (answer.type === 'OPT' || (answer.class ?? 'IN') !== 'IN') return undefined;
  const ttl = answer.ttl ?? 0;
  return { name: fold(answer.name), type: answer.type, ttlSeconds: ttl > 0x7fffffff ? 0 : ttl, data: answer.data };
}

/** Names in answers may be anything; those that are no names of ours simply match nothing. */
const fold = (name: string): string => (name === '.' ? '' : name.toLowerCase());

function follow(records: readonly AnyRecord[], seen: Outline, name: string, type: string): Reading {
  const authentic = seen.authentic;
  const visited = new Set<string>();
  let at = name;
  let ttlSeconds = Number.POSITIVE_INFINITY;
  for (;;) {
    visited.add(at);
    const here = records.filter((record) => record.name === at && (type === 'ANY' || record.type === type));
    if (here.length > 0) {
      for (const record of here) ttlSeconds = Math.min(ttlSeconds, record.ttlSeconds);
      return { kind: 'found', name: at, records: here, ttlSeconds, authentic, partial: seen.truncated };
    }
    const alias = records.find((record) => record.name === at && record.type === 'CNAME');
    if (!alias) break;
    const target = typeof alias.data === 'string' ? normalizeName(alias.data) : undefined;
    if (!target) return { kind: 'malformed', why: 'a CNAME to what is no name' };
    if (visited.has(target)) return { kind: 'malformed', why: 'CNAMEs in a circle' };
    if (visited.size > LONGEST_CHAIN) return { kind: 'malformed', why: 'too many CNAMEs' };
    ttlSeconds = Math.min(ttlSeconds, alias.ttlSeconds);
    at = target;
  }
  const aliased = at !== name;
  if (seen.truncated) return { kind: 'malformed', why: 'cut off before the first record' };
  if (seen.rcode === 3) return { kind: 'nxdomain', ttlSeconds: seen.negativeSeconds, authentic, aliased };
  if (aliased && seen.negativeSeconds === undefined) return { kind: 'alias', target: at, ttlSeconds, authentic };
  return { kind: 'nodata', ttlSeconds: seen.negativeSeconds, authentic, aliased };
}
