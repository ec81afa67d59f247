/** A bounded look at the MIME structure of what comes in: oddities are noted as a fact, the octets stay as they are. */
import type { Clock } from '../kernel/clock.js';
import { MimeWalk } from '../mail/mime-walk.js';
import type { Body } from '../module/message.js';

/** What one message may cost in time of the loop. */
const BUDGET_MS = 50;
const NAME = '\ncontent-type:';
/** Nothing can be odd about these: one part, and no quotes or comments. */
const PLAIN = /^[ \t]*text\/[a-z]+(?:;[ \t]*[a-z]+=[a-z0-9._-]+)*\r\n(?![ \t])/i;

/** The Content-Type of a header block as it stands, folds included; undefined when there is none, or none that could be odd. `lower`: the block in lower case behind a line feed. */
export function findContentType(block: Buffer, lower: string): string | undefined {
  const at = lower.indexOf(NAME);
  if (at < 0) return undefined;
  const from = at + NAME.length - 1;
  let end = block.indexOf(0x0a, from);
  while (end >= 0 && (block[end + 1] === 0x20 || block[end + 1] === 0x09)) end = block.indexOf(0x0a, end + 1);
  const value = block.toString('latin1', from, end < 0 ? block.length : end + 1);
  return PLAIN.test(value) ? undefined : value;
}

/** Names of what is odd, parted by commas; empty when nothing is. A promise only for a body in a file that has to be read. */
export function lookAtMime(contentType: string, body: Body, looksIntoFiles: boolean, clock: Clock): string | Promise<string> {
  const look = new Look(contentType, clock);
  if (look.isOver) return look.finish();
  if (!body.resident) return looksIntoFiles ? readOn(look, body) : '';
  for (const chunk of body.resident) if (!look.push(chunk)) break;
  return look.finish();
}

async function readOn(look: Look, body: Body): Promise<string> {
  for await (const chunk of body.read()) if (!look.push(chunk)) break;
  return look.finish();
}

/** A walk that counts only its own time, not that of the disk. */
class Look {
  readonly #clock: Clock;
  readonly #walk: MimeWalk;
  #spentMs = 0;
  #since = 0;

  constructor(contentType: string, clock: Clock) {
    this.#clock = clock;
    this.#walk = new MimeWalk(contentType, undefined, {
      longestLine: Number.POSITIVE_INFINITY,
      isLate: () => this.#spentMs + clock.mono() - this.#since > BUDGET_MS,
    });
  }

  get isOver(): boolean {
    return !this.#walk.wantsBody;
  }

  push(chunk: Uint8Array): boolean {
    this.#since = this.#clock.mono();
    const wantsMore = this.#walk.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    this.#spentMs += this.#clock.mono() - this.#since;
    return wantsMore;
  }

  finish(): string {
    return this.#walk.finish().anomalies.join(',');
  }
}
