/** Addresses of a host put together from several answers, and in the order of a sortlist. */
import { type Cidr, containsIp, parseIp } from '../kernel/cidr.js';
import { type Answer, hasFailed, type Missing } from './answer.js';
import type { HostAddress } from './resolver.js';

/** What A and AAAA say together. One address is enough; without one a failure outweighs an absence, for it may have hidden an address. */
export function mergeAddresses(answers: readonly Answer<HostAddress>[]): Answer<HostAddress> {
  const found = answers.filter((answer) => answer.kind === 'found');
  const [first] = found;
  if (first) {
    return {
      kind: 'found',
      records: found.flatMap(({ records }) => records),
      name: first.name,
      ttlSeconds: Math.min(...found.map(({ ttlSeconds }) => ttlSeconds)),
      secure: found.every(({ secure }) => secure),
      from: first.from,
    };
  }
  const failed = answers.find(hasFailed);
  if (failed) return failed;
  const absent = answers.filter((answer): answer is Missing => answer.kind === 'nxdomain' || answer.kind === 'nodata');
  const [one] = absent;
  if (!one) return { kind: 'nodata', ttlSeconds: 0, secure: false };
  // A name that exists for one type exists.
  const kind = absent.some((answer) => answer.kind === 'nodata') ? 'nodata' : 'nxdomain';
  return { kind, ttlSeconds: Math.min(...absent.map(({ ttlSeconds }) => ttlSeconds)), secure: absent.every(({ secure }) => secure) };
}

/** Those in the first network first, and so on; the others keep their order behind them. */
export function sortAddresses(addresses: readonly HostAddress[], sortlist: readonly Cidr[]): readonly HostAddress[] {
  const rank = (ip: string): number => {
    const bytes = parseIp(ip);
    const at = bytes ? sortlist.findIndex((network) => containsIp(network, bytes)) : -1;
    return at < 0 ? sortlist.length : at;
  };
  return addresses
    .map((address) => ({ address, rank: rank(address.ip) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ address }) => address);
}
