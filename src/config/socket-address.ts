/** Where a socket stands: `ip:port`, `[v6]:port`, `*:port`, `:port`, a port alone, or the path of a unix socket. */
import { isIPv4, isIPv6 } from 'node:net';

export type SocketAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** Longest path of a unix socket in bytes; the kernel cuts longer ones without a word. */
export const MAX_UNIX_PATH = 107;

const ANY: Readonly<Record<string, string>> = { '': '0.0.0.0', '*': '0.0.0.0', '[*]': '::', '[::]': '::', localhost: '127.0.0.1' };

/** Reads a socket address, or says in a sentence what is wrong with it. `port` is taken where none is written. */
export function parseSocketAddress(text: string, port?: number): SocketAddress | string {
  if (text.includes('/')) {
    const bytes = Buffer.byteLength(text);
    if (bytes > MAX_UNIX_PATH) return `The path of a unix socket has at most ${MAX_UNIX_PATH} bytes, this one has ${bytes}.`;
    return { kind: 'unix', path: text };
  }
  if (/^\d+$/.test(text)) return withPort('0.0.0.0', text);
  if (isIPv6(text))
    return port === undefined ? `An IPv6 address with a port stands in brackets: [${text}]:25.` : { kind: 'tcp', host: text, port };
  const [, name = '', digits] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(text) ?? [undefined, text, undefined];
  const inner = name.replace(/^\[(.*)\]$/, '$1');
  const host = ANY[name.toLowerCase()] ?? (isIPv4(name) || (name !== inner && isIPv6(inner)) ? inner : undefined);
  if (host === undefined) return `"${text}" is not a socket address: write ip:port, [ipv6]:port, :port or the path of a unix socket.`;
  if (digits !== undefined) return withPort(host, digits);
  return port === undefined ? `The port is missing in "${text}".` : { kind: 'tcp', host, port };
}

function withPort(host: string, digits: string): SocketAddress | string {
  const port = Number(digits);
  if (!/^\d{1,9}$/.test(digits) || port > 65535) return `"${digits}" is not a port: ports go from 0 to 65535.`;
  return { kind: 'tcp', host, port };
}

/** The address as it is written; IPv6 in brackets. */
export function printSocketAddress(address: SocketAddress): string {
  if (address.kind === 'unix') return address.path;
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}
