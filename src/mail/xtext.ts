/** xtext (RFC 3461 4): how ENVID, ORCPT and AUTH carry any octet in an ESMTP parameter. */

const PLAIN = /^[!-*,-<>-~]*$/;
const ENCODED = /^(?:[!-*,-<>-~\u0080-\u{10ffff}]|\+[0-9A-F]{2})*$/u;
const CONTROL = /\p{Cc}/u;

/** Encodes what may not stand as it is; beyond ASCII, the octets of UTF-8. */
export function encodeXtext(text: string): string {
  if (PLAIN.test(text)) return text;
  let encoded = '';
  for (const octet of Buffer.from(text, 'utf8')) {
    const char = String.fromCharCode(octet);
    encoded += octet < 0x80 && PLAIN.test(char) ? char : `+${octet < 0x10 ? '0' : ''}${octet.toString(16).toUpperCase()}`;
  }
  return encoded;
}

/**
 * Decodes; undefined when the text is no xtext, hides octets that are no UTF-8, or hides a control character, which could break
 * a line later. Characters beyond ASCII may stand as they are (RFC 6533 3).
 */
export function decodeXtext(text: string): string | undefined {
  if (!ENCODED.test(text)) return undefined;
  if (!text.includes('+')) return CONTROL.test(text) ? undefined : text;
  const octets = Buffer.from(text, 'utf8')
    .toString('latin1')
    .replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const decoded = Buffer.from(octets, 'latin1').toString('utf8');
  return CONTROL.test(decoded) || decoded.includes('\ufffd') ? undefined : decoded;
}
