/** UTF-7 (RFC 2152), as old mail and some notices still carry it. Pure. */
import { mendHalves } from './halves.js';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const VALUES: ReadonlyMap<number, number> = new Map([...ALPHABET].map((letter, value) => [letter.charCodeAt(0), value]));
/** Characters that stand for themselves: sets D and O of the RFC and white space. */
const DIRECT = /^[\t\r\n -*,-[\]-}]$/;
/** Behind these a shift needs its minus. */
const CONTINUES = /^[A-Za-z0-9+/-]$/;
const PLUS = 0x2b;
const MINUS = 0x2d;
const REPLACEMENT = '\ufffd';

/** Octets as text. What is no UTF-7 becomes U+FFFD: octets above 127, a shift that leads nowhere, bits left over, halves of pairs. */
export function decodeUtf7(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at++) {
    const octet = bytes[at] ?? 0;
    if (octet > 0x7f) text += REPLACEMENT;
    else if (octet !== PLUS) text += String.fromCharCode(octet);
    else if (bytes[at + 1] === MINUS) {
      text += '+';
      at++;
    } else {
      const end = endOfShift(bytes, at + 1);
      text += decodeShift(bytes.subarray(at + 1, end));
      // The minus that ends a shift belongs to it; anything else stands for itself.
      at = bytes[end] === MINUS ? end : end - 1;
    }
  }
  return mendHalves(text);
}

function endOfShift(bytes: Uint8Array, from: number): number {
  let end = from;
  while (end < bytes.length && VALUES.has(bytes[end] ?? 0)) end++;
  return end;
}

/** Base64 of UTF-16 in big-endian order, without padding. */
function decodeShift(letters: Uint8Array): string {
  if (letters.length === 0) return REPLACEMENT;
  let text = '';
  let bits = 0;
  let count = 0;
  for (const letter of letters) {
    bits = (bits << 6) | (VALUES.get(letter) ?? 0);
    count += 6;
    if (count < 16) continue;
    count -= 16;
    text += String.fromCharCode(bits >>> count);
    bits &= (1 << count) - 1;
  }
  return count >= 6 || bits !== 0 ? text + REPLACEMENT : text;
}

/** Text as octets: what has to be shifted is, with a minus behind a shift where the RFC asks for one, and at the end. */
export function encodeUtf7(text: string): Buffer {
  let out = '';
  let shifted = '';
  const flush = (next: string): void => {
    if (shifted === '') return;
    out += `+${Buffer.from(shifted, 'utf16le').swap16().toString('base64').replace(/=+$/, '')}`;
    if (next === '' || CONTINUES.test(next)) out += '-';
    shifted = '';
  };
  for (let at = 0; at < text.length; at++) {
    const unit = text.charAt(at);
    if (unit === '+' && shifted === '') out += '+-';
    else if (DIRECT.test(unit)) {
      flush(unit);
      out += unit;
    } else shifted += unit;
  }
  flush('');
  return Buffer.from(out, 'latin1');
}
