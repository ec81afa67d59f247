/** Authentication-Results (RFC 8601): ours is put on, and what others wrote under our name is taken off. */
import { formatField, Headers } from '../mail/headers.js';

const NAME = 'authentication-results';
const ANY = /(?:^|\n)authentication-results[ \t]*:/i;
/** Comments and blanks (no comment in a comment: an attacker gains nothing by one, the field goes then too). */
const COMMENT = /^(?:\s|\([^()]*\))+/;
const SERVICE = /^(?:"((?:[^"\\]|\\.)*)"|([^\s;()"]+))/;
const PLAIN_VALUE = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~@-]+$/;

/** The field for a login, with CRLF. */
export function formatLogin(host: string, user: string): string {
  const shown = PLAIN_VALUE.test(user) ? user : `"${user.replace(/["\\]/g, '\\$&').replace(/\p{Cc}/gu, '?')}"`;
  return formatField('Authentication-Results', `${host}; auth=pass smtp.auth=${shown}`);
}

/** Who says to have written a field; undefined when it cannot be told. */
function authorOf(raw: Buffer): string | undefined {
  const text = raw
    .toString('utf8')
    .replace(/^[^:]*:/, '')
    .replace(/\r?\n/g, '')
    .replace(COMMENT, '');
  const found = SERVICE.exec(text);
  return (found?.[1]?.replace(/\\(.)/g, '$1') ?? found?.[2])?.toLowerCase();
}

/**
 * Headers without fields that claim to be from one of `names`, or from nobody that can be read, and with our own for the
 * user. It goes below Return-Path, which stays the first, and above our Received. The very same headers when there is nothing to do.
 */
export function markLogin(headers: Headers, host: string, names: readonly string[], user: string | undefined): Headers {
  const block = headers.bytes();
  const claimed = ANY.test(block.toString('latin1'));
  if (!claimed && user === undefined) return headers;
  const ours = new Set(names.map((name) => name.toLowerCase()));
  const kept = headers
    .fields()
    .filter(({ name, raw }) => name !== NAME || !(claimed && ours.has(authorOf(raw) ?? host.toLowerCase())))
    .map(({ raw }) => raw);
  if (user !== undefined) {
    const below = kept[0] && /^return-path:/i.test(kept[0].toString('latin1', 0, 12)) ? 1 : 0;
    kept.splice(below, 0, Buffer.from(formatLogin(host, user), 'utf8'));
  }
  return new Headers(Buffer.concat([...kept, Buffer.from('\r\n', 'latin1')]));
}
