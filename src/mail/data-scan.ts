/**
 * Reads the content of a message as it comes: takes stuffed dots out, knows only CRLF.CRLF as the end (RFC 5321 4.1.1.4), parts
 * header block and body, and notes everything that rules may object to. The bytes are slices of the chunks, not copies, unless
 * a client sends them in crumbs.
 */
import { OddByteSearch } from './odd-byte.js';

const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;

/** Where the next octet stands. */
const STATE = { inLine: 0, afterCr: 1, lineStart: 2, afterDot: 3, afterDotCr: 4, ended: 5 } as const;
type State = (typeof STATE)[keyof typeof STATE];

const LONE_CR = Buffer.from('\r', 'latin1');
const CRLF = Buffer.from('\r\n', 'latin1');

/** A slice shorter than this is a crumb. A message may have a few; more are copied together, for each would cost more memory than its octets. */
const CRUMB = 256;
const FREE_CRUMBS = 8;
const CRUMB_BOX = 8192;

/** What was noticed in one half of the message. */
export interface HalfFacts {
  readonly bareLf: number;
  readonly bareCr: number;
  /** Octets of the longest line, without its line end. */
  readonly longestLine: number;
  readonly lines: number;
  readonly bytes: number;
  /** Some octet is above 0x7f. */
  readonly eightBit: boolean;
}

class Half implements HalfFacts {
  bareLf = 0;
  bareCr = 0;
  longestLine = 0;
  lines = 0;
  bytes = 0;
  eightBit = false;
}

/**
 * `data` is what follows 354: dots are stuffed and CRLF.CRLF ends it. `chunks` is what BDAT brings (RFC 3030): octets as they are.
 * `octets` is the same with BODY=BINARYMIME: a body need not end with a line end.
 */
export type ContentForm = 'data' | 'chunks' | 'octets';

/** One object a message: push what comes, then read the facts. */
export class DataScan {
  /** Slices of the header block, its empty line included. */
  readonly header: Buffer[] = [];
  /** Slices of the body that were not taken yet. */
  readonly body: Buffer[] = [];
  readonly headerFacts: HalfFacts;
  readonly bodyFacts: HalfFacts;
  /** Some canonical line of the body begins with a dot. */
  dots = false;
  hasNul = false;
  /** The empty line that ends the header block was seen. */
  headerEnded = false;

  readonly #search = new OddByteSearch();
  readonly #header = new Half();
  readonly #body = new Half();
  #half: Half = this.#header;
  #state: State = STATE.lineStart;
  #lineBytes = 0;
  readonly #form: ContentForm;
  /** Crumbs are copied into this; the last part that was made of them grows. */
  #box: Buffer | undefined;
  #boxFrom = 0;
  #boxEnd = 0;
  #boxPart: Buffer | undefined;

  constructor(form: ContentForm = 'data') {
    this.#form = form;
    this.headerFacts = this.#header;
    this.bodyFacts = this.#body;
  }

  /** Canonical octets so far. */
  get size(): number {
    return this.#header.bytes + this.#body.bytes;
  }

  /** Some octet of the message is above 0x7f. */
  get eightBit(): boolean {
    return this.#header.eightBit || this.#body.eightBit;
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
          const at = this.#search.next(i, !this.#half.eightBit);
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
            else if (c >= 0x80) this.#half.eightBit = true;
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
          if (this.#form !== 'data') {
            if (this.#half === this.#body) this.dots = true;
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
          this.#keep(LONE_CR, 0, 1);
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

  /**
   * Says that a message in chunks is complete. A last line that was left open gets its CRLF, as it would when the message goes on
   * by DATA (RFC 3030 leaves that to the relay; DKIM's canonical forms take it for the same body).
   */
  finish(): void {
    if (this.#state === STATE.ended) return;
    if (this.#state !== STATE.lineStart && !(this.#form === 'octets' && this.headerEnded)) {
      if (this.#state === STATE.afterCr) {
        this.#half.bareCr++;
        this.#lineBytes++;
      }
      this.#keep(CRLF, 0, 2);
      this.#endLine();
    }
    this.#state = STATE.ended;
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

  #keep(chunk: Buffer, from: number, to: number): void {
    const length = to - from;
    if (length <= 0) return;
    const parts = this.#half === this.#header ? this.header : this.body;
    this.#half.bytes += length;
    if (length < CRUMB && parts.length >= FREE_CRUMBS) this.#gather(parts, chunk, from, to);
    else parts.push(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to));
  }

  #gather(parts: Buffer[], chunk: Buffer, from: number, to: number): void {
    let box = this.#box;
    if (!box || this.#boxEnd + (to - from) > CRUMB_BOX) {
      this.#box = box = Buffer.allocUnsafeSlow(CRUMB_BOX);
      this.#boxEnd = 0;
      this.#boxPart = undefined;
    }
    const grows = this.#boxPart !== undefined && parts.at(-1) === this.#boxPart;
    if (!grows) this.#boxFrom = this.#boxEnd;
    this.#boxEnd += chunk.copy(box, this.#boxEnd, from, to);
    const part = box.subarray(this.#boxFrom, this.#boxEnd);
    if (grows) parts[parts.length - 1] = part;
    else parts.push(part);
    this.#boxPart = part;
  }
}
