/** Envelope addresses (RFC 5321 4.1.2, RFC 6531): strict to read, cheap to carry. */

export class Address {
  /** As on the wire, quotes included. */
  readonly local: string;
  /** Lower case; `[192.0.2.1]` or `[IPv6:…]` for a literal; empty for a bare local part. */
  readonly domain: string;

  constructor(local: string, domain: string) {
    this.local = local;
    this.domain = domain;
  }

  /** The local part without quotes and backslashes: what it means, to compare and to show. */
  get localMeaning(): string {
    return this.local.startsWith('"') ? this.local.slice(1, -1).replace(/\\(.)/gs, '$1') : this.local;
  }

  toString(): string {
    return this.domain === '' ? this.local : `${this.local}@${this.domain}`;
  }

  get isLiteral(): boolean {
    return this.domain.startsWith('[');
  }

  /** Needs SMTPUTF8 at the next hop (RFC 6531). */
  get isInternational(): boolean {
    return NON_ASCII.test(this.local) || NON_ASCII.test(this.domain);
  }
}

export interface PathRules {
  /** Dots at the ends of a local part, or two in a row, are errors. */
  readonly pedantic: boolean;
  /** `user@[192.0.2.1]` may stand. */
  readonly literals: boolean;
  /** Blanks between the brackets and the address are dropped. */
  readonly whitespace: boolean;
  /** Octets above 0x7f may stand (the client said SMTPUTF8). */
  readonly international: boolean;
}

export type PathError = 'syntax' | 'too long' | 'literal' | 'not ascii' | 'bad utf-8';

export type Path = { readonly address: Address | null; readonly rest: string } | { readonly error: PathError };

const NON_ASCII = /[^\0-\x7f]/;
/** Whole common case in one go: plain local part, plain domain, closing bracket. */
const PLAIN =
  /^<([A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?:\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*)@([A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*)>(?: (.*))?$/;
const ATEXT = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.\u0080-\u{10ffff}]+$/u;
const LABELS =
  /^(?:[A-Za-z0-9\u0080-\u{10ffff}_](?:[A-Za-z0-9_\u0080-\u{10ffff}-]*[A-Za-z0-9_\u0080-\u{10ffff}])?)(?:\.[A-Za-z0-9\u0080-\u{10ffff}_](?:[A-Za-z0-9_\u0080-\u{10ffff}-]*[A-Za-z0-9_\u0080-\u{10ffff}])?)*$/u;
const LITERAL = /^\[(?:(?:\d{1,3}\.){3}\d{1,3}|IPv6:[0-9A-Fa-f:.]{2,45})\]$/i;

/** RFC 5321 4.5.3.1, and RFC 1035 2.3.4 for a label. A path may be longer than 256 octets by a source route, which is dropped. */
const LONGEST_LOCAL = 64;
const LONGEST_DOMAIN = 255;
const LONGEST_LABEL = 63;
const LONGEST_PATH = 1000;

/**
 * Reads a path and what follows it: `<a@b> SIZE=1` gives the address and `SIZE=1`. `<>` gives null. A source route
 * (`<@relay:a@b>`) is accepted and dropped, as RFC 5321 asks. A bare local part gives an address without a domain.
 */
export function parsePath(text: string, rules: PathRules): Path {
  const plain = PLAIN.exec(text);
  if (plain?.[1] && plain[2] && plain[1].length <= LONGEST_LOCAL && plain[2].length <= LONGEST_LABEL) {
    return { address: new Address(plain[1], plain[2].toLowerCase()), rest: plain[3] ?? '' };
  }
  return parseSlowly(text, rules);
}

function parseSlowly(text: string, rules: PathRules): Path {
  const trimmed = rules.whitespace ? text.trimStart() : text;
  if (!trimmed.startsWith('<')) return { error: 'syntax' };
  const close = findClose(trimmed);
  if (close < 0) return { error: 'syntax' };
  if (close > LONGEST_PATH) return { error: 'too long' };
  const after = trimmed.slice(close + 1);
  if (after !== '' && !after.startsWith(' ')) return { error: 'syntax' };
  const rest = after.slice(1);
  let inside = trimmed.slice(1, close);
  if (rules.whitespace) inside = inside.trim();
  if (inside === '') return { address: null, rest };
  if (inside.includes('\ufffd')) return { error: 'bad utf-8' };
  if (!rules.international && NON_ASCII.test(inside)) return { error: 'not ascii' };
  inside = dropRoute(inside);
  const address = parseAddress(inside, rules);
  return typeof address === 'string' ? { error: address } : { address, rest };
}

/** Index of the bracket that closes the path, outside quotes. */
function findClose(text: string): number {
  let quoted = false;
  for (let i = 1; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (quoted && c === 0x5c) i++;
    else if (c === 0x22) quoted = !quoted;
    else if (c === 0x3e && !quoted) return i;
  }
  return -1;
}

const dropRoute = (path: string): string => {
  if (!path.startsWith('@')) return path;
  const colon = path.indexOf(':');
  return colon < 0 ? path : path.slice(colon + 1);
};

/** Reads `local@domain` or a bare local part; answers what is wrong when it is none. */
export function parseAddress(text: string, rules: PathRules): Address | PathError {
  const at = text.startsWith('"') ? endOfQuoted(text) : text.lastIndexOf('@');
  if (at === undefined) return 'syntax';
  const local = at < 0 ? text : text.slice(0, at);
  const domain = at < 0 ? '' : text.slice(at + 1);
  if (Buffer.byteLength(local) > LONGEST_LOCAL || Buffer.byteLength(domain) > LONGEST_DOMAIN) return 'too long';
  if (!isLocal(local, rules.pedantic)) return 'syntax';
  if (at < 0 || (at === text.length && domain === '')) return at < 0 || local.startsWith('"') ? new Address(local, '') : 'syntax';
  if (domain.startsWith('[')) {
    if (!LITERAL.test(domain)) return 'syntax';
    return rules.literals ? new Address(local, domain) : 'literal';
  }
  const bare = domain.endsWith('.') ? domain.slice(0, -1) : domain;
  return LABELS.test(bare) && bare.split('.').every((label) => Buffer.byteLength(label) <= LONGEST_LABEL)
    ? new Address(local, bare.toLowerCase())
    : 'syntax';
}

/** Index of the @ behind a quoted local part; the length when nothing follows it; undefined when it is malformed. */
function endOfQuoted(text: string): number | undefined {
  for (let i = 1; i < text.length; i++) {
    const c = text.charAt(i);
    if (c === '\\') i++;
    else if (c === '"') return i + 1 === text.length || text.charAt(i + 1) === '@' ? i + 1 : undefined;
  }
  return undefined;
}

const QUOTED = /^"(?:[^"\\\p{Cc}]|\\[ -~])*"$/u;

function isLocal(local: string, pedantic: boolean): boolean {
  if (local === '') return false;
  if (local.startsWith('"')) return QUOTED.test(local);
  if (!ATEXT.test(local)) return false;
  return !pedantic || !(local.startsWith('.') || local.endsWith('.') || local.includes('..'));
}

/** Reads an address of the configuration or of a module: `local@domain`, literals and UTF-8 allowed. Undefined when it is none. */
export function toAddress(text: string): Address | undefined {
  const read = parseAddress(text, { pedantic: false, literals: true, whitespace: false, international: true });
  return typeof read === 'string' || read.domain === '' ? undefined : read;
}
