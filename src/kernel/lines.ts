/** Lines out of chunks, with a cap on their length, and a word about line ends that are not CR LF. */

const LF = 0x0a;
const CR = 0x0d;
const NOTHING = Buffer.alloc(0);

export interface Line {
  /** Without its line end. A slice: copy it when it must outlive the chunk. */
  readonly bytes: Buffer;
  /** Ended by LF alone. */
  readonly bareLf: boolean;
  /** Has a CR inside that no LF follows. */
  readonly bareCr: boolean;
  /** Was longer than the cap: these are its first octets, the rest was dropped. */
  readonly cut: boolean;
}

/** One a stream: `push` what comes, `next` until it answers nothing. Holds at most the cap plus what was pushed last. */
export class Lines {
  readonly #cap: number;
  #pending: Buffer = NOTHING;
  /** Octets of `#pending` in which there is no LF. */
  #searched = 0;
  /** Rest of a line that was cut: drop everything up to the next LF. */
  #dropping: Buffer | undefined;

  /** `cap`: octets of a line at most, its line end not counted. */
  constructor(cap: number) {
    this.#cap = cap;
  }

  /** Octets that wait for their line end. */
  get pendingBytes(): number {
    return this.#pending.length;
  }

  push(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
  }

  next(): Line | undefined {
    const end = this.#pending.indexOf(LF, this.#searched);
    if (end < 0) {
      this.#keepShort();
      return undefined;
    }
    const whole = this.#pending.subarray(0, end);
    const endsWithCr = end > 0 && whole[end - 1] === CR;
    this.#pending = end + 1 === this.#pending.length ? NOTHING : this.#pending.subarray(end + 1);
    this.#searched = 0;
    const start = this.#dropping;
    this.#dropping = undefined;
    if (start) return describe(start, !endsWithCr, true);
    const bytes = endsWithCr ? whole.subarray(0, end - 1) : whole;
    return bytes.length > this.#cap ? describe(bytes.subarray(0, this.#cap), !endsWithCr, true) : describe(bytes, !endsWithCr, false);
  }

  /** What came after the last line end, when the stream is over; undefined when there is nothing. */
  rest(): Buffer | undefined {
    const rest = this.#dropping ?? this.#pending;
    this.#pending = NOTHING;
    this.#searched = 0;
    this.#dropping = undefined;
    return rest.length === 0 ? undefined : rest;
  }

  #keepShort(): void {
    // One more for a CR whose LF may still come.
    if (this.#pending.length > this.#cap + 1) {
      this.#dropping ??= Buffer.from(this.#pending.subarray(0, this.#cap));
      this.#pending = this.#pending[this.#pending.length - 1] === CR ? CR_ALONE : NOTHING;
    }
    this.#searched = this.#pending.length;
  }
}

const CR_ALONE = Buffer.from([CR]);

const describe = (bytes: Buffer, bareLf: boolean, cut: boolean): Line => ({ bytes, bareLf, bareCr: bytes.includes(CR), cut });
