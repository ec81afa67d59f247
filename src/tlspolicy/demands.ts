/** What each host of a route is owed in encryption: DANE where it has TLSA records, else the MTA-STS policy of the domain. */
import { createHash } from 'node:crypto';
import { isHostName, normalizeName } from '../dns/name.js';
import type { HopList, RouteHop } from '../dns/outcome.js';
import type { Resolver } from '../dns/resolver.js';
import type { RankedHop } from '../module/resolver.js';
import type { TlsDemand, TlsFault, TlsOutcome } from '../module/tls-demand.js';
import { type DaneFinding, findDane } from './dane.js';
import type { StsFinding, StsPolicies } from './sts.js';
import { matchesMx } from './sts-policy.js';

/** What the options of a place ask for. */
export interface DemandWish {
  /** use_dane. */
  readonly dane: boolean;
  /** use_mta_sts. */
  readonly sts: boolean;
  /** tlsa_expire_interval. */
  readonly tlsaSeconds: number;
}

export interface DemandPorts {
  readonly resolver: Pick<Resolver, 'any'>;
  readonly sts: Pick<StsPolicies, 'find'>;
  /** A policy that could not be fetched is told although no connection was made for it. */
  tlsWent?(outcome: TlsOutcome): void;
}

/** Hosts whose TLSA records are asked for at once. */
const AT_ONCE = 16;

export class Demands {
  readonly #ports: DemandPorts;

  constructor(ports: DemandPorts) {
    this.#ports = ports;
  }

  /** The same hops, each with what is demanded of it; good no longer than its policies. Rejects only with the signal's reason. */
  async judge(domain: string, list: HopList, wish: DemandWish, signal: AbortSignal): Promise<Judged> {
    const name = normalizeName(domain);
    const [dane, sts] = await Promise.all([
      wish.dane ? this.#findAll(list.hops, signal) : NOTHING,
      // The policy is the domain's word for its own MX; a route the operator wrote is another matter (RFC 8461 4).
      wish.sts && list.from === 'dns' && name !== undefined && isHostName(name) ? this.#findSts(name, signal) : undefined,
    ]);
    let ttlSeconds = Math.min(list.ttlSeconds, sts?.ttlSeconds ?? list.ttlSeconds);
    for (const { ttlSeconds: seconds } of dane.values()) ttlSeconds = Math.min(ttlSeconds, Math.max(seconds, 1), wish.tlsaSeconds);
    const hops = list.hops.map((hop): RankedHop => {
      const demand = demandOfDane(hop, domain, dane.get(keyOf(hop))) ?? (sts && demandOfSts(hop, domain, sts));
      const vouched = hop.vouched === true || (sts !== undefined && isListed(hop, sts));
      return { ...hop, ...(demand && { demand }), ...(vouched && { vouched: true }) };
    });
    return { hops, ttlSeconds };
  }

  async #findSts(domain: string, signal: AbortSignal): Promise<StsFinding> {
    const finding = await this.#ports.sts.find(domain, signal);
    if (finding.fault) {
      this.#ports.tlsWent?.({
        domain,
        policy: { type: 'sts', domain, strings: finding.policy?.lines ?? [], mxPatterns: finding.policy?.mx ?? [] },
        fault: finding.fault,
        detail: finding.why,
        host: `mta-sts.${domain}`,
        ip: '',
        source: undefined,
      });
    }
    return finding;
  }

  async #findAll(hops: readonly RouteHop[], signal: AbortSignal): Promise<ReadonlyMap<string, DaneFinding>> {
    const hosts = new Map<string, RouteHop>();
    for (const hop of hops) if (hop.tlsaBases) hosts.set(keyOf(hop), hop);
    const findings = new Map<string, DaneFinding>();
    const all = [...hosts];
    for (let at = 0; at < all.length; at += AT_ONCE) {
      const some = all.slice(at, at + AT_ONCE);
      const found = await Promise.all(some.map(([, { tlsaBases = [], port }]) => findDane(this.#ports.resolver, tlsaBases, port, signal)));
      some.forEach(([key], i) => {
        const finding = found[i];
        if (finding) findings.set(key, finding);
      });
    }
    return findings;
  }
}

export interface Judged {
  readonly hops: readonly RankedHop[];
  readonly ttlSeconds: number;
}

const NOTHING: ReadonlyMap<string, DaneFinding> = new Map();

const keyOf = ({ name, port }: RouteHop): string => `${name} ${port}`;

function demandOfDane({ name }: RouteHop, domain: string, finding: DaneFinding | undefined): TlsDemand | undefined {
  if (!finding || finding.kind === 'none') return undefined;
  if (finding.kind === 'failed')
    return demand('dane', [name], [], 'dnssec-invalid', { type: 'tlsa', domain: name, strings: [], mxPatterns: [] });
  const { base, usable, strings } = finding;
  // RFC 7672 3.2.2: the base domain, and what led there.
  const names = [...new Set([base, name, domain])];
  return demand('dane', names, usable, undefined, { type: 'tlsa', domain: base, strings, mxPatterns: [] });
}

/** The domain's own word for this host, got over HTTPS. What is only tested binds nobody. */
const isListed = ({ name }: RouteHop, { policy }: StsFinding): boolean =>
  policy?.mode === 'enforce' && matchesMx(policy.mx, name.toLowerCase());

function demandOfSts({ name }: RouteHop, domain: string, { policy }: StsFinding): TlsDemand | undefined {
  if (!policy || policy.mode === 'none') return undefined;
  const fits = matchesMx(policy.mx, name.toLowerCase());
  const facts = { type: 'sts', domain, strings: policy.lines, mxPatterns: policy.mx } as const;
  const made = demand('sts', [name], [], undefined, facts, policy.mode === 'enforce');
  return fits ? made : { ...made, barred: 'validation-failure' };
}

function demand(
  by: 'dane' | 'sts',
  names: readonly string[],
  tlsa: TlsDemand['tlsa'],
  barred: TlsFault | undefined,
  policy: TlsDemand['policy'],
  enforced = true,
): TlsDemand {
  const digest = createHash('sha256')
    .update(JSON.stringify([by, enforced, names, policy.domain, policy.strings]))
    .digest('base64url')
    .slice(0, 22);
  return { by, enforced, tlsa, names, digest, barred, policy };
}
