/** Option rfc2822_max_line_length(_policy) = fix: folds and re-encodes a message whose lines are too long, in memory or from file to file. */
import { isAscii } from 'node:buffer';
import type { InboundValues } from '../config/snapshot.js';
import { Headers } from '../mail/headers.js';
import { foldLongLines, LONGEST_LINE } from '../mail/line-length.js';
import { declareEncoding, LineMender, SHORTEST_LIMIT, surveyLines } from '../mail/mend-lines.js';
import { bodyOf } from '../module/copy.js';
import type { Body } from '../module/message.js';
import type { LargeBody } from '../module/spool.js';
import type { ContentFacts } from '../smtp/server/reception.js';

/** What a message became. */
export interface Mended {
  readonly headers: Headers;
  readonly content: Body;
}

interface Store {
  openLarge(): Promise<LargeBody>;
  forget(body: Body): void;
}

/** Longest line these options want by mending; undefined when they do not mend. */
export function mendingLimit({
  rfc2822_max_line_length: limit,
  rfc2822_max_line_length_policy: policy,
}: InboundValues): number | undefined {
  if (limit === 'fix') return LONGEST_LINE;
  return typeof limit === 'number' && policy === 'fix' ? Math.max(limit, SHORTEST_LIMIT) : undefined;
}

/** Whether any line is above the limit: all that a message costs that needs no mending. */
export const needsMending = ({ longestHeaderLine, longestBodyLine }: ContentFacts, limit: number): boolean =>
  longestHeaderLine > limit || longestBodyLine > limit;

/** Mends; undefined when lines are too long where nothing may change. A body in a file gets a new one, and the old one goes. */
export async function mendLines(message: Mended, facts: ContentFacts, limit: number, store: Store): Promise<Mended | undefined> {
  const headers = new Headers(foldLongLines(message.headers.bytes(), limit));
  const { content } = message;
  // Without a header block its lines turned out to be body.
  const longest = facts.headerMissing ? Math.max(facts.longestHeaderLine, facts.longestBodyLine) : facts.longestBodyLine;
  if (longest <= limit) return { headers, content };
  const walk = surveyLines(headers, limit);
  for await (const chunk of content.resident ?? content.read()) if (!walk.push(bufferOf(chunk))) break;
  const survey = walk.finish();
  if (survey.isHopeless) return undefined;
  declareEncoding(headers, survey);
  const mender = new LineMender(survey.edits, content.size, limit);
  if (content.resident) return { headers, content: bodyOf(content.resident.flatMap((chunk) => mender.push(bufferOf(chunk)))) };
  const mended = await rewriteFile(content, mender, store);
  store.forget(content);
  return { headers, content: mended };
}

async function rewriteFile(content: Body, mender: LineMender, store: Store): Promise<Body> {
  const target = await store.openLarge();
  const lines = new LineFacts();
  try {
    for await (const chunk of content.read()) {
      for (const piece of mender.push(bufferOf(chunk))) {
        lines.note(piece);
        const written = target.write(piece);
        if (written) await written;
      }
    }
    return await target.finish(lines);
  } catch (error) {
    await target.abandon();
    throw error;
  }
}

/** What delivery must know of a body, over the borders of pieces. */
class LineFacts {
  dots = false;
  eightBit = false;
  #atLineStart = true;

  note(piece: Buffer): void {
    if (piece.length === 0) return;
    this.dots ||= (this.#atLineStart && piece[0] === 0x2e) || piece.includes('\n.', 0, 'latin1');
    this.eightBit ||= !isAscii(piece);
    this.#atLineStart = piece[piece.length - 1] === 0x0a;
  }
}

const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
