/** Reads the replies of a remote server from what its socket brings: bounded, linear, and strict where guessing could lose mail. */
import { type Reply, reply } from './reply.js';

/** What a hostile or broken server did: the reply counts as a transient failure and the connection is closed. */
export type ReplyProblem = 'line too long' | 'too many lines' | 'reply too long' | 'no code' | 'mixed codes' | 'control character';

export interface ReplyLimits {
  /** Octets of a line, its line end included. */
  readonly lineBytes: number;
  readonly lines: number;
  /** Octets of a reply. */
  readonly bytes: number;
}

export const REPLY_LIMITS: ReplyLimits = { lineBytes: 2048, lines: 100, bytes: 65_536 };

const LF = 0x0a;
const LINE = /^([2-5]\d\d)(?:([ -])(?:([2-5]\.\d{1,3}\.\d{1,3})(?: |$))?(.*))?$/s;
/** C0 without TAB, and DEL. */
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;
const NOTHING = Buffer.alloc(0);

/** One a connection. `push` what comes, `next` until it answers nothing. After a problem it answers nothing any more. */
export class ReplyReader {
  readonly #limits: ReplyLimits;
  #pending: Buffer = NOTHING;
  /** Octets of `#pending` in which no line end was found. */
  #searched = 0;
  #code = '';
  #status = '';
  #text: string[] = [];
  #bytes = 0;
  #broken = false;

  constructor(limits: ReplyLimits = REPLY_LIMITS) {
    this.#limits = limits;
  }

  /** Nothing of a reply waits in here. A client that is about to speak expects that. */
  get isEmpty(): boolean {
    return this.#pending.length === 0 && this.#code === '';
  }

  push(chunk: Buffer): void {
    if (this.#broken) return;
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
  }

  /** The next whole reply, what is wrong with it, or undefined when more must come. A line may end with LF alone: old servers do so. */
  next(): Reply | { readonly problem: ReplyProblem } | undefined {
    while (!this.#broken) {
      const end = this.#pending.indexOf(LF, this.#searched);
      if (end < 0) {
        this.#searched = this.#pending.length;
        return this.#searched > this.#limits.lineBytes ? this.#fail('line too long') : undefined;
      }
      if (end + 1 > this.#limits.lineBytes) return this.#fail('line too long');
      const line = this.#pending.toString('utf8', 0, end).replace(/\r$/, '');
      this.#pending = end + 1 === this.#pending.length ? NOTHING : this.#pending.subarray(end + 1);
      this.#searched = 0;
      this.#bytes += end + 1;
      const done = this.#take(line);
      if (done) return done;
    }
    return undefined;
  }

  #take(line: string): Reply | { readonly problem: ReplyProblem } | undefined {
    if (this.#bytes > this.#limits.bytes) return this.#fail('reply too long');
    if (CONTROL.test(line)) return this.#fail('control character');
    const found = LINE.exec(line);
    if (!found?.[1]) return this.#fail('no code');
    const [, code, mark, status = '', text = ''] = found;
    if (this.#code === '') this.#code = code;
    else if (this.#code !== code) return this.#fail('mixed codes');
    if (this.#text.length >= this.#limits.lines) return this.#fail('too many lines');
    if (this.#status === '') this.#status = status;
    // A status that differs from the first one stays part of its line.
    this.#text.push(status === '' || status === this.#status ? text : `${status} ${text}`);
    if (mark === '-') return undefined;
    const whole = reply(Number(this.#code), this.#status, this.#text.join('\n'));
    this.#code = this.#status = '';
    this.#text = [];
    this.#bytes = 0;
    return whole;
  }

  #fail(problem: ReplyProblem): { readonly problem: ReplyProblem } {
    this.#broken = true;
    this.#pending = NOTHING;
    return { problem };
  }
}
