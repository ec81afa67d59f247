/** Puts a dot before every line that begins with one (RFC 5321 4.5.2). Needed only for bodies whose `dots` flag is set. */

const DOT = Buffer.from('.', 'latin1');
const LF = 0x0a;
const CR = 0x0d;

/** Stuffs chunk after chunk; the place in the line is kept between them. Begins at a line start. Lines end with CRLF and with nothing else. */
export class DotStuffer {
  #atLineStart = true;
  #afterCr = false;

  /** Slices of the chunk with dots between them. */
  push(chunk: Buffer): readonly Buffer[] {
    if (chunk.length === 0) return [];
    const parts: Buffer[] = [];
    if (this.#atLineStart && chunk[0] === DOT[0]) parts.push(DOT);
    let from = 0;
    let end = false;
    for (let lf = chunk.indexOf(LF); lf >= 0; lf = chunk.indexOf(LF, lf + 1)) {
      if (!(lf === 0 ? this.#afterCr : chunk[lf - 1] === CR)) continue;
      end = lf + 1 === chunk.length;
      if (chunk[lf + 1] !== DOT[0]) continue;
      parts.push(chunk.subarray(from, lf + 1), DOT);
      from = lf + 1;
    }
    this.#atLineStart = end;
    this.#afterCr = chunk[chunk.length - 1] === CR;
    parts.push(chunk.subarray(from));
    return parts;
  }
}

/** All chunks of a body, stuffed. */
export function stuffDots(chunks: readonly Uint8Array[]): Buffer[] {
  const stuffer = new DotStuffer();
  return chunks.flatMap((chunk) => [...stuffer.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length))]);
}
