/** The addresses of this machine. */
import net from 'node:net';
import os from 'node:os';

/** Every address of every interface as it is now, without zone. */
export function ownAddresses(): readonly string[] {
  const found = new Set<string>();
  for (const list of Object.values(os.networkInterfaces())) for (const { address } of list ?? []) found.add(withoutZone(address));
  return [...found];
}

/** Addresses to compare with: those given, and whatever always leads here: 127.0.0.0/8, ::1 and the unspecified ones. */
export function gatherOwn(addresses: readonly string[]): net.BlockList {
  const own = new net.BlockList();
  own.addSubnet('127.0.0.0', 8, 'ipv4');
  own.addAddress('0.0.0.0', 'ipv4');
  own.addAddress('::1', 'ipv6');
  own.addAddress('::', 'ipv6');
  for (const address of addresses) own.addAddress(address, familyOf(address));
  return own;
}

/** Whether a hop's address is this machine's; an IPv4 address may be written as an IPv6 one, and a zone does not matter. */
export const isOwn = (ip: string, own: net.BlockList): boolean => own.check(withoutZone(ip), familyOf(ip));

const withoutZone = (ip: string): string => ip.split('%')[0] ?? ip;

const familyOf = (ip: string): 'ipv4' | 'ipv6' => (ip.includes(':') ? 'ipv6' : 'ipv4');
