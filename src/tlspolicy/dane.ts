/** DANE for SMTP (RFC 7672): the TLSA records of a host, and which of them can be used. */
import { createPublicKey, X509Certificate } from 'node:crypto';
import { hasFailed } from '../dns/answer.js';
import { readTlsa, type TlsaRecord } from '../dns/records.js';
import type { Resolver } from '../dns/resolver.js';
import type { Tlsa } from '../module/tls-demand.js';

/** What a host publishes. */
export type DaneFinding =
  /** Nothing that DNSSEC proves. */
  | { readonly kind: 'none'; readonly ttlSeconds: number }
  | {
      readonly kind: 'records';
      /** The name they stand under. */
      readonly base: string;
      /** Those that can be used; none of them asks for encryption alone. */
      readonly usable: readonly Tlsa[];
      /** All of them as zone files write them, sorted. */
      readonly strings: readonly string[];
      readonly ttlSeconds: number;
    }
  /** Nobody knows: the host must not be used (RFC 7672 2.1.2). */
  | { readonly kind: 'failed'; readonly why: string; readonly ttlSeconds: number };

/** Records of one host that are looked at. */
const MOST_RECORDS = 64;
const DIGEST_BYTES = [0, 32, 64] as const;

/** Asks for the records of a host whose addresses DNSSEC proved, under each of `bases` until there are some. */
export async function findDane(
  resolver: Pick<Resolver, 'any'>,
  bases: readonly string[],
  port: number,
  signal: AbortSignal,
): Promise<DaneFinding> {
  let ttlSeconds = Number.POSITIVE_INFINITY;
  for (const base of bases) {
    const answer = await resolver.any(`_${port}._tcp.${base}`, 'TLSA', signal);
    ttlSeconds = Math.min(ttlSeconds, answer.ttlSeconds);
    if (hasFailed(answer)) return { kind: 'failed', why: `TLSA of ${base}: ${answer.kind} (${answer.why})`, ttlSeconds };
    if (answer.kind !== 'found' || !answer.secure) continue;
    const records = answer.records.slice(0, MOST_RECORDS).flatMap((record) => readTlsa(record) ?? []);
    return { kind: 'records', base, usable: chooseUsable(records), strings: records.map(formatTlsa).sort(), ttlSeconds };
  }
  return { kind: 'none', ttlSeconds };
}

/** Usages 2 and 3 with parameters we know and data that fit; of digests only the strongest of each kind (RFC 7671 9). */
export function chooseUsable(records: readonly TlsaRecord[]): readonly Tlsa[] {
  const usable = records.flatMap((record) => narrow(record) ?? []);
  const strongest = new Map<string, number>();
  for (const { usage, selector, matching } of usable) {
    const kind = `${usage} ${selector}`;
    if (matching > (strongest.get(kind) ?? 0)) strongest.set(kind, matching);
  }
  return usable.filter(({ usage, selector, matching }) => matching === 0 || matching === strongest.get(`${usage} ${selector}`));
}

function narrow({ usage, selector, matching, data }: TlsaRecord): Tlsa | undefined {
  if (usage !== 2 && usage !== 3) return undefined;
  if (selector !== 0 && selector !== 1) return undefined;
  if (matching !== 0 && matching !== 1 && matching !== 2) return undefined;
  const fits = matching === 0 ? holdsKey(selector, data) : data.length === DIGEST_BYTES[matching];
  return fits ? { usage, selector, matching, data } : undefined;
}

/** Whole certificates and keys have to be such. */
function holdsKey(selector: 0 | 1, data: Buffer): boolean {
  try {
    if (selector === 0) new X509Certificate(data);
    else createPublicKey({ key: data, format: 'der', type: 'spki' });
    return true;
  } catch {
    return false;
  }
}

const formatTlsa = ({ usage, selector, matching, data }: TlsaRecord): string => `${usage} ${selector} ${matching} ${data.toString('hex')}`;
