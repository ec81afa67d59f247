/**
 * A message that came as BODY=BINARYMIME (RFC 3030) made one of lines: what no line may hold is encoded in quoted-printable or
 * base64 (RFC 2045), part by part. Whatever the walk made of it, what comes out is looked at again. Pure.
 */
import { ChunkScan } from './chunk-scan.js';
import type { Headers } from './headers.js';
import { LineMender } from './mend-lines.js';
import { MimeWalk, type Survey } from './mime-walk.js';

/** Why a message cannot be one of lines: a CR, LF or NUL stands where only lines may be, or a line there is too long. */
export type BinaryFault = 'lone' | 'nul' | 'long';

const CRLF = Buffer.from('\r\n', 'latin1');
/** A line end of quoted-printable that stands for none. */
const SOFT_BREAK = Buffer.from('=\r\n', 'latin1');

/** A walk through the body of a binary message with these headers. */
export const surveyBinary = (headers: Headers, longestLine: number): MimeWalk =>
  new MimeWalk(headers.get('content-type'), headers.get('content-transfer-encoding'), { longestLine, isBinary: true });

/** Rewrites the body that was surveyed, chunk by chunk, and judges what it wrote. */
export class BinaryMender {
  readonly #mender: LineMender;
  readonly #scan = new ChunkScan();
  readonly #limit: number;
  /** Its last octets are quoted-printable, where a line end would be one more. */
  readonly #endsQuoted: boolean;
  #size = 0;
  #tail = '\r\n';

  /** `total`: octets of the whole body. */
  constructor({ edits }: Survey, total: number, longestLine: number) {
    this.#mender = new LineMender(edits, total, longestLine);
    this.#limit = longestLine;
    const last = edits.at(-1);
    this.#endsQuoted = last !== undefined && last.to === total && last.way === 'qp';
    // The scan takes all that follows for the body.
    this.#scan.push(CRLF);
  }

  /** Octets written so far. */
  get size(): number {
    return this.#size;
  }

  /** A line begins with a dot. */
  get dots(): boolean {
    return this.#scan.dots;
  }

  get eightBit(): boolean {
    return this.#scan.bodyFacts.eightBit;
  }

  /** What is wrong with all that was written; undefined when it is lines. After `end`. */
  get fault(): BinaryFault | undefined {
    const { bareCr, bareLf, longestLine } = this.#scan.bodyFacts;
    if (bareCr + bareLf > 0) return 'lone';
    if (this.#scan.hasNul) return 'nul';
    return longestLine > this.#limit ? 'long' : undefined;
  }

  /** What stands for the chunk. */
  push(chunk: Buffer): Buffer[] {
    const pieces = this.#mender.push(chunk);
    for (const piece of pieces) this.#note(piece);
    return pieces;
  }

  /** What closes the last line, if it is open. */
  end(): Buffer[] {
    const closing = this.#tail === '\r\n' ? [] : [this.#endsQuoted ? SOFT_BREAK : CRLF];
    for (const piece of closing) this.#note(piece);
    this.#scan.finish();
    return closing;
  }

  #note(piece: Buffer): void {
    this.#scan.push(piece);
    this.#scan.takeBody();
    this.#size += piece.length;
    this.#tail = (this.#tail + piece.toString('latin1', Math.max(0, piece.length - 2))).slice(-2);
  }
}
