/** What kind of address an IP address is: global, private, loopback and so on. */
import { CidrMap, parseCidr, parseIp } from './cidr.js';

/** What an address is good for. `shared` is carrier-grade NAT; `reserved` also covers documentation and benchmarking. */
export type IpKind = 'global' | 'unspecified' | 'loopback' | 'private' | 'link-local' | 'shared' | 'multicast' | 'reserved';

const KINDS = new CidrMap<IpKind>();
/** RFC 6890 and the IANA special-purpose registries. */
const SPECIAL: readonly (readonly [IpKind, string])[] = [
  ['unspecified', '0.0.0.0/8 ::'],
  ['loopback', '127.0.0.0/8 ::1'],
  ['private', '10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7 fec0::/10'],
  ['link-local', '169.254.0.0/16 fe80::/10'],
  ['shared', '100.64.0.0/10'],
  ['multicast', '224.0.0.0/4 ff00::/8'],
  [
    'reserved',
    '192.0.0.0/24 192.0.2.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4 100::/64 2001:db8::/32 2001:2::/48 3fff::/20',
  ],
];
for (const [kind, networks] of SPECIAL) {
  for (const text of networks.split(' ')) {
    const cidr = parseCidr(text);
    if (cidr) KINDS.set(cidr, kind);
  }
}

/** Where an IPv6 address carries an IPv4 one: NAT64 (RFC 6052), 6to4 (RFC 3056), IPv4-compatible. */
const CARRIERS: readonly (readonly [string, number])[] = [
  ['64:ff9b::/96', 12],
  ['2002::/16', 2],
  ['::/96', 12],
];
const CARRIER = new CidrMap<number>();
for (const [text, at] of CARRIERS) {
  const cidr = parseCidr(text);
  if (cidr) CARRIER.set(cidr, at);
}

/** Kind of an address; of the IPv4 address inside, when an IPv6 address carries one. Undefined when the text is none. */
export function kindOfIp(ip: string | Uint8Array): IpKind | undefined {
  const bytes = typeof ip === 'string' ? parseIp(ip) : ip;
  if (!bytes) return undefined;
  const own = KINDS.find(bytes)?.value;
  if (own) return own;
  const at = bytes.length === 16 ? CARRIER.find(bytes)?.value : undefined;
  return at === undefined ? 'global' : (KINDS.find(bytes.slice(at, at + 4))?.value ?? 'global');
}

/** True for addresses that mean something else, or nothing, on another network: unspecified, loopback, private, shared, link-local, multicast. */
export function isLocalIp(ip: string | Uint8Array): boolean {
  const kind = kindOfIp(ip);
  return kind !== undefined && kind !== 'global' && kind !== 'reserved';
}
