/** Address literals of domains: `[192.0.2.1]`, `[IPv6:2001:db8::1]` (RFC 5321 4.1.3). */
import { canonicalIp } from '../kernel/cidr.js';

/** The address in canonical text; undefined when the domain is no literal, or one of no address. */
export function parseLiteral(domain: string): string | undefined {
  const inside = /^\[([^[\]]+)\]$/.exec(domain)?.[1];
  if (inside === undefined) return undefined;
  const tagged = /^ipv6:(.*)$/i.exec(inside)?.[1];
  if (tagged !== undefined) return tagged.includes(':') ? canonicalIp(tagged) : undefined;
  return inside.includes(':') ? undefined : canonicalIp(inside);
}
