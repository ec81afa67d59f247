/** Message ids between text and 8 octets, on the hot path: digit by digit, without patterns. */
import { encodeId, formatId } from '../kernel/ids.js';

const DIGIT = new Int8Array(128).fill(-1);
for (let i = 0; i < 16; i++) {
  DIGIT['0123456789ABCDEF'.charCodeAt(i)] = i;
  DIGIT['0123456789abcdef'.charCodeAt(i)] = i;
}
/** Places of the hexadecimal digits, most significant first: the text has them in reverse. */
const SLOT = [19, 18, 17, 16, 15, 14, 13, 12];
const COUNTER = [4, 3, 1, 0];

/** Writes an id as 8 octets. Throws RangeError when the text is no id. */
export function writeId(text: string, into: Buffer, at: number): void {
  let bad = text.length === 20 ? 0 : -1;
  let slot = 0;
  for (const i of SLOT) {
    const digit = DIGIT[text.charCodeAt(i)] ?? -1;
    bad |= digit;
    slot = (slot << 4) | digit;
  }
  let counter = 0;
  for (const i of COUNTER) {
    const digit = DIGIT[text.charCodeAt(i)] ?? -1;
    bad |= digit;
    counter = (counter << 4) | digit;
  }
  let incarnation = 0;
  for (let i = 6; i < 11; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    bad |= digit | (9 - digit);
    incarnation = incarnation * 10 + digit;
  }
  if (bad < 0 || incarnation > 0xffff) {
    encodeId(text, into, at);
    return;
  }
  into.writeUInt32BE(slot >>> 0, at);
  into.writeUInt32BE(((incarnation << 16) | counter) >>> 0, at + 4);
}

/** Text form of the two halves of an id. */
export const idText = (high: number, low: number): string => formatId({ slot: high, incarnation: low >>> 16, counter: low & 0xffff });
