/** Tagged fields: a tag, a length, octets. Readers keep their way past tags they do not know, so the format can grow. */

export const FIELD_HEAD = 5;

/** Writes fields into one growing buffer; reused for every record. */
export class FieldWriter {
  #bytes = Buffer.allocUnsafe(16_384);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Begins anew, leaving `room` octets free in front. */
  clear(room = 0): void {
    this.#length = room;
  }

  /** A copy of what was written. */
  take(): Buffer {
    const copy = Buffer.allocUnsafe(this.#length);
    this.#bytes.copy(copy, 0, 0, this.#length);
    this.#length = 0;
    return copy;
  }

  text(tag: number, value: string): void {
    const at = this.#room(FIELD_HEAD + value.length * 3);
    this.#head(tag, at, this.#bytes.write(value, at + FIELD_HEAD, 'utf8'));
  }

  octets(tag: number, value: Uint8Array): void {
    const at = this.#room(FIELD_HEAD + value.length);
    this.#bytes.set(value, at + FIELD_HEAD);
    this.#head(tag, at, value.length);
  }

  u32(tag: number, value: number): void {
    const at = this.#room(FIELD_HEAD + 4);
    this.#bytes.writeUInt32BE(value, at + FIELD_HEAD);
    this.#head(tag, at, 4);
  }

  /** A number beyond 32 bits, such as wall milliseconds. */
  f64(tag: number, value: number): void {
    const at = this.#room(FIELD_HEAD + 8);
    this.#bytes.writeDoubleBE(value, at + FIELD_HEAD);
    this.#head(tag, at, 8);
  }

  /** `length` octets that the caller fills in at once; valid until the next call. */
  space(tag: number, length: number): { readonly bytes: Buffer; readonly at: number } {
    const at = this.#room(FIELD_HEAD + length);
    this.#head(tag, at, length);
    return { bytes: this.#bytes, at: at + FIELD_HEAD };
  }

  /** Octets without a tag. */
  raw(value: Uint8Array): void {
    const at = this.#room(value.length);
    this.#bytes.set(value, at);
    this.#length = at + value.length;
  }

  /** Fields inside a field: answers where it began, for `end`. */
  begin(tag: number): number {
    const at = this.#room(FIELD_HEAD);
    this.#bytes[at] = tag;
    this.#length = at + FIELD_HEAD;
    return at;
  }

  end(at: number): void {
    this.#bytes.writeUInt32BE(this.#length - at - FIELD_HEAD, at + 1);
  }

  #head(tag: number, at: number, length: number): void {
    this.#bytes[at] = tag;
    this.#bytes.writeUInt32BE(length, at + 1);
    this.#length = at + FIELD_HEAD + length;
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

export interface FieldSpan {
  readonly tag: number;
  readonly from: number;
  readonly to: number;
}

/** Goes through fields. Throws RangeError when one reaches over the end. */
export function* readFields(bytes: Buffer, from = 0, to = bytes.length): Generator<FieldSpan> {
  for (let at = from; at < to; ) {
    const end = at + FIELD_HEAD + bytes.readUInt32BE(at + 1);
    if (end > to) throw new RangeError('a field is cut short');
    yield { tag: bytes[at] as number, from: at + FIELD_HEAD, to: end };
    at = end;
  }
}
