/** Encoders of RFC 2045 that take octets as they come and keep every line short: nothing of a message has to be held for them. */

const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const TAB = 0x09;
const EQUALS = 0x3d;
const HYPHEN = 0x2d;
const NOTHING = -1;
/** RFC 2045 6.7 and 6.8: lines of at most 76 characters. */
const WIDTH = 76;
const HEX = Buffer.from('0123456789ABCDEF', 'latin1');
const CRLF = Buffer.from('\r\n', 'latin1');

/** Turns chunks into other chunks. `end` answers what was held back. */
export interface Recoder {
  push(chunk: Buffer): Buffer;
  end(): Buffer;
}

/** Text with CRLF to quoted-printable. A hyphen at the start of a line is encoded: no line can become a boundary. */
export class QuotedPrintable implements Recoder {
  #held = NOTHING;
  #column = 0;
  #out = Buffer.alloc(0);
  #at = 0;

  push(chunk: Buffer): Buffer {
    // Each octet becomes three at most, and a soft break of three comes once in 25 of them at the most.
    this.#out = Buffer.allocUnsafe(chunk.length * 4 + 16);
    this.#at = 0;
    for (let i = 0; i < chunk.length; i++) this.#take(chunk[i] as number);
    return this.#out.subarray(0, this.#at);
  }

  end(): Buffer {
    this.#out = Buffer.allocUnsafe(16);
    this.#at = 0;
    if (this.#held !== NOTHING) this.#escape(this.#held);
    this.#held = NOTHING;
    return this.#out.subarray(0, this.#at);
  }

  #take(octet: number): void {
    const held = this.#held;
    this.#held = NOTHING;
    if (held === CR) {
      if (octet === LF) {
        this.#put(CR);
        this.#put(LF);
        this.#column = 0;
        return;
      }
      this.#escape(CR);
    } else if (held !== NOTHING) {
      // A blank may not end a line.
      if (octet === CR) this.#escape(held);
      else this.#write(held);
    }
    if (octet === CR || octet === SPACE || octet === TAB) this.#held = octet;
    else if (octet > SPACE && octet < 0x7f && octet !== EQUALS) this.#write(octet);
    else this.#escape(octet);
  }

  #write(octet: number) {
    if (this.#column >= WIDTH - 1) this.#breakLine();
    if (octet === HYPHEN && this.#column === 0) return this.#escape(octet);
    this.#put(octet);
    this.#column++;
  }

  #escape(octet: number): void {
    if (this.#column >= WIDTH - 3) this.#breakLine();
    this.#put(EQUALS);
    this.#put(HEX[octet >> 4] as number);
    this.#put(HEX[octet & 15] as number);
    this.#column += 3;
  }

  #breakLine(): void {
    this.#put(EQUALS);
    this.#put(CR);
    this.#put(LF);
    this.#column = 0;
  }

  #put(octet: number): void {
    this.#out[this.#at++] = octet;
  }
}

/** Any octets to base64, each line of it complete. */
export class Base64 implements Recoder {
  /** Octets in one line. */
  static readonly #LINE = 57;
  #rest: Buffer = Buffer.alloc(0);
  readonly #endsLine: boolean;

  /** `endsLine`: the last line gets its end too, for a body that nothing follows. */
  constructor(endsLine: boolean) {
    this.#endsLine = endsLine;
  }

  push(chunk: Buffer): Buffer {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    const whole = bytes.length - (bytes.length % Base64.#LINE);
    // The last line waits: whether a line end belongs behind it is known at the end.
    const until = whole === bytes.length ? Math.max(0, whole - Base64.#LINE) : whole;
    this.#rest = Buffer.from(bytes.subarray(until));
    let text = '';
    for (let at = 0; at < until; at += Base64.#LINE) text += `${bytes.toString('base64', at, at + Base64.#LINE)}\r\n`;
    return Buffer.from(text, 'latin1');
  }

  end(): Buffer {
    const text = this.#rest.toString('base64');
    this.#rest = Buffer.alloc(0);
    return Buffer.from(text === '' || !this.#endsLine ? text : `${text}\r\n`, 'latin1');
  }
}

/** Puts line ends into what is encoded already: their decoders do not see them. */
export class Rewrap implements Recoder {
  readonly #softBreaks: boolean;
  #column = 0;
  #escapeLeft = 0;

  /** `softBreaks`: the text is quoted-printable; else base64. */
  constructor(softBreaks: boolean) {
    this.#softBreaks = softBreaks;
  }

  push(chunk: Buffer): Buffer {
    const out = Buffer.allocUnsafe(chunk.length * 2 + 16);
    let at = 0;
    for (let i = 0; i < chunk.length; i++) {
      const octet = chunk[i] as number;
      if (octet === CR || octet === LF) {
        this.#column = 0;
        this.#escapeLeft = 0;
      } else if (!this.#softBreaks) {
        if (this.#column === WIDTH) {
          at += CRLF.copy(out, at);
          this.#column = 0;
        }
        this.#column++;
      } else {
        const full = octet === EQUALS ? this.#column >= WIDTH - 3 : this.#column >= WIDTH - 1 && this.#escapeLeft === 0;
        if (full) {
          out[at++] = EQUALS;
          at += CRLF.copy(out, at);
          this.#column = 0;
          if (octet === HYPHEN) {
            at += out.write('=2D', at, 'latin1');
            this.#column = 3;
            continue;
          }
        }
        this.#escapeLeft = octet === EQUALS ? 2 : Math.max(0, this.#escapeLeft - 1);
        this.#column++;
      }
      out[at++] = octet;
    }
    return out.subarray(0, at);
  }

  end(): Buffer {
    return Buffer.alloc(0);
  }
}

/** Folds what is neither shown nor encoded (before the first and behind the last part) and what reads like a header. */
export class Fold implements Recoder {
  readonly #limit: number;
  #column = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(chunk: Buffer): Buffer {
    const parts: Buffer[] = [];
    let from = 0;
    for (let i = 0; i < chunk.length; i++) {
      const octet = chunk[i];
      if (octet === LF) this.#column = 0;
      else if (octet !== CR && this.#column++ >= this.#limit) {
        parts.push(chunk.subarray(from, i), CRLF, Buffer.from(' ', 'latin1'));
        from = i;
        this.#column = 2;
      }
    }
    parts.push(chunk.subarray(from));
    return parts.length === 1 ? chunk : Buffer.concat(parts);
  }

  end(): Buffer {
    return Buffer.alloc(0);
  }
}
