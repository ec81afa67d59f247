/** What icu does for others: text between octets and characters, encoded words, names of hosts. */
import type { Service } from '#module';

/** Text, and what could not be read of it. */
export interface Decoded {
  readonly text: string;
  /** A character set that is named and not known; what is in it stays as it is. */
  readonly unknown: string | undefined;
}

export interface Charsets {
  /** Octets of a character set as text: what is no character becomes U+FFFD. Undefined for a set that is not known. Never throws. */
  toUtf8(bytes: Uint8Array, charset: string): string | undefined;
  /** The octets of a text; what the set has no octets for becomes `?`. Undefined for a set that is not known. Never throws. */
  fromUtf8(text: string, charset: string): Buffer | undefined;
  knows(charset: string): boolean;
  /** Encoded words (RFC 2047) of a header value become text; blanks between two of them go. */
  decodeWords(value: string): Decoded;
  /** The octets of a header value, unfolded: UTF-8 where they are that, else in the `assumed` set; then its encoded words. */
  decodeValue(bytes: Uint8Array, assumed: string): Decoded;
  /** A host name in ASCII (IDNA, RFC 5890); undefined when it is none. */
  toAscii(domain: string): string | undefined;
  /** A host name in letters; what is no IDNA stays. */
  toUnicode(domain: string): string;
}

export const Icu: Service<Charsets> = { name: 'charsets', module: 'icu' };
