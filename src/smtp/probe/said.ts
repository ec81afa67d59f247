/** What a server said, read: a reply with its status code, the keywords of its answer to EHLO. */
import { type Reply, reply } from '../../mail/reply.js';

const STATUS = /^([245]\.\d{1,3}\.\d{1,3})(?: |$)/;

/** A reply of its code and the text of each line. A status code counts where it agrees with the code (RFC 2034 4), and is taken off every line that bears it. */
export function readReply(code: number, texts: readonly string[]): Reply {
  const status = STATUS.exec(texts[0] ?? '')?.[1];
  if (status === undefined || Number(status[0]) !== Math.floor(code / 100)) return reply(code, '', texts.join('\n'));
  const bare = texts.map((text) => (STATUS.exec(text)?.[1] === status ? text.slice(status.length + 1) : text));
  return reply(code, status, bare.join('\n'));
}

const KEYWORD = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:[ =](.*))?$/;

/** Keywords in upper case with their parameters, from the lines of a 250 to EHLO; the first is the greeting. What is said twice is joined. */
export function readKeywords(texts: readonly string[]): ReadonlyMap<string, string> {
  const keywords = new Map<string, string>();
  for (const text of texts.slice(1)) {
    const [, word, parameters = ''] = KEYWORD.exec(text.trim()) ?? [];
    if (word === undefined) continue;
    const key = word.toUpperCase();
    const before = keywords.get(key);
    keywords.set(key, before ? `${before} ${parameters.trim()}`.trim() : parameters.trim());
  }
  return keywords;
}
