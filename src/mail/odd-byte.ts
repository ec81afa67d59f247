/** Finds the next octet that a mail scanner has to look at: control characters below 0x0e, and octets above 0x7f while wanted. */

/** Four octets at a time over the aligned middle of a chunk. */
export class OddByteSearch {
  #bytes: Uint8Array = new Uint8Array(0);
  #words: Uint32Array = new Uint32Array(0);
  /** Index in `#bytes` of the first word, and the index behind the last. */
  #first = 0;
  #end = 0;

  /** Sets the chunk to search in. */
  load(bytes: Uint8Array): void {
    this.#bytes = bytes;
    const skew = (4 - (bytes.byteOffset & 3)) & 3;
    const words = Math.floor((bytes.length - skew) / 4);
    if (words < 8) {
      this.#first = this.#end = bytes.length;
      return;
    }
    this.#words = new Uint32Array(bytes.buffer, bytes.byteOffset + skew, words);
    this.#first = skew;
    this.#end = skew + words * 4;
  }

  /** Index of the next odd octet from `from` on, or the length of the chunk. */
  next(from: number, eightBit: boolean): number {
    const bytes = this.#bytes;
    const n = bytes.length;
    const high = eightBit ? 0x80808080 : 0;
    const limit = eightBit ? 0x80 : 0x100;
    let i = from;
    // Short runs are common at line starts; walk to the next word border first.
    const border = i < this.#first ? this.#first : i + ((4 - ((i - this.#first) & 3)) & 3);
    for (const stop = Math.min(border, n); i < stop; i++) {
      const c = bytes[i] as number;
      if (c < 0x0e || c >= limit) return i;
    }
    if (i < this.#end) {
      const words = this.#words;
      const last = (this.#end - this.#first) >>> 2;
      let w = (i - this.#first) >>> 2;
      for (; w < last; w++) {
        const x = words[w] as number;
        // A borrow leaves its mark in the high bit of each octet that is below 0x0e.
        if ((((x - 0x0e0e0e0e) & ~x & 0x80808080) | (x & high)) !== 0) break;
      }
      i = this.#first + w * 4;
    }
    for (; i < n; i++) {
      const c = bytes[i] as number;
      if (c < 0x0e || c >= limit) return i;
    }
    return n;
  }
}
