/** Replies that no rule knows: counted by what is left when names and numbers are masked, so that rules can be written for them. */
import { Lru } from '../kernel/lru.js';

export interface Unknown {
  /** The reply with addresses, hosts and numbers masked. */
  readonly masked: string;
  /** The newest one as it came. */
  last: string;
  count: number;
}

/** Different replies that are remembered; the one that was seen longest ago goes first. */
const MOST = 1000;
const LONGEST = 500;

/** Replaces what differs from mail to mail. Three linear passes over at most 500 characters. */
export function maskReply(reply: string): string {
  return reply
    .slice(0, LONGEST)
    .replace(/[^\s<>()[\]"',;:=]{1,64}@[^\s<>()[\]"',;:=]{1,255}/g, 'ADDRESS')
    .replace(/\b(?:\d{1,3}\.){3}\d{1,3}\b|\b[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){3,7}\b/gi, 'IP')
    .replace(/\b(?=\w{0,40}\d)\w{6,40}\b/g, 'ID');
}

export class Unknowns {
  readonly #seen = new Lru<Unknown>({ capacity: MOST });
  #total = 0;

  /** Replies since the start, told apart or not. */
  get total(): number {
    return this.#total;
  }

  note(reply: string): void {
    this.#total++;
    const masked = maskReply(reply);
    const known = this.#seen.get(masked);
    if (known) {
      known.count++;
      known.last = reply.slice(0, LONGEST);
    } else this.#seen.set(masked, { masked, last: reply.slice(0, LONGEST), count: 1 });
  }

  /** Most frequent first. */
  list(): readonly Unknown[] {
    return [...this.#seen.entries()].flatMap(([, unknown]) => unknown ?? []).sort((a, b) => b.count - a.count);
  }

  clear(): number {
    return this.#seen.clear();
  }
}
