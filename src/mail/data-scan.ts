/**
 * Reads the content of DATA as it comes: takes stuffed dots out, knows only CRLF.CRLF as the end (RFC 5321 4.1.1.4), parts
 * header block and body, and notes everything that rules may object to. The bytes are slices of the chunks, not copies.
 */
import { OddByteSearch } from './odd-byte.js';

const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;

/** Where the next octet stands. */
const STATE = { inLine: 0, afterCr: 1, lineStart: 2, afterDot: 3, afterDotCr: 4, ended: 5 } as const;
type State = (typeof STATE)[keyof typeof STATE];

const LONE_CR = Buffer.from('\r', 'latin1');

/** What was noticed in one half of the message. */
export interface HalfFacts {
  readonly bareLf: number;
  readonly bareCr: number;
  /** Octets of the longest line, without its line end. */
  readonly longestLine: number;
  readonly lines: number;
  readonly bytes: number;
}

class Half implements HalfFacts {
  bareLf = 0;
  bareCr = 0;
  longestLine = 0;
  lines = 0;
  bytes = 0;
}

export class DataScan {
  /** Slices of the header block, its empty line included. */
  readonly header: Buffer[] = [];
  /** Slices of the body that were not taken yet. */
  readonly body: Buffer[] = [];
  readonly headerFacts: HalfFacts;
  readonly bodyFacts: HalfFacts;
  /** Some canonical line of the body begins with a dot. */
  dots = false;
  eightBit = false;
  hasNul = false;
  /** The empty line that ends the header block was seen. */
  headerEnded = false;

  readonly #search = new OddByteSearch();
  readonly #header = new Half();
  readonly #body = new Half();
  #half: Half = this.#header;
  #state: State = STATE.lineStart;
  #lineBytes = 0;

  constructor() {
    this.headerFacts = this.#header;
    this.bodyFacts = this.#body;
  }

  /** Canonical octets so far. */
  get size(): number {
    return this.#header.bytes + this.#body.bytes;
  }

  get ended(): boolean {
    return this.#state === STATE.ended;
  }

  /** Takes a chunk. Answers the index behind the final dot's CRLF, or -1 when the content goes on. */
  push(chunk: Buffer): number {
    const n = chunk.length;
    this.#search.load(chunk);
    let from = 0;
    let i = 0;
    while (i < n) {
      switch (this.#state) {
        case STATE.inLine: {
          const at = this.#search.next(i, !this.eightBit);
          this.#lineBytes += at - i;
          i = at;
          if (at === n) break;
          const c = chunk[at] as number;
          i++;
          if (c === CR) this.#state = STATE.afterCr;
          else {
            this.#lineBytes++;
            if (c === LF) this.#half.bareLf++;
            else if (c === 0) this.hasNul = true;
            else if (c >= 0x80) this.eightBit = true;
          }
          break;
        }
        case STATE.afterCr:
          if (chunk[i] !== LF) {
            this.#half.bareCr++;
            this.#lineBytes++;
            this.#state = STATE.inLine;
            break;
          }
          i++;
          this.#state = STATE.lineStart;
          if (this.#endLine()) {
            this.#keep(chunk, from, i);
            from = i;
            this.headerEnded = true;
            this.#half = this.#body;
          }
          break;
        case STATE.lineStart:
          if (chunk[i] !== DOT) {
            this.#state = STATE.inLine;
            break;
          }
          this.#keep(chunk, from, i);
          i++;
          from = i;
          this.#state = STATE.afterDot;
          break;
        case STATE.afterDot:
          if (chunk[i] === CR) {
            i++;
            this.#state = STATE.afterDotCr;
            break;
          }
          if (chunk[i] === DOT && this.#half === this.#body) this.dots = true;
          from = i;
          this.#state = STATE.inLine;
          break;
        case STATE.afterDotCr:
          if (chunk[i] === LF) {
            this.#state = STATE.ended;
            return i + 1;
          }
          // The dot was stuffed and a lone CR follows it, which may stand in the chunk before.
          this.#part().push(LONE_CR);
          this.#half.bytes++;
          this.#half.bareCr++;
          this.#lineBytes++;
          from = i;
          this.#state = STATE.inLine;
          break;
        default:
          return -1;
      }
    }
    if (this.#state !== STATE.afterDot && this.#state !== STATE.afterDotCr) this.#keep(chunk, from, n);
    return -1;
  }

  /** Takes the body slices that are there, so that a large body need not be held. */
  takeBody(): Buffer[] {
    return this.body.splice(0);
  }

  /** A line is complete. Answers whether it was the empty line that ends the header block. */
  #endLine(): boolean {
    const half = this.#half;
    half.lines++;
    if (this.#lineBytes > half.longestLine) half.longestLine = this.#lineBytes;
    const empty = this.#lineBytes === 0;
    this.#lineBytes = 0;
    return empty && half === this.#header;
  }

  #part(): Buffer[] {
    return this.#half === this.#header ? this.header : this.body;
  }

  #keep(chunk: Buffer, from: number, to: number): void {
    if (to <= from) return;
    this.#part().push(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to));
    this.#half.bytes += to - from;
  }
}
