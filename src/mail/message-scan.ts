/** Questions about a whole header block or message that are asked once, after its last octet. */

const LF = 0x0a;
const RECEIVED = 'received:';
const LETTER_R = 0x72;

/** Received fields of a block; folds and look-alikes (Received-SPF) do not count. */
export function countReceived(block: Buffer): number {
  let count = 0;
  for (let line = 0; line < block.length; ) {
    // Most fields do not begin with an R; only those are looked at.
    if (((block[line] ?? 0) | 0x20) === LETTER_R && block.toString('latin1', line, line + RECEIVED.length).toLowerCase() === RECEIVED)
      count++;
    const end = block.indexOf(LF, line);
    if (end < 0) break;
    line = end + 1;
  }
  return count;
}

const FIELD_START = /^[!-9;-~]+[ \t]*:/;
const LONGEST_NAME = 256;

/** Whether a block begins with a header field, so that it is one and no body without headers. */
export const beginsWithField = (block: Buffer): boolean => FIELD_START.test(block.toString('latin1', 0, LONGEST_NAME));

/** Every lone CR or LF becomes CRLF; a run of CR before LF is one line end, for else it would end the header block. The same Buffer when there is none. */
export function repairLineEnds(all: Buffer): Buffer {
  const text = all.toString('latin1');
  const repaired = text.replace(/\r+\n|[\r\n]/g, '\r\n');
  return repaired === text ? all : Buffer.from(repaired, 'latin1');
}
