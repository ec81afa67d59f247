/** Names and passwords as octets: UTF-8 or nothing, prepared for comparison, compared in equal time. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { LONGEST_NAME } from './mechanism.js';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text of octets; undefined when they are no UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

const CONTROL = /\p{Cc}/u;

/** A name that may stand in logs and headers: not empty, not endless, no control characters. */
export const isUserName = (name: string): boolean => name !== '' && Buffer.byteLength(name) <= LONGEST_NAME && !CONTROL.test(name);

const TO_SPACE = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g;
const TO_NOTHING = /\u034f|[\u180b-\u180d]|[\ufe00-\ufe0f]|\u200d|[\u00ad\u1806\u200c\u2060\ufeff]/g;
const PROHIBITED =
  /[\u0340\u0341]|[\p{Cc}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u200e\u200f\u202a-\u202e\u206a-\u206f\ufff9-\ufffd\u2ff0-\u2ffb]/u;
const ASCII = /^[\x20-\x7e]*$/;

/** SASLprep (RFC 4013) without its rule about mixed directions: mapping, NFKC, prohibited characters. Undefined when one of these is in it. */
export function prepare(text: string): string | undefined {
  if (ASCII.test(text)) return text;
  const prepared = text.replace(TO_SPACE, ' ').replace(TO_NOTHING, '').normalize('NFKC');
  return PROHIBITED.test(prepared) ? undefined : prepared;
}

const sha256 = (bytes: string | Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** Whether two secrets are equal, in a time that does not depend on where they differ or on how long the kept one is. */
export const equalSecrets = (a: string | Uint8Array, b: string | Uint8Array): boolean => timingSafeEqual(sha256(a), sha256(b));

/** Whether a password is the one that is kept. */
export function isPassword(given: string, kept: string): boolean {
  return equalSecrets(prepare(given) ?? given, prepare(kept) ?? kept);
}
