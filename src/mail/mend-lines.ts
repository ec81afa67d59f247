/** Makes the lines of a message short enough (RFC 5322 2.1.1): header lines are folded, bodies re-encoded (RFC 2045). Nothing is cut off. */
import type { Headers } from './headers.js';
import { type Edit, MimeWalk, type Survey, type Way } from './mime-walk.js';
import { Base64, Fold, QuotedPrintable, type Recoder, Rewrap } from './transfer-encoding.js';

/** No encoding makes lines shorter than this. */
export const SHORTEST_LIMIT = 78;

/** A walk through the body of a message with these headers, in order to mend it. */
export const surveyLines = (headers: Headers, longestLine: number): MimeWalk =>
  new MimeWalk(headers.get('content-type'), headers.get('content-transfer-encoding'), { longestLine });

/** Tells the headers what became of the body. */
export function declareEncoding(headers: Headers, { encoding }: Survey): void {
  if (encoding === undefined) return;
  headers.replace('Content-Transfer-Encoding', encoding);
  // Without it the other fields of MIME mean nothing (RFC 2045 4).
  if (!headers.has('mime-version')) headers.append('MIME-Version', '1.0');
}

/** Rewrites the body that was surveyed, chunk by chunk; the chunks may be cut in another way. */
export class LineMender {
  readonly #edits: readonly Edit[];
  readonly #total: number;
  readonly #limit: number;
  #next = 0;
  #at = 0;
  #recoder: Recoder | undefined;

  /** `total`: octets of the whole body. */
  constructor(edits: readonly Edit[], total: number, longestLine: number) {
    this.#edits = edits;
    this.#total = total;
    this.#limit = longestLine;
  }

  /** What stands for the chunk: slices of it where nothing changes. */
  push(chunk: Buffer): Buffer[] {
    const out: Buffer[] = [];
    for (let at = 0; at < chunk.length; ) {
      const edit = this.#edits[this.#next];
      const here = this.#at;
      const border = !edit ? this.#total : here < edit.from ? edit.from : edit.to;
      const piece = chunk.subarray(at, Math.min(chunk.length, at + border - here));
      at += piece.length;
      this.#at += piece.length;
      if (!edit || here < edit.from) out.push(piece);
      else this.#rewrite(edit, piece, out);
    }
    return out.filter(({ length }) => length > 0);
  }

  #rewrite(edit: Edit, piece: Buffer, out: Buffer[]): void {
    const { way } = edit;
    if (typeof way !== 'string') {
      if (this.#at === edit.to) out.push(way);
    } else {
      this.#recoder ??= this.#recoderFor(edit, way);
      out.push(this.#recoder.push(piece));
      if (this.#at === edit.to) out.push(this.#recoder.end());
    }
    if (this.#at !== edit.to) return;
    this.#recoder = undefined;
    this.#next++;
  }

  #recoderFor(edit: Edit, way: Way): Recoder {
    switch (way) {
      case 'qp':
        return new QuotedPrintable();
      case 'base64':
        return new Base64(edit.to === this.#total);
      case 'fold':
        return new Fold(this.#limit);
      default:
        return new Rewrap(way === 'rewrap-qp');
    }
  }
}
