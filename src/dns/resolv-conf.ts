/** resolv.conf: name servers and how to ask them (resolv.conf(5); BSD's lookup and [address]:port, Solaris' retrans and retry too). */
import { isIP } from 'node:net';
import { type Cidr, parseCidr, parseIp } from '../kernel/cidr.js';
import { normalizeName } from './name.js';
import type { NameServer } from './wire.js';

export interface ResolvConf {
  /** In order; never empty. */
  readonly servers: readonly NameServer[];
  /** Domains to append to short names. */
  readonly search: readonly string[];
  /** Names with at least so many dots are tried as they are first. */
  readonly ndots: number;
  /** Seconds to wait for one answer. */
  readonly timeoutSeconds: number;
  /** Rounds over all servers. */
  readonly attempts: number;
  /** Begin with another server each time. */
  readonly rotate: boolean;
  /** Ask over TCP only. */
  readonly tcpOnly: boolean;
  /** Believe the AD bit although the server is not on loopback. */
  readonly trustAd: boolean;
  /** Networks whose addresses come first, best first. */
  readonly sortlist: readonly Cidr[];
  /** Where host addresses are looked for, in order. */
  readonly lookup: readonly ('file' | 'bind')[];
  /** Lines that mean nothing to us, as written; for a notice. */
  readonly ignored: readonly string[];
}

const DNS_PORT = 53;
const MOST_SERVERS = 8;
const MOST_SEARCH = 32;
/** What libc uses when the file is missing or names no server. */
const LOCAL: NameServer = { ip: '127.0.0.1', port: DNS_PORT };
/** Options that change nothing here. */
const HARMLESS = /^(?:edns0|debug|inet6|no-check-names|single-request(?:-reopen)?|no-tld-query|no-reload|insecure[12])$/;

/** Reads the text; never fails: what cannot be understood is listed. Numbers are held in libc's bounds. */
export function parseResolvConf(text: string): ResolvConf {
  const servers: NameServer[] = [];
  const ignored: string[] = [];
  const sortlist: Cidr[] = [];
  const options = { ndots: 1, timeoutSeconds: 5, attempts: 2, rotate: false, tcpOnly: false, trustAd: false };
  let search: readonly string[] = [];
  let lookup: readonly ('file' | 'bind')[] = ['file', 'bind'];
  for (const raw of text.split('\n')) {
    const line = raw.replace(/[#;].*$/, '').trim();
    if (line === '') continue;
    const [key = '', ...values] = line.split(/\s+/);
    if (key === 'nameserver') {
      const server = parseServer(values[0] ?? '');
      if (server && servers.length < MOST_SERVERS) servers.push(server);
      else ignored.push(line);
    } else if (key === 'domain' || key === 'search') {
      const names = values.map(normalizeName);
      // As in libc the last of the two lines wins.
      search = names.filter((name) => name !== undefined && name !== '').slice(0, key === 'domain' ? 1 : MOST_SEARCH) as string[];
      if (names.includes(undefined)) ignored.push(line);
    } else if (key === 'sortlist') {
      for (const value of values) {
        const network = parseSortEntry(value);
        if (network) sortlist.push(network);
        else ignored.push(`sortlist ${value}`);
      }
    } else if (key === 'lookup') {
      const order = values.flatMap(parseLookup);
      if (order.length > 0) lookup = [...new Set(order)];
      else ignored.push(line);
    } else if (key === 'options') {
      for (const value of values) if (!applyOption(options, value)) ignored.push(`options ${value}`);
    } else ignored.push(line);
  }
  return { servers: servers.length > 0 ? servers : [LOCAL], search, ...options, sortlist, lookup, ignored };
}

/** `192.0.2.1`, `2001:db8::1`, `fe80::1%eth0`, and with a port `192.0.2.1:5353` or `[2001:db8::1]:5353`. */
function parseServer(text: string): NameServer | undefined {
  if (isIP(text) !== 0) return { ip: text, port: DNS_PORT };
  const parts = /^(?:\[([^\]]+)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(text);
  const ip = parts?.[1] ?? parts?.[2] ?? '';
  const port = Number(parts?.[3] ?? DNS_PORT);
  return isIP(ip) !== 0 && port > 0 && port < 65536 ? { ip, port } : undefined;
}

/** `130.155.160.0/255.255.240.0`, `10.0.0.0/8`, or a classful network alone. */
function parseSortEntry(text: string): Cidr | undefined {
  const [ip = '', mask] = text.split('/');
  if (mask?.includes('.')) {
    const bits = parseIp(mask)?.reduce((sum, octet) => sum + octet.toString(2).replace(/0/g, '').length, 0);
    return bits === undefined ? undefined : parseCidr(`${ip}/${bits}`);
  }
  if (mask !== undefined) return parseCidr(text);
  const first = Number(ip.split('.')[0]);
  return isIP(ip) === 4 ? parseCidr(`${ip}/${first < 128 ? 8 : first < 192 ? 16 : 24}`) : parseCidr(ip);
}

/** `file`, `bind`, or the letters in a row: `bf`, `fb`. */
function parseLookup(word: string): ('file' | 'bind')[] {
  if (word === 'file' || word === 'bind') return [word];
  return /^[bf]{1,2}$/.test(word) ? [...word].map((letter) => (letter === 'f' ? 'file' : 'bind')) : [];
}

interface Options {
  ndots: number;
  timeoutSeconds: number;
  attempts: number;
  rotate: boolean;
  tcpOnly: boolean;
  trustAd: boolean;
}

function applyOption(options: Options, text: string): boolean {
  const [name = '', digits] = text.split(':');
  const value = digits !== undefined && /^\d{1,6}$/.test(digits) ? Number(digits) : undefined;
  if (name === 'ndots' && value !== undefined) options.ndots = Math.min(15, value);
  else if ((name === 'timeout' || name === 'retrans') && value !== undefined) options.timeoutSeconds = Math.min(30, Math.max(1, value));
  else if ((name === 'attempts' || name === 'retry') && value !== undefined) options.attempts = Math.min(5, Math.max(1, value));
  else if (text === 'rotate') options.rotate = true;
  else if (text === 'use-vc' || text === 'usevc') options.tcpOnly = true;
  else if (text === 'trust-ad') options.trustAd = true;
  else return HARMLESS.test(text);
  return true;
}
