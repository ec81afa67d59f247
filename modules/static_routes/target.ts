/** An address and port as the stanza writes it: "192.0.2.1:25" or "[2001:db8::1]:25". */
import net from 'node:net';

export interface Target {
  readonly ip: string;
  readonly port: number;
}

/** The target, or a sentence that says what is wrong. */
export function parseTarget(text: string): Target | string {
  const parts = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const ip = parts?.[1] ?? parts?.[2];
  if (!parts || ip === undefined) return `"${text}" is not an address with a port, such as 192.0.2.1:25 or [2001:db8::1]:25`;
  const version = net.isIP(ip);
  if (version === 0) return `"${ip}" is not an IP address; static_routes takes no host names`;
  if ((version === 6) !== (parts[1] !== undefined)) return `"${text}": an IPv6 address stands in brackets, an IPv4 address does not`;
  const port = Number(parts[3]);
  if (port < 1 || port > 65535) return `port ${port} is not between 1 and 65535`;
  return { ip, port };
}
