/** A message as it goes over the wire: header block, body, dots stuffed where some line begins with one, CRLF at the end. */
import { stripEighthBit, toSevenBit } from '../../mail/seven-bit.js';
import { DotStuffer, stuffDots } from '../../mail/stuff.js';
import type { Copy } from '../../module/copy.js';
import type { Outbox } from './outbox.js';

/** Messages above this size are written piece by piece, waiting for the server to take them. */
const STREAMED_BYTES = 262_144;
const PIECE_BYTES = 65_536;
const DOT = 0x2e;
const LF = 0x0a;
const CRLF = Buffer.from('\r\n', 'latin1');
const END = '.\r\n';

/** Is not in memory, or too large to be handed to the socket at once. */
export const isLarge = (mail: Copy): boolean => mail.content.resident === undefined || mail.content.size > STREAMED_BYTES;

/** A module may have put a field on top whose name begins with a dot; the body's flag does not know of it. */
const hasDots = (mail: Copy, headers: Buffer): boolean => mail.content.dots || headers[0] === DOT || headers.includes('\n.');

/** Puts a message that is in memory into the outbox, final dot included. */
export function putContent(mail: Copy, outbox: Outbox): void {
  const headers = mail.headers.bytes();
  const resident = mail.content.resident ?? [];
  let last = headers;
  if (hasDots(mail, headers)) {
    for (const part of stuffDots([headers, ...resident])) {
      outbox.bytes(part);
      if (part.length > 0) last = part;
    }
  } else {
    outbox.bytes(headers);
    for (const chunk of resident) {
      outbox.bytes(chunk);
      if (chunk.length > 0) last = chunk as Buffer;
    }
  }
  if (last.length > 0 && last[last.length - 1] !== LF) outbox.bytes(CRLF);
  outbox.text(END);
}

/** The pieces of a message rewritten for a server that takes 7 bits only, without the final dot. */
export async function* streamSevenBit(mail: Copy, how: 'encode' | 'strip'): AsyncGenerator<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of mail.content.read()) chunks.push(chunk);
  const entity = { headers: mail.headers.bytes(), body: Buffer.concat(chunks) };
  const { headers, body } = how === 'encode' ? toSevenBit(entity) : { ...entity, body: stripEighthBit(entity.body) };
  const stuffer = new DotStuffer();
  yield* stuffer.push(headers);
  for (let at = 0; at < body.length; at += PIECE_BYTES) yield* stuffer.push(body.subarray(at, at + PIECE_BYTES));
  if ((body.at(-1) ?? headers.at(-1) ?? LF) !== LF) yield CRLF;
}

/** The pieces of a large message, without the final dot. */
export async function* streamContent(mail: Copy): AsyncGenerator<Uint8Array> {
  const headers = mail.headers.bytes();
  const stuffer = hasDots(mail, headers) ? new DotStuffer() : undefined;
  let end = LF;
  if (headers.length > 0) {
    end = headers[headers.length - 1] ?? LF;
    if (stuffer) yield* stuffer.push(headers);
    else yield headers;
  }
  for await (const chunk of mail.content.read()) {
    // What is in memory may come in one piece; the socket must be able to say that it has enough.
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      const piece = chunk.subarray(at, at + PIECE_BYTES);
      end = piece[piece.length - 1] ?? LF;
      if (stuffer) yield* stuffer.push(Buffer.from(piece.buffer, piece.byteOffset, piece.length));
      else yield piece;
    }
  }
  if (end !== LF) yield CRLF;
}
