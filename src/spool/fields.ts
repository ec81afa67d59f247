/** Tagged fields: a tag, a length, octets. Readers keep their way past tags they do not know, so the format can grow. */

const HEAD = 5;

/** Writes fields into one growing buffer; reused for every record. */
export class FieldWriter {
  #bytes = Buffer.allocUnsafe(16_384);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
  }

  /** A copy of what was written. */
  take(): Buffer {
    const copy = Buffer.allocUnsafe(this.#length);
    this.#bytes.copy(copy, 0, 0, this.#length);
    this.#length = 0;
    return copy;
  }

  text(tag: number, value: string): void {
    const at = this.#room(HEAD + value.length * 3);
    const n = this.#bytes.write(value, at + HEAD, 'utf8');
    this.#head(tag, at, n);
  }

  octets(tag: number, value: Uint8Array): void {
    const at = this.#room(HEAD + value.length);
    this.#bytes.set(value, at + HEAD);
    this.#head(tag, at, value.length);
  }

  u32(tag: number, value: number): void {
    const at = this.#room(HEAD + 4);
    this.#bytes.writeUInt32BE(value >>> 0, at + HEAD);
    this.#head(tag, at, 4);
  }

  /** A number beyond 32 bits, such as wall milliseconds. */
  f64(tag: number, value: number): void {
    const at = this.#room(HEAD + 8);
    this.#bytes.writeDoubleBE(value, at + HEAD);
    this.#head(tag, at, 8);
  }

  /** Fields inside a field: answers where it began, for `end`. */
  begin(tag: number): number {
    const at = this.#room(HEAD);
    this.#bytes[at] = tag;
    this.#length = at + HEAD;
    return at;
  }

  end(at: number): void {
    this.#bytes.writeUInt32BE(this.#length - at - HEAD, at + 1);
  }

  #head(tag: number, at: number, length: number): void {
    this.#bytes[at] = tag;
    this.#bytes.writeUInt32BE(length, at + 1);
    this.#length = at + HEAD + length;
  }

  #room(more: number): number {
    const needed = this.#length + more;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    return this.#length;
  }
}

/** Goes through fields. Throws RangeError when one reaches over the end. */
export function* readFields(
  bytes: Buffer,
  from = 0,
  to = bytes.length,
): Generator<{ readonly tag: number; readonly from: number; readonly to: number }> {
  for (let at = from; at < to; ) {
    const end = at + HEAD + bytes.readUInt32BE(at + 1);
    if (end > to) throw new RangeError('a field is cut short');
    yield { tag: bytes[at] as number, from: at + HEAD, to: end };
    at = end;
  }
}
