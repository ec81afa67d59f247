/** Counts over a content that may be any octets: what of it no line can hold, and how long it would be in quoted-printable. */

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
const EQUALS = 0x3d;

export class OctetCount {
  /** There is a lone CR, a lone LF or a NUL. */
  isRaw = false;
  isEightBit = false;
  /** Octets that quoted-printable has to escape. */
  escapes = 0;

  clear(): void {
    this.isRaw = this.isEightBit = false;
    this.escapes = 0;
  }

  /** `before`: the octet before the chunk. */
  add(chunk: Buffer, from: number, to: number, before: number): void {
    let previous = from > 0 ? (chunk[from - 1] as number) : before;
    let count = 0;
    for (let i = from; i < to; i++) {
      const octet = chunk[i] as number;
      if ((previous === CR) !== (octet === LF) || octet === 0) {
        this.isRaw = true;
        count++;
      } else if (octet > 0x7e || octet === EQUALS || (octet < SPACE && octet !== TAB && octet !== CR && octet !== LF)) count++;
      if (octet > 0x7f) this.isEightBit = true;
      previous = octet;
    }
    this.escapes += count;
  }
}
