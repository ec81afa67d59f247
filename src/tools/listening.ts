/** Says whether somebody listens on a TCP port without connecting, so that a daemon that is watched sees no stranger. Linux. */
import fs from 'node:fs';

/** State LISTEN in /proc/net/tcp. */
const LISTEN = '0A';

/** Looks for a listening socket on this port, on any address, of IPv4 or IPv6. */
export function isListening(port: number): boolean {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6']) {
    if (!fs.existsSync(file)) continue;
    for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
      const [, local = '', , state] = line.trim().split(/\s+/);
      if (state === LISTEN && local.endsWith(`:${wanted}`)) return true;
    }
  }
  return false;
}
