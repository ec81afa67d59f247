/** What the client hears of a message whose copies fared differently. */
import type { Reply } from '../mail/reply.js';
import { queuedAs } from './replies.js';
import type { Passage, RefusedCopy } from './transit.js';

type Copies = Extract<Passage, { kind: 'copies' }>;

/** The reply to all: the module's own where one copy was all there was and it was delivered, else 250 under the first copy's id. */
export function answerAll({ copies, delivered, refused }: Copies, id: string): Reply {
  const [first] = delivered ?? [];
  if (first && delivered?.length === 1 && copies.length + refused.length === 0) return first.reply;
  return queuedAs(copies[0]?.id ?? first?.copy.id ?? id);
}

/**
 * LMTP (RFC 2033 4.2): a reply for each of `count` recipients. Whose copy a module delivered hears its reply, who has no copy left hears
 * why, the others hear what was said for all; those a hook dropped hear 250.
 */
export function answerEach(count: number, said: Reply, id: string, refused: readonly RefusedCopy[], taken?: Copies): readonly Reply[] {
  const accepted = said.code < 400 ? said : queuedAs(taken?.copies[0]?.id ?? id);
  const answer = (origin: number): Reply | undefined => {
    const delivered = taken?.delivered?.find((copy) => copy.origin === origin);
    if (delivered) return delivered.reply;
    return taken?.origins.includes(origin) ? accepted : refused.find((copy) => copy.origin === origin)?.reply;
  };
  return Array.from({ length: count }, (_, origin) => answer(origin) ?? accepted);
}
