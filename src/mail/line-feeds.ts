/** Octets with CRLF line ends as Unix programs and files want them: LF alone. */

const CR = 0x0d;
const LF = 0x0a;

/** The same octets without the CR before each LF, also where a chunk ends between the two. A CR that stands alone stays. */
export async function* withLineFeeds(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let owed = false;
  for await (const chunk of chunks) {
    if (chunk.length === 0) continue;
    if (owed && chunk[0] !== LF) yield Buffer.of(CR);
    owed = chunk[chunk.length - 1] === CR;
    const bare = dropReturns(owed ? chunk.subarray(0, -1) : chunk);
    if (bare.length > 0) yield bare;
  }
  if (owed) yield Buffer.of(CR);
}

/** One chunk; the same array when it has no CRLF. */
function dropReturns(chunk: Uint8Array): Uint8Array {
  let at = chunk.indexOf(CR);
  if (at < 0) return chunk;
  const bare = Buffer.allocUnsafe(chunk.length);
  let from = 0;
  let to = 0;
  for (; at >= 0; at = chunk.indexOf(CR, at + 1)) {
    if (chunk[at + 1] !== LF) continue;
    bare.set(chunk.subarray(from, at), to);
    to += at - from;
    from = at + 1;
  }
  bare.set(chunk.subarray(from), to);
  return bare.subarray(0, to + chunk.length - from);
}
