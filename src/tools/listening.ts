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

/** Flag of sockets that accept, in /proc/net/unix. */
const ACCEPTS = '00010000';

/** Looks for a listening unix socket of this path; the file alone is there a moment before anybody listens. */
export function isListeningAt(file: string): boolean {
  if (!fs.existsSync('/proc/net/unix')) return fs.existsSync(file);
  return fs
    .readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .some((line) => line.endsWith(` ${file}`) && line.split(/\s+/)[3] === ACCEPTS);
}
