/** Domain names as DNS takes them: lower case, no final dot, A-labels. */
import { domainToASCII } from 'node:url';

/** RFC 1035 2.3.4; the text form has two octets less than the wire form. */
const LONGEST_NAME = 253;
const LONGEST_LABEL = 63;
const PRINTABLE = /^[\x21-\x7e]+$/;
/** What is turned to A-labels: the conversion drops control characters and decodes percent signs, so none may stand. */
const INTERNATIONAL = /^(?:[A-Za-z0-9._-]|[^\0-\x7f])+$/;
/** Letters, digits, hyphens, and the underscore that the world has. */
const HOST_NAME = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;
/** A name that ends in a number is a mistyped address (RFC 3696 2). */
const NUMBER_LAST = /(?:^|\.)\d+$/;

/** The name to ask for, '' for the root; undefined when the text can be no name. */
export function normalizeName(text: string): string | undefined {
  const bare = text.endsWith('.') ? text.slice(0, -1) : text;
  if (bare === '') return text === '.' ? '' : undefined;
  if (bare.length > LONGEST_NAME) return undefined;
  const ascii = PRINTABLE.test(bare) ? bare.toLowerCase() : INTERNATIONAL.test(bare) ? domainToASCII(bare) : '';
  if (ascii === '' || ascii.length > LONGEST_NAME || !PRINTABLE.test(ascii)) return undefined;
  return ascii.split('.').every((label) => label !== '' && label.length <= LONGEST_LABEL) ? ascii : undefined;
}

/** True for a normalized name that may be the name of a host (RFC 1123 2.1, and underscores). */
export const isHostName = (name: string): boolean => HOST_NAME.test(name) && !NUMBER_LAST.test(name);

/** True for what looks like an address where a host name should be: only a module can make sense of it. */
export const looksLikeAddress = (name: string): boolean => NUMBER_LAST.test(name) || name.includes(':');

/** Dots in a name, for ndots. */
export const countDots = (name: string): number => name.split('.').length - 1;
