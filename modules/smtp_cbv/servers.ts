/** The servers that take the mail of a domain, as addresses in the order in which they are called. */
import { isIP } from 'node:net';
import { isLocalIp, kindOfIp, type Mx, type Names } from '#module';
import type { Callback } from './api.js';

export interface ServerRules {
  /** Option skip_hosts. */
  isSkipped(ip: string): boolean;
  /** deliver_to_private: addresses of our own networks that DNS gave are called too. */
  readonly allowsLocal: boolean;
  /** A number from 0 up to, not including, 1: hosts of one preference are called in any order. */
  random(): number;
}

/** What is known without a call, or whom to call. `skipped`: only servers that we do not call. */
export type Servers =
  | { readonly kind: 'servers'; readonly ips: readonly string[] }
  | { readonly kind: 'known'; readonly callback: Callback }
  | { readonly kind: 'skipped' };

/** Hosts, and addresses in all, that are looked at. */
const MOST_HOSTS = 5;
const MOST_ADDRESSES = 6;

const known = (status: Callback['status'], text: string): Servers => ({ kind: 'known', callback: { status, text } });

/** RFC 5321 5.1: the exchangers, best first, or the domain itself where there are none. Rejects only with the signal's reason. */
export async function findServers(names: Names, domain: string, rules: ServerRules, signal: AbortSignal): Promise<Servers> {
  const mx = await names.mx(domain, signal);
  switch (mx.kind) {
    case 'found':
      if (mx.records.every(({ exchange }) => exchange === '')) return known('fail', '550 5.7.27 [internal] sender domain has a null MX');
      return findAddresses(names, rankHosts(mx.records, rules.random), rules, signal);
    case 'nodata':
      return findAddresses(names, [domain], rules, signal);
    case 'nxdomain':
      return known('fail', '550 5.1.8 [internal] sender domain does not exist');
    default:
      return known('transient', `451 4.4.3 [internal] DNS ${mx.kind}`);
  }
}

/** Names of hosts by preference; an address in place of a name is no host (RFC 1035 3.3.9). */
function rankHosts(records: readonly Mx[], random: () => number): readonly string[] {
  const ranked = records.filter(({ exchange }) => exchange !== '' && isIP(exchange) === 0).map((mx) => ({ ...mx, lot: random() }));
  ranked.sort((a, b) => a.preference - b.preference || a.lot - b.lot);
  return ranked.slice(0, MOST_HOSTS).map(({ exchange }) => exchange);
}

async function findAddresses(names: Names, hosts: readonly string[], rules: ServerRules, signal: AbortSignal): Promise<Servers> {
  const answers = await Promise.all(hosts.map((host) => names.addresses(host, { v4: true, v6: true }, signal)));
  const ips = new Set<string>();
  let [isUnsure, isLocal, isSkipped] = [false, false, false];
  for (const answer of answers) {
    if (answer.kind !== 'found') {
      isUnsure ||= answer.kind !== 'nxdomain' && answer.kind !== 'nodata';
      continue;
    }
    for (const { ip } of [...answer.records].sort((a, b) => a.family - b.family)) {
      if (rules.isSkipped(ip)) isSkipped = true;
      else if (!rules.allowsLocal && isBarred(ip, answer.from)) isLocal = true;
      else ips.add(ip);
    }
  }
  if (ips.size > 0) return { kind: 'servers', ips: [...ips].slice(0, MOST_ADDRESSES) };
  if (isSkipped) return { kind: 'skipped' };
  if (isUnsure) return known('transient', '451 4.4.3 [internal] DNS cannot tell the addresses of the exchangers');
  return isLocal
    ? known('fail', '551 5.4.6 [internal] Private/Loopback Address')
    : known('fail', '550 5.1.8 [internal] sender domain has no server for its mail');
}

/** As for mail: an operator who gives a domain a private address in /etc/hosts means it; loopback there is the machine's own name. */
const isBarred = (ip: string, from: 'dns' | 'file'): boolean => (from === 'dns' ? isLocalIp(ip) : kindOfIp(ip) === 'loopback');
