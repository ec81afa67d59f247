/** What a trusted client tells of the one behind it, read from XCLIENT, XFORWARD, XREMOTEIP and XSETCONTEXT lines. Pure. */
import { canonicalIp } from '../../kernel/cidr.js';
import { decodeXtext } from '../../mail/xtext.js';
import { isHeloName } from './verbs.js';

/** Extensions that only those have whom `smtp_extensions` names them for, with what EHLO says of them. */
export const TRUSTED_EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ['XCLIENT', 'NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT'],
  ['XFORWARD', 'NAME ADDR PORT PROTO HELO IDENT SOURCE'],
  ['XREMOTEIP', ''],
  ['XSETCONTEXT', ''],
  ['XDUMPCONTEXT', ''],
]);

const TRUSTED_VERB = /^(XCLIENT|XFORWARD|XREMOTEIP|XSETCONTEXT|XDUMPCONTEXT|PROXY)(?: |$)/i;

/** The verb in capitals when a line needs trust, otherwise undefined. */
export const trustedVerbOf = (line: string): string | undefined => TRUSTED_VERB.exec(line)?.[1]?.toUpperCase();

/** `null`: the one who tells does not know. */
export type Told = string | null;

const XCLIENT_NAMES = new Set(['NAME', 'ADDR', 'PORT', 'PROTO', 'HELO', 'LOGIN', 'DESTADDR', 'DESTPORT']);
const XFORWARD_NAMES = new Set(['NAME', 'ADDR', 'PORT', 'PROTO', 'HELO', 'IDENT', 'SOURCE']);
const UNKNOWN = new Set(['[UNAVAILABLE]', '[TEMPUNAVAIL]']);
const LONGEST = 255;
const PORT = /^(?:0|[1-9]\d{0,4})$/;
const NAME = /^[\x21-\x7e]+$/;

/** Attributes of XCLIENT by name; undefined when one is unknown, twice there, or cannot be. Addresses come without `IPV6:`. */
export const readXclient = (line: string): ReadonlyMap<string, Told> | undefined => readAttributes(line, XCLIENT_NAMES);

/** Attributes of XFORWARD. */
export const readXforward = (line: string): ReadonlyMap<string, Told> | undefined => readAttributes(line, XFORWARD_NAMES);

function readAttributes(line: string, names: ReadonlySet<string>): ReadonlyMap<string, Told> | undefined {
  const found = new Map<string, Told>();
  for (const word of line.split(' ').slice(1)) {
    if (word === '') continue;
    const equals = word.indexOf('=');
    const name = word.slice(0, equals).toUpperCase();
    if (equals < 1 || !names.has(name) || found.has(name)) return undefined;
    const value = readValue(name, word.slice(equals + 1));
    if (value === undefined) return undefined;
    found.set(name, value);
  }
  return found.size > 0 ? found : undefined;
}

function readValue(name: string, given: string): Told | undefined {
  if (UNKNOWN.has(given.toUpperCase())) return null;
  const text = decodeXtext(given);
  if (text === undefined || text.length > LONGEST) return undefined;
  if (text === '') return null;
  switch (name) {
    case 'ADDR':
    case 'DESTADDR':
      return readAddress(text);
    case 'PORT':
    case 'DESTPORT':
      return PORT.test(text) && Number(text) <= 65_535 ? text : undefined;
    case 'PROTO':
      return /^E?SMTP$/i.test(text) ? text.toLowerCase() : undefined;
    case 'SOURCE':
      return /^(?:LOCAL|REMOTE)$/i.test(text) ? text.toUpperCase() : undefined;
    case 'HELO':
      return isHeloName(text) ? text : undefined;
    default:
      return NAME.test(text) ? text : undefined;
  }
}

/** An address as XCLIENT and XREMOTEIP write it; undefined when it is none. */
export const readAddress = (text: string): string | undefined => canonicalIp(/^IPV6:/i.test(text) ? text.slice(5) : text);

const KEY = /^[A-Za-z0-9_.:-]{1,64}$/;

/** Pairs of XSETCONTEXT; undefined when a key is none (those of the core begin with # and cannot be set) or a value no xtext. */
export function readContext(line: string): ReadonlyMap<string, string> | undefined {
  const found = new Map<string, string>();
  for (const word of line.split(' ').slice(1)) {
    if (word === '') continue;
    const equals = word.indexOf('=');
    const key = word.slice(0, Math.max(0, equals));
    const value = decodeXtext(word.slice(equals + 1));
    if (!KEY.test(key) || value === undefined) return undefined;
    found.set(key, value);
  }
  return found.size > 0 ? found : undefined;
}
