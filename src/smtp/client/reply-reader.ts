/** Reads the replies of a server we do not trust: bounded in line, lines and octets, linear in what comes, nothing guessed. */
import { joinLine } from '../../mail/reply.js';

/** Longest line, without its end, and most of a reply that we take from anybody. */
export const REPLY_LIMITS = { lineBytes: 2048, lines: 100, totalBytes: 65_536 } as const;

const LF = 0x0a;
const CR = 0x0d;
const DASH = 0x2d;
const SPACE = 0x20;
const ZERO = 0x30;

/** Answers of `next` that are no reply code. */
export const INCOMPLETE = 0;
export const MALFORMED = -1;

const NOTHING = Buffer.alloc(0);

/**
 * Takes octets in, gives reply codes out. `push` keeps a reference to the chunk only until `next` has answered INCOMPLETE;
 * the text of a reply must be asked for before the following `next`.
 */
export class ReplyReader {
  #chunk: Buffer = NOTHING;
  #at = 0;
  #end = 0;
  /** The beginning of a line whose end has not come. */
  #carry: Buffer = NOTHING;
  #code = 0;
  #lines: string[] = [];
  #bytes = 0;
  /** The last line of a finished reply, not yet made a string. */
  #last: Buffer = NOTHING;
  #lastFrom = 0;
  #lastTo = 0;
  #finished = true;
  #fault = '';

  /** Hands in the first `length` octets of a chunk. The octets before must have been used up. */
  push(chunk: Buffer, length: number): void {
    this.#chunk = chunk;
    this.#at = 0;
    this.#end = length;
  }

  /** Code of the next complete reply, INCOMPLETE when more octets are needed, or MALFORMED: see `fault`. */
  next(): number {
    if (this.#finished) {
      this.#finished = false;
      this.#code = 0;
      this.#bytes = 0;
      if (this.#lines.length > 0) this.#lines = [];
    }
    while (this.#at < this.#end) {
      const from = this.#at;
      const lf = this.#chunk.indexOf(LF, from);
      if (lf < 0 || lf >= this.#end) {
        if (this.#end - from + this.#carry.length > REPLY_LIMITS.lineBytes) return this.#refuse('line too long');
        this.#carry = Buffer.concat([this.#carry, this.#chunk.subarray(from, this.#end)]);
        this.#at = this.#end;
        break;
      }
      this.#at = lf + 1;
      let line = this.#chunk;
      let start = from;
      let end = lf;
      if (this.#carry.length > 0) {
        line = Buffer.concat([this.#carry, this.#chunk.subarray(from, lf)]);
        start = 0;
        end = line.length;
        this.#carry = NOTHING;
      }
      if (end > start && line[end - 1] === CR) end--;
      const code = this.#readLine(line, start, end);
      if (code !== INCOMPLETE) return code;
    }
    this.#chunk = NOTHING;
    this.#at = this.#end = 0;
    return INCOMPLETE;
  }

  /** Octets are there that no `next` has looked at. */
  get hasMore(): boolean {
    return this.#at < this.#end || this.#carry.length > 0;
  }

  /** What was wrong with the reply. */
  get fault(): string {
    return this.#fault;
  }

  /** The reply just read, on one line with its code in front. */
  oneLine(): string {
    return joinLine(`${this.#code} ${this.texts().join(' ')}`);
  }

  /** The text of each line of the reply just read, without codes. */
  texts(): readonly string[] {
    return [...this.#lines, this.#last.toString('utf8', this.#lastFrom, this.#lastTo)];
  }

  /** Forgets everything, the octets at hand too (RFC 3207: nothing said in clear counts after STARTTLS). */
  clear(): void {
    this.#chunk = this.#carry = this.#last = NOTHING;
    this.#at = this.#end = this.#lastFrom = this.#lastTo = 0;
    this.#finished = true;
  }

  #readLine(line: Buffer, start: number, end: number): number {
    const length = end - start;
    this.#bytes += length + 2;
    if (length > REPLY_LIMITS.lineBytes) return this.#refuse('line too long');
    if (this.#bytes > REPLY_LIMITS.totalBytes) return this.#refuse('reply too long');
    if (length < 3) return this.#refuse('no reply code');
    const code = digit(line, start) * 100 + digit(line, start + 1) * 10 + digit(line, start + 2);
    // A digit that is none makes the sum NaN, and NaN fails both comparisons.
    if (!(code >= 200 && code < 600)) return this.#refuse('no reply code');
    if (this.#code !== 0 && this.#code !== code) return this.#refuse('mixed reply codes');
    const mark = length === 3 ? SPACE : line[start + 3];
    if (mark !== SPACE && mark !== DASH) return this.#refuse('no blank behind the reply code');
    const nul = line.indexOf(0, start);
    if (nul >= 0 && nul < end) return this.#refuse('NUL in reply');
    this.#code = code;
    const from = Math.min(start + 4, end);
    if (mark === DASH) {
      if (this.#lines.length + 1 >= REPLY_LIMITS.lines) return this.#refuse('too many lines');
      this.#lines.push(line.toString('utf8', from, end));
      return INCOMPLETE;
    }
    this.#last = line;
    this.#lastFrom = from;
    this.#lastTo = end;
    this.#finished = true;
    return code;
  }

  #refuse(fault: string): number {
    this.#fault = fault;
    this.clear();
    return MALFORMED;
  }
}

const digit = (line: Buffer, at: number): number => {
  const value = (line[at] ?? 0) - ZERO;
  return value >= 0 && value <= 9 ? value : Number.NaN;
};
