/** Repairs what no canonical message may hold: a lone CR or LF becomes CRLF, NUL becomes a blank. Chunk by chunk, for bodies that are not in memory. */
import { repairLineEnds } from '../../mail/message-scan.js';

const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const EMPTY = Buffer.alloc(0);

export class Mender {
  /** CRs at the end of what came, held back: what they mean depends on what follows. */
  #held = 0;

  /** The chunk, repaired. What ends in CR comes out with the next one. */
  push(chunk: Buffer): Buffer {
    let end = chunk.length;
    while (end > 0 && chunk[end - 1] === CR) end--;
    const trailing = chunk.length - end;
    if (end === 0) {
      this.#held += trailing;
      return EMPTY;
    }
    const bytes = this.#held > 0 ? Buffer.concat([Buffer.alloc(this.#held, CR), chunk.subarray(0, end)]) : chunk.subarray(0, end);
    this.#held = trailing;
    return repairAll(bytes);
  }

  /** What was held back. */
  end(): Buffer {
    const rest = repairAll(Buffer.alloc(this.#held, CR));
    this.#held = 0;
    return rest;
  }
}

/** A whole text, repaired; the same Buffer when nothing was wrong. */
export function repairAll(bytes: Buffer): Buffer {
  const mended = repairLineEnds(bytes);
  if (!mended.includes(0)) return mended;
  const clean = Buffer.from(mended);
  for (let at = clean.indexOf(0); at >= 0; at = clean.indexOf(0, at + 1)) clean[at] = SPACE;
  return clean;
}

/** Whether a line of the text begins with a dot, given whether it begins at a line start. */
export function hasLeadingDot(bytes: Buffer, atLineStart: boolean): boolean {
  return (atLineStart && bytes[0] === 0x2e) || bytes.includes('\n.', 0, 'latin1');
}

/** Whether the text ends with a line end. */
export const endsLine = (bytes: Buffer): boolean => bytes[bytes.length - 1] === LF && bytes[bytes.length - 2] === CR;
