/** How the server to ask is written: HOST, HOST:PORT, an IPv6 address with brackets or, without a port, without. */
import { isIP, isIPv6 } from 'node:net';

export interface Door {
  /** IPv6 without brackets. */
  readonly host: string;
  readonly port: number | undefined;
}

const NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$/;
const LONGEST_NAME = 255;

/** Undefined when the text is none. */
export function parseDoor(text: string): Door | undefined {
  if (isIPv6(text)) return { host: text, port: undefined };
  const found = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(text);
  if (!found) return undefined;
  const [, literal, name, digits] = found;
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && (port < 1 || port > 65535)) return undefined;
  if (literal !== undefined) return isIPv6(literal) ? { host: literal, port } : undefined;
  if (name === undefined || name.length > LONGEST_NAME || (isIP(name) === 0 && !NAME.test(name))) return undefined;
  return { host: name, port };
}
