/** Replies out of what a server sends: bounded, tolerant of line ends, so that a strange server is described and not believed. */

/** One reply; code 0 is a line that is none. */
export interface ProbeReply {
  readonly code: number;
  /** Its lines joined by LF, codes included. */
  readonly text: string;
}

/** More than this of one server is not read. */
const MOST_OCTETS = 1 << 20;

export class ReplyReader {
  #rest = '';
  #lines: string[] = [];
  #octets = 0;

  /** Says whether the server has sent more than anybody needs. */
  get isFlooded(): boolean {
    return this.#octets > MOST_OCTETS;
  }

  /** Takes octets (as latin1) and answers the replies they complete. */
  read(text: string): ProbeReply[] {
    this.#octets += text.length;
    if (this.isFlooded) return [];
    const parts = (this.#rest + text).split('\n');
    this.#rest = parts.pop() ?? '';
    const replies: ProbeReply[] = [];
    for (const part of parts) {
      const line = part.endsWith('\r') ? part.slice(0, -1) : part;
      this.#lines.push(line);
      if (/^\d{3}-/.test(line)) continue;
      const code = /^\d{3}(?: |$)/.test(line) ? Number(line.slice(0, 3)) : 0;
      replies.push({ code, text: this.#lines.join('\n') });
      this.#lines = [];
    }
    return replies;
  }
}

/** Keywords of an EHLO reply, in capitals, each with its words; the first line is the server's name and left out. */
export function readKeywords(reply: ProbeReply): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of reply.text.split('\n').slice(1)) {
    const [, name = '', words = ''] = /^\d{3}[ -]([A-Za-z0-9-]+)[ =]?(.*)$/.exec(line) ?? [];
    if (name !== '') found.set(name.toUpperCase(), words);
  }
  return found;
}
