/** The addresses of this machine. */
import os from 'node:os';

/** Every address of every interface, and loopback always. */
export function ownAddresses(): ReadonlySet<string> {
  const found = new Set<string>(['::1']);
  for (const list of Object.values(os.networkInterfaces()))
    for (const { address } of list ?? []) found.add(address.split('%')[0] ?? address);
  return found;
}

/** Whether a hop's address is this machine's: one of its addresses or any of 127.0.0.0/8. */
export const isOwn = (ip: string, own: ReadonlySet<string>): boolean => ip.startsWith('127.') || own.has(ip.replace(/^::ffff:/i, ''));
