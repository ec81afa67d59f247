/** Puts a dot before every line that begins with one (RFC 5321 4.5.2). Needed only for bodies whose `dots` flag is set. */

const DOT = Buffer.from('.', 'latin1');
const LF = 0x0a;

/** Stuffs chunk after chunk; the place in the line is kept between them. Begins at a line start. */
export class DotStuffer {
  #atLineStart = true;

  /** Slices of the chunk with dots between them. */
  push(chunk: Buffer): readonly Buffer[] {
    const parts: Buffer[] = [];
    let from = 0;
    let line = 0;
    if (this.#atLineStart && chunk[0] === DOT[0]) parts.push(DOT);
    for (;;) {
      line = chunk.indexOf(LF, line) + 1;
      if (line === 0 || line >= chunk.length) break;
      if (chunk[line] !== DOT[0]) continue;
      parts.push(chunk.subarray(from, line), DOT);
      from = line;
    }
    if (chunk.length > 0) this.#atLineStart = chunk[chunk.length - 1] === LF;
    parts.push(chunk.subarray(from));
    return parts;
  }
}

/** All chunks of a body, stuffed. */
export function stuffDots(chunks: readonly Uint8Array[]): Buffer[] {
  const stuffer = new DotStuffer();
  return chunks.flatMap((chunk) => [...stuffer.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length))]);
}
