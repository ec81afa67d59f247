/** Kinds of option whose value is an address, a network, a domain pattern, a path or a regular expression. */
import { isIPv4, isIPv6 } from 'node:net';
import { parseCidr } from '../../kernel/cidr.js';
import { GlobSet } from '../glob.js';
import { Networks } from '../networks.js';
import { declareKind, OptionError, type Raw } from '../option.js';
import { quote, quoteAlways } from '../quote.js';
import { parseSocketAddress, printSocketAddress, type SocketAddress } from '../socket-address.js';
import { itemsOf, printItems } from './items.js';
import { textOf } from './text.js';

/** An address without a port, brackets taken off. */
export const ip = declareKind<string>({
  type: 'address',
  parse(raw) {
    const text = textOf(raw).replace(/^\[(.*)\]$/, '$1');
    if (!isIPv4(text) && !isIPv6(text)) throw new OptionError(`"${text}" is not an IP address.`);
    return text;
  },
  print: quote,
});

/** A socket address; `port` stands in where none is written. */
export const socket = declareKind<SocketAddress, { port?: number }>({
  type: 'socket address',
  parse(raw, given) {
    const address = parseSocketAddress(textOf(raw), given.port);
    if (typeof address === 'string') throw new OptionError(address);
    return Object.freeze(address);
  },
  print: (value) => quoteAlways(printSocketAddress(value)),
});

/** A list of networks. */
export const cidrs = declareKind<Networks>({
  type: 'list of networks',
  parse: (raw) =>
    new Networks(
      itemsOf(raw).map((item, i) => {
        if (parseCidr(item)) return item;
        const hint = /^\[.*\]$/.test(item) ? 'Here IPv6 stands without brackets.' : 'Write an address or a network such as 10.0.0.0/8.';
        throw new OptionError(`"${item}" is neither an address nor a network.`, { hint, path: [i] });
      }),
    ),
  print: (value) => printItems(value.texts),
});

/** A list of domain patterns; a star only at the left. */
export const globs = declareKind<GlobSet>({
  type: 'list of domain patterns',
  parse: (raw) =>
    new GlobSet(
      itemsOf(raw).map((item, i) => {
        if (item.lastIndexOf('*') <= 0) return item;
        throw new OptionError(`"${item}" has a star that is not at its beginning.`, {
          hint: 'Only patterns such as *.example.com are possible.',
          path: [i],
        });
      }),
    ),
  print: (value) => printItems(value.patterns),
});

function parsePath(raw: Raw): string {
  const text = textOf(raw);
  if (text === '' || text.includes('\0')) throw new OptionError('A path is wanted.');
  return text;
}

/** The path of a file or folder. */
export const path = declareKind<string>({ type: 'path', parse: parsePath, print: quoteAlways });

/** A path, or `none`: no file, and no search in wider scopes either. */
export const pathOrNone = declareKind<string>({
  type: 'path | none',
  parse: (raw) => (typeof raw === 'string' && /^none$/i.test(raw) ? 'none' : parsePath(raw)),
  print: (value) => (value === 'none' ? value : quoteAlways(value)),
});

/** A URI: a scheme, then `://`. */
export const url = declareKind<string, { schemes?: readonly string[] }>({
  type: 'URI',
  parse(raw, { schemes }) {
    const text = textOf(raw);
    const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
    if (scheme === undefined) throw new OptionError(`"${text}" is not a URI.`);
    if (schemes && !schemes.includes(scheme)) throw new OptionError(`The scheme must be one of ${schemes.join(', ')}.`);
    return text;
  },
  print: quoteAlways,
});

/** Compiles a pattern, with or without slashes; `(?i)` in front makes case not matter. Throws OptionError. */
export function compilePattern(text: string): RegExp {
  const inner = text.length >= 2 && text.startsWith('/') && text.endsWith('/') ? text.slice(1, -1) : text;
  const [flag, pattern] = inner.startsWith('(?i)') ? ['i', inner.slice(4)] : ['', inner];
  if (pattern === '') throw new OptionError('The regular expression is empty: it would match everything.', { regex: true });
  try {
    return new RegExp(pattern, flag);
  } catch (error) {
    const why = String((error as Error).message).replace(/^Invalid regular expression: (\/.*\/[a-z]*: )?/s, '');
    throw new OptionError(`The regular expression does not compile: ${why}.`, { regex: true });
  }
}

/** How a compiled pattern is written. */
export const printPattern = (value: RegExp): string =>
  quoteAlways(`/${value.flags.includes('i') ? '(?i)' : ''}${value.source.replace(/\\\//g, '/')}/`);

export const regex = declareKind<RegExp>({ type: 'regular expression', parse: (raw) => compilePattern(textOf(raw)), print: printPattern });
