/** ISO-2022-JP (RFC 1468): read by Node's own decoder, written from the two-octet forms of EUC-JP. Pure. */
import iconv from 'iconv-lite';

const ASCII = [0x1b, 0x28, 0x42];
const JIS_X_0208 = [0x1b, 0x24, 0x42];
const QUESTION = 0x3f;

/** Octets as text; what is no character becomes U+FFFD. */
export const decodeIso2022Jp = (bytes: Uint8Array): string => new TextDecoder('iso-2022-jp', { ignoreBOM: true }).decode(bytes);

/** Text as octets: ASCII and JIS X 0208; the rest becomes `?`. Ends in ASCII, as the RFC asks. */
export function encodeIso2022Jp(text: string): Buffer {
  const out: number[] = [];
  let isWide = false;
  const change = (wide: boolean): void => {
    if (wide !== isWide) out.push(...(wide ? JIS_X_0208 : ASCII));
    isWide = wide;
  };
  for (const char of text) {
    const [high = QUESTION, low, more] = iconv.encode(char, 'euc-jp');
    // Two octets above 0xA0 are JIS X 0208; 0x8E and 0x8F lead to half-width kana and JIS X 0212.
    const wide = high >= 0xa1 && low !== undefined && more === undefined;
    change(wide);
    if (wide) out.push(high & 0x7f, low & 0x7f);
    else out.push(low === undefined && high < 0x80 ? high : QUESTION);
  }
  change(false);
  return Buffer.from(out);
}
