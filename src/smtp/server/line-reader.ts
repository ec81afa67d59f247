/** Command lines out of chunks: bounded, ended by CRLF only, and marked when they hold what no command may hold. */

const LF = 0x0a;
const CR = 0x0d;

/** What is wrong with a line; empty when nothing is. */
export type LineFault = '' | 'long' | 'lone' | 'control';

const CONTROL = /[\x00-\x1f\x7f]/;
const EIGHT_BIT = /[\x80-\xff]/;

export class LineReader {
  /** The last line without its end. UTF-8 is decoded; what is none shows as U+FFFD. Empty when it was too long. */
  text = '';
  fault: LineFault = '';
  /** Octets of the last line, without its end; of one that was too long, not all are counted. */
  octets = 0;
  #partial: Buffer | undefined;
  #skipped = 0;

  /** Octets of a line that has not ended yet. */
  get pending(): number {
    return this.#skipped + (this.#partial?.length ?? 0);
  }

  /** Reads on at `at`. Answers the index behind a line that is complete, or -1 when the chunk holds no end of it. */
  take(chunk: Buffer, at: number, longest: number): number {
    const lf = chunk.indexOf(LF, at);
    if (lf < 0) {
      this.#keep(chunk.subarray(at), longest);
      return -1;
    }
    if (this.#partial || this.#skipped > 0) this.#finish(chunk.subarray(at, lf + 1), longest);
    else this.#read(chunk, at, lf, longest);
    return lf + 1;
  }

  #keep(bytes: Buffer, longest: number): void {
    if (this.#skipped > 0 || this.pending + bytes.length > longest + 2) {
      this.#skipped += bytes.length + (this.#partial?.length ?? 0);
      this.#partial = undefined;
    } else this.#partial = this.#partial ? Buffer.concat([this.#partial, bytes]) : Buffer.from(bytes);
  }

  #finish(bytes: Buffer, longest: number): void {
    const tooLong = this.#skipped > 0;
    const whole = this.#partial ? Buffer.concat([this.#partial, bytes]) : bytes;
    this.#partial = undefined;
    this.#skipped = 0;
    if (tooLong) this.#mark('', 'long');
    else this.#read(whole, 0, whole.length - 1, longest);
  }

  #read(bytes: Buffer, from: number, lf: number, longest: number) {
    const end = lf > from && bytes[lf - 1] === CR ? lf - 1 : -1;
    this.octets = (end < 0 ? lf : end) - from;
    if (this.octets > longest) return this.#mark('', 'long');
    if (end < 0) return this.#mark(bytes.toString('latin1', from, lf), 'lone');
    const text = bytes.toString('latin1', from, end);
    if (CONTROL.test(text)) return this.#mark(text, 'control');
    this.#mark(EIGHT_BIT.test(text) ? bytes.toString('utf8', from, end) : text, '');
  }

  #mark(text: string, fault: LineFault): void {
    this.text = text;
    this.fault = fault;
  }
}
