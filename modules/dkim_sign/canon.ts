/** Canonical forms of header fields (RFC 6376 3.4.1, 3.4.2), octet for octet in latin1. */

export type Canon = 'simple' | 'relaxed';

const FOLD = /\r\n(?=[ \t])/g;
const BLANKS = /[ \t]+/g;

/** A field with its CRLF, as it goes into the hash. `simple` is the field as it stands. */
export function canonField(raw: string, canon: Canon): string {
  return canon === 'simple' ? raw : `${relaxField(raw.endsWith('\r\n') ? raw.slice(0, -2) : raw)}\r\n`;
}

/** A field without its last CRLF in relaxed form. */
export function relaxField(field: string): string {
  const colon = field.indexOf(':');
  const name = (colon < 0 ? field : field.slice(0, colon)).toLowerCase().replace(/[ \t]+$/, '');
  // Not trim(): it would take octet A0 away, which stands for nothing here but itself.
  const value = field
    .slice(colon + 1)
    .replace(FOLD, '')
    .replace(BLANKS, ' ')
    .replace(/^ | $/g, '');
  return `${name}:${value}`;
}
