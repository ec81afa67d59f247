/** What the operator writes in `routes` and `gateway`: hosts, addresses, `__mx__`, and `smtp://` entries with their settings. */
import { isIPv4, isIPv6 } from 'node:net';
import { canonicalIp } from '../kernel/cidr.js';
import { isHostName, normalizeName } from './name.js';

export type RouteEntry =
  /** The MX of the mail's own domain. */
  | { readonly kind: 'own-mx'; readonly preference: number | undefined; readonly ttlSeconds: number | undefined }
  | {
      readonly kind: 'host';
      /** Normalized name; with a final dot when it is not to be searched for in other domains. */
      readonly name: string;
      readonly port: number | undefined;
      readonly preference: number | undefined;
      readonly ttlSeconds: number | undefined;
      /** What to look for, in order. */
      readonly types: readonly ('mx' | 'a')[];
    }
  | {
      readonly kind: 'address';
      readonly ip: string;
      readonly port: number | undefined;
      readonly preference: number | undefined;
      readonly ttlSeconds: number | undefined;
    };

interface Settings {
  readonly preference: number | undefined;
  readonly ttlSeconds: number | undefined;
  readonly port: number | undefined;
  readonly types: readonly ('mx' | 'a')[] | undefined;
}

const PLAIN: Settings = { preference: undefined, ttlSeconds: undefined, port: undefined, types: undefined };
const SCHEME = 'smtp://';
const MOST_PREFERENCE = 65_535;
const MOST_TTL = 4_294_967_295;

/** Reads one entry, or says in a sentence what is wrong with it. */
export function parseRouteEntry(text: string): RouteEntry | string {
  const word = text.trim();
  if (!word.toLowerCase().startsWith(SCHEME)) return parseTarget(word, PLAIN);
  const rest = word.slice(SCHEME.length);
  const question = rest.indexOf('?');
  const settings = question < 0 ? PLAIN : parseSettings(rest.slice(question + 1));
  if (typeof settings === 'string') return settings;
  return parseTarget((question < 0 ? rest : rest.slice(0, question)).replace(/\/$/, ''), settings);
}

function parseTarget(text: string, settings: Settings): RouteEntry | string {
  const { preference, ttlSeconds } = settings;
  if (text.toLowerCase() === '__mx__') {
    if (settings.port !== undefined || settings.types) return '"__mx__" takes neither port nor type.';
    return { kind: 'own-mx', preference, ttlSeconds };
  }
  if (isIPv6(text)) return `An IPv6 address stands in brackets here: [${text}].`;
  const parts = /^(\[[^[\]]*\]|[^:[\]]+)(?::(.*))?$/.exec(text);
  const host = parts?.[1];
  if (host === undefined) return `"${text}" is neither a host nor an address.`;
  const written = parts?.[2] === undefined ? undefined : parseNumber(parts[2], 1, 65_535);
  if (parts?.[2] !== undefined && written === undefined) return `"${parts[2]}" is not a port: ports go from 1 to 65535.`;
  const port = settings.port ?? written;
  if (host.startsWith('[')) {
    const ip = canonicalIp(host.slice(1, -1).replace(/^ipv6:/i, ''));
    return ip === undefined ? `"${host}" is not an address.` : { kind: 'address', ip, port, preference, ttlSeconds };
  }
  if (isIPv4(host)) return { kind: 'address', ip: host, port, preference, ttlSeconds };
  const name = normalizeName(host);
  if (!name || !isHostName(name)) return `"${host}" is neither a host nor an address.`;
  return { kind: 'host', name: host.endsWith('.') ? `${name}.` : name, port, preference, ttlSeconds, types: settings.types ?? ['mx', 'a'] };
}

function parseSettings(text: string): Settings | string {
  const settings: { -readonly [K in keyof Settings]: Settings[K] } = { ...PLAIN };
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const [key = '', value = '', ...more] = pair.split('=');
    if (more.length > 0) return `"${pair}" has two equal signs.`;
    if (key === 'pref' || key === 'ttl' || key === 'port') {
      const number = parseNumber(value, key === 'port' ? 1 : 0, key === 'ttl' ? MOST_TTL : MOST_PREFERENCE);
      if (number === undefined) return `"${value}" is not a number that ${key} can have.`;
      if (key === 'pref') settings.preference = number;
      else if (key === 'ttl') settings.ttlSeconds = number;
      else settings.port = number;
    } else if (key === 'type') {
      const types = value.toLowerCase().split(',');
      if (!types.every((type) => type === 'mx' || type === 'a')) return `"${value}" is not a list of mx and a.`;
      settings.types = [...new Set(types)];
    } else return `"${key}" is no setting of a route: there are pref, ttl, port and type.`;
  }
  return settings;
}

function parseNumber(text: string, least: number, most: number): number | undefined {
  const number = Number(text);
  return /^\d{1,10}$/.test(text) && number >= least && number <= most ? number : undefined;
}
