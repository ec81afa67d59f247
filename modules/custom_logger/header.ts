/** The value of a header field as text, whatever character set it is written in. */
import type { Headers } from '#module';
import type { Charsets } from '../icu/api.js';

const FOLD = /\r?\n(?=[ \t])/g;

/** The first field of that name; empty when there is none. `assumed` names the set of octets that name none. */
export function readHeader(headers: Headers, name: string, charsets: Charsets, assumed: () => string): string {
  const value = headers.get(name);
  if (value === undefined) return '';
  // Octets that are no UTF-8 have been replaced: the field is read again as it came.
  if (value.includes('\ufffd')) return charsets.decodeValue(octetsOf(headers, name), assumed()).text;
  return value.includes('=?') ? charsets.decodeWords(value).text : value;
}

function octetsOf(headers: Headers, name: string): Buffer {
  const wanted = name.toLowerCase();
  const raw = headers.fields().find((field) => field.name === wanted)?.raw ?? Buffer.alloc(0);
  const text = raw.toString('latin1', raw.indexOf(0x3a) + 1);
  return Buffer.from(text.replace(FOLD, '').trim(), 'latin1');
}
