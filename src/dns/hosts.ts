/** /etc/hosts: addresses of names and names of addresses (hosts(5)). */
import { canonicalIp } from '../kernel/cidr.js';
import { normalizeName } from './name.js';
import type { HostAddress } from './resolver.js';

export interface Hosts {
  /** Addresses of a normalized name; empty when the file does not know it. */
  addresses(name: string): readonly HostAddress[];
  /** Names of an address in canonical text. */
  names(ip: string): readonly string[];
}

/** Names of the machine itself, never asked of DNS (RFC 6761 6.3). */
const LOCAL: readonly HostAddress[] = [
  { ip: '127.0.0.1', family: 4 },
  { ip: '::1', family: 6 },
];
const NOTHING: readonly never[] = [];

/** Reads the text; lines without an address or with odd names are passed over. */
export function parseHosts(text: string): Hosts {
  const byName = new Map<string, HostAddress[]>();
  const byIp = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...words] = line.replace(/#.*$/, '').trim().split(/\s+/);
    const ip = canonicalIp(address);
    if (!ip) continue;
    const family = ip.includes(':') ? 6 : 4;
    for (const word of words) {
      const name = normalizeName(word);
      if (!name) continue;
      const known = byName.get(name) ?? [];
      if (!known.some((other) => other.ip === ip)) byName.set(name, [...known, { ip, family }]);
      byIp.set(ip, [...(byIp.get(ip) ?? []), name]);
    }
  }
  return {
    addresses: (name) => byName.get(name) ?? (name === 'localhost' || name.endsWith('.localhost') ? LOCAL : NOTHING),
    names: (ip) => byIp.get(ip) ?? NOTHING,
  };
}
