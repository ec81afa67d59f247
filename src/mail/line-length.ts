/** Keeps what we write below the longest line that mail may have (RFC 5322 2.1.1: 998 octets without CRLF). */

export const LONGEST_LINE = 998;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
/** First octets of UTF-8 that continue a character. */
const isContinuation = (octet: number | undefined): boolean => octet !== undefined && (octet & 0xc0) === 0x80;

/** The longest beginning of a text that has at most so many octets in UTF-8 and cuts no character. */
export function clipOctets(text: string, octets: number): string {
  if (text.length * 3 <= octets) return text;
  const bytes = Buffer.from(text, 'utf8');
  return bytes.length <= octets ? text : bytes.toString('utf8', 0, findCut(bytes, octets));
}

/** Lines for people, parted by \n or CRLF: long ones go on in the next line. Answers CRLF, without one at the end. */
export function wrapLines(text: string): string {
  return text
    .split(/\r\n|\r|\n/)
    .flatMap((line) => {
      const pieces: string[] = [];
      for (let rest = line; ; ) {
        const piece = clipOctets(rest, LONGEST_LINE - 2);
        pieces.push(piece);
        if (piece.length === rest.length) return pieces;
        rest = rest.slice(piece.length);
      }
    })
    .join('\r\n');
}

/** Whether some line of the chunks is above the limit. Lines may go over the borders of chunks. */
export function hasLongLine(chunks: readonly Uint8Array[], limit = LONGEST_LINE): boolean {
  let length = 0;
  for (const chunk of chunks) {
    for (let from = 0; from < chunk.length; ) {
      const end = chunk.indexOf(LF, from);
      length += (end < 0 ? chunk.length : end) - from;
      // The CR of the line end was counted too.
      if (length > limit + 1) return true;
      if (end < 0) break;
      length = 0;
      from = end + 1;
    }
  }
  return length > limit;
}

/** Folds the lines of a header block that are above the limit, at a blank where there is one. The same Buffer when there is none. */
export function foldLongLines(block: Buffer, limit = LONGEST_LINE): Buffer {
  if (!hasLongLine([block], limit)) return block;
  const parts: Buffer[] = [];
  for (let from = 0; from < block.length; ) {
    const at = block.indexOf(LF, from);
    const end = at < 0 ? block.length : at + 1;
    let line = block.subarray(from, end);
    while (contentLength(line) > limit) {
      const cut = findFold(line, limit);
      const blank = line[cut] === SPACE || line[cut] === TAB;
      parts.push(line.subarray(0, cut), Buffer.from('\r\n', 'latin1'));
      line = blank ? line.subarray(cut) : Buffer.concat([Buffer.from(' ', 'latin1'), line.subarray(cut)]);
    }
    parts.push(line);
    from = end;
  }
  return Buffer.concat(parts);
}

function contentLength(line: Buffer): number {
  let length = line.length;
  if (line[length - 1] === LF) length--;
  return line[length - 1] === CR ? length - 1 : length;
}

/** The last blank below the limit that leaves something before it, or else the limit itself. */
function findFold(line: Buffer, limit: number): number {
  for (let i = limit; i > limit / 2; i--) if (line[i] === SPACE || line[i] === TAB) return i;
  return findCut(line, limit);
}

function findCut(bytes: Buffer, limit: number): number {
  let cut = limit;
  while (cut > limit - 4 && isContinuation(bytes[cut])) cut--;
  return cut;
}
