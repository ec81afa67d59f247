/** Turns what came as BODY=BINARYMIME into a message of lines before anybody else sees it: in memory, or from file to file. */
import type { InboundValues } from '../config/snapshot.js';
import { BinaryMender, surveyBinary } from '../mail/binary-mime.js';
import { Headers } from '../mail/headers.js';
import { LONGEST_LINE } from '../mail/line-length.js';
import { declareEncoding, SHORTEST_LIMIT } from '../mail/mend-lines.js';
import { bodyOf } from '../module/copy.js';
import type { Body } from '../module/message.js';
import type { LargeBody } from '../module/spool.js';
import type { Reply } from '../module/verdict.js';
import { type Mended, mendingLimit } from './mend.js';
import { CONVERSION_IMPOSSIBLE, GREW_TOO_LARGE, LINE_TOO_LONG, LONE_IN_STRUCTURE, NUL_IN_STRUCTURE } from './replies.js';

interface Store {
  openLarge(): Promise<LargeBody>;
  forget(body: Body): void;
}

const REPLIES = { lone: LONE_IN_STRUCTURE, nul: NUL_IN_STRUCTURE, long: LINE_TOO_LONG } as const;

/** Longest line that is left: that of the options where it is a matter of refusing or mending, and else that of RFC 5322. */
function longestOf(options: InboundValues): number {
  const { rfc2822_max_line_length: limit, rfc2822_max_line_length_policy: policy } = options;
  const mended = mendingLimit(options);
  if (mended !== undefined) return mended;
  return typeof limit === 'number' && policy === 'reject' ? Math.min(Math.max(limit, SHORTEST_LIMIT), LONGEST_LINE) : LONGEST_LINE;
}

/** The message of lines, or why there can be none. A body in a file gets a new one, and the old one goes. */
export async function unbinary(message: Mended, options: InboundValues, store: Store): Promise<Mended | Reply> {
  const { content } = message;
  const limit = longestOf(options);
  const headers = new Headers(message.headers.bytes());
  const walk = surveyBinary(headers, limit);
  for await (const chunk of content.resident ?? content.read()) if (!walk.push(bufferOf(chunk))) break;
  const survey = walk.finish();
  if (survey.isHopeless) return CONVERSION_IMPOSSIBLE;
  declareEncoding(headers, survey);
  const mender = new BinaryMender(survey, content.size, limit);
  const { max_message_size: largest } = options;
  // What did not grow was measured already, before our own fields were there.
  const most = largest > 0 ? Math.max(content.size, largest - headers.bytes().length) : Number.POSITIVE_INFINITY;
  const judge = (): Reply | undefined => (mender.size > most ? GREW_TOO_LARGE : mender.fault && REPLIES[mender.fault]);
  if (content.resident) {
    const pieces = [...content.resident.flatMap((chunk) => mender.push(bufferOf(chunk))), ...mender.end()];
    return judge() ?? { headers, content: bodyOf(pieces) };
  }
  const rewritten = await rewriteFile(content, mender, judge, store);
  if ('code' in rewritten) return rewritten;
  store.forget(content);
  return { headers, content: rewritten };
}

async function rewriteFile(content: Body, mender: BinaryMender, judge: () => Reply | undefined, store: Store): Promise<Body | Reply> {
  const target = await store.openLarge();
  try {
    const write = async (pieces: readonly Buffer[]): Promise<void> => {
      for (const piece of pieces) {
        const written = target.write(piece);
        if (written) await written;
      }
    };
    for await (const chunk of content.read()) {
      await write(mender.push(bufferOf(chunk)));
      if (judge()) break;
    }
    await write(mender.end());
    const refusal = judge();
    if (!refusal) return await target.finish({ dots: mender.dots, eightBit: mender.eightBit });
    await target.abandon();
    return refusal;
  } catch (error) {
    await target.abandon();
    throw error;
  }
}

const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
