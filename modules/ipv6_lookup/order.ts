/** In which order the addresses of a host are tried. */

export type Preference = 'v4' | 'v6' | 'rfc6724';

const isV6 = (ip: string): boolean => ip.includes(':');

/** RFC 6724 2.1, as far as mail meets it: the policy table's precedence of a destination. */
function precedence(ip: string): number {
  if (!isV6(ip)) return 35;
  if (ip === '::1') return 50;
  if (/^2002:/i.test(ip)) return 30;
  if (/^2001:0?0?0?0?:/i.test(ip)) return 5;
  if (/^f[cd]/i.test(ip)) return 3;
  if (/^::[0-9a-f]*(:[0-9a-f]+)?$/i.test(ip) || /^fec/i.test(ip) || /^3ffe:/i.test(ip)) return 1;
  return 40;
}

/**
 * Addresses best first; within a family as they came. `sources` are this machine's own: by RFC 6724 a family without one is no way
 * (rule 1), then the policy table decides (rule 6).
 */
export function orderAddresses(ips: readonly string[], prefer: Preference, sources: readonly string[]): readonly string[] {
  const rank = (ip: string): number => {
    if (prefer !== 'rfc6724') return isV6(ip) === (prefer === 'v6') ? 0 : 1;
    const reachable = sources.some((source) => isV6(source) === isV6(ip));
    return (reachable ? 0 : 1000) - precedence(ip);
  };
  return [...ips].sort((a, b) => rank(a) - rank(b));
}
