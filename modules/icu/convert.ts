/** Between octets of any character set and text. Pure; nothing here throws. */
import iconv from 'iconv-lite';
import { mendHalves } from './halves.js';
import { decodeIso2022Jp, encodeIso2022Jp } from './iso-2022-jp.js';
import { findWay } from './labels.js';
import { decodeUtf7, encodeUtf7 } from './utf-7.js';

/** Octets as text; undefined for a set that is not known. U+FFFD stands for what is no character. */
export function toUtf8(bytes: Uint8Array, charset: string): string | undefined {
  const way = findWay(charset);
  if (!way) return undefined;
  if ('own' in way) return way.own === 'utf-7' ? decodeUtf7(bytes) : decodeIso2022Jp(bytes);
  // Without a mark UTF-16 and UTF-32 are big-endian (RFC 2781 3.3, 4.3).
  return mendHalves(iconv.decode(bytes, way.table, { defaultEncoding: /^utf32/.test(way.table) ? 'utf32be' : 'utf16be' }));
}

/** Text as octets; undefined for a set that is not known. `?` stands for what the set does not have. */
export function fromUtf8(text: string, charset: string): Buffer | undefined {
  const way = findWay(charset);
  if (!way) return undefined;
  const whole = mendHalves(text);
  if ('own' in way) return way.own === 'utf-7' ? encodeUtf7(whole) : encodeIso2022Jp(whole);
  return iconv.encode(whole, way.table);
}

const LATIN_1 = /^(?:iso[-_]?8859-?1|latin-?1|us-ascii|ascii)$/i;
const C1 = /[\u0080-\u009f]/;

/** As mail readers do: what calls itself ISO 8859-1 and has octets 0x80 to 0x9f is Windows-1252. */
export function readAsMail(bytes: Uint8Array, charset: string): string | undefined {
  const text = toUtf8(bytes, charset);
  return text !== undefined && LATIN_1.test(charset) && C1.test(text) ? toUtf8(bytes, 'windows-1252') : text;
}
