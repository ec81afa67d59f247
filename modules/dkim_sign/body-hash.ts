/** Hash of a body in its canonical form (RFC 6376 3.4.3, 3.4.4), chunk by chunk; octets that are canonical already are not copied. */
import { createHash, type Hash } from 'node:crypto';
import type { Canon } from './canon.js';

const CR = 0x0d;
const LF = 0x0a;
const TAB = 0x09;
const SPACE = 0x20;
const LINE_ENDS = Buffer.from('\r\n'.repeat(512), 'latin1');
const LONE_CR = Buffer.from('\r', 'latin1');
const SPACE_CR = Buffer.from(' \r', 'latin1');

export interface BodyDigest {
  /** Base64. */
  readonly hash: string;
  /** Octets of the canonical body that were hashed. */
  readonly octets: number;
}

export class BodyHash {
  readonly #hash: Hash;
  readonly #relaxed: boolean;
  readonly #limit: number;
  #octets = 0;
  /** Line ends that may be the empty lines at the end, which do not count. */
  #lineEnds = 0;
  /** The last octet was a CR, and it was not decided yet what it is. */
  #cr = false;
  /** Blanks came that may stand at the end of a line (relaxed). */
  #space = false;
  /** A CR came behind such blanks. */
  #spaceCr = false;
  #written = false;

  /** `limit` is what l= allows to be signed. */
  constructor(algorithm: 'sha1' | 'sha256', canon: Canon, limit = Number.POSITIVE_INFINITY) {
    this.#hash = createHash(algorithm);
    this.#relaxed = canon === 'relaxed';
    this.#limit = limit;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    this.#end(this.#relaxed ? this.#relax(bytes) : bytes);
  }

  /** The end of the body. Call it once. */
  finish(): BodyDigest {
    if (this.#spaceCr) this.#end(SPACE_CR);
    if (this.#cr) {
      this.#flush();
      this.#write(LONE_CR);
    }
    // An empty body is one line end in the simple form and nothing in the relaxed one; any other ends with exactly one.
    if (this.#written || !this.#relaxed) this.#write(LINE_ENDS.subarray(0, 2));
    return { hash: this.#hash.digest('base64'), octets: this.#octets };
  }

  /** Blanks before a line end go, other runs of blanks become one space. The same Buffer when nothing has to change. */
  #relax(bytes: Buffer): Buffer {
    const carried = this.#space || this.#spaceCr;
    const clean = carried ? 0 : countClean(bytes);
    if (clean === bytes.length) return bytes;
    const out = Buffer.allocUnsafe(bytes.length + 2);
    bytes.copy(out, 0, 0, clean);
    let n = clean;
    let space = this.#space;
    if (this.#spaceCr) {
      // Blanks and CR came before: with LF now they were the end of a line.
      if (bytes[0] !== LF) out[n++] = SPACE;
      out[n++] = CR;
      this.#spaceCr = false;
    }
    for (let i = clean; i < bytes.length; i++) {
      const c = bytes[i] as number;
      if (c === SPACE || c === TAB) {
        space = true;
        continue;
      }
      if (space) {
        space = false;
        if (c === CR && i + 1 === bytes.length) {
          this.#spaceCr = true;
          break;
        }
        if (c !== CR || bytes[i + 1] !== LF) out[n++] = SPACE;
      }
      out[n++] = c;
    }
    this.#space = space;
    return out.subarray(0, n);
  }

  /** Holds line ends back until something follows them. */
  #end(bytes: Buffer): void {
    const n = bytes.length;
    if (n === 0) return;
    let from = 0;
    if (this.#cr) {
      this.#cr = false;
      if (bytes[0] === LF) {
        this.#lineEnds++;
        from = 1;
      } else {
        this.#flush();
        this.#write(LONE_CR);
      }
    }
    while (from + 1 < n && bytes[from] === CR && bytes[from + 1] === LF) {
      this.#lineEnds++;
      from += 2;
    }
    if (from === n) return;
    let to = n;
    if (bytes[n - 1] === CR) {
      this.#cr = true;
      to--;
      if (from === to) return;
    }
    let tail = 0;
    while (to - 2 >= from && bytes[to - 1] === LF && bytes[to - 2] === CR) {
      to -= 2;
      tail++;
    }
    this.#flush();
    this.#write(bytes.subarray(from, to));
    this.#lineEnds = tail;
  }

  #flush(): void {
    for (let left = this.#lineEnds; left > 0; left -= 512) this.#write(LINE_ENDS.subarray(0, 2 * Math.min(left, 512)));
    this.#lineEnds = 0;
  }

  #write(bytes: Buffer): void {
    this.#written = true;
    const room = this.#limit - this.#octets;
    if (room <= 0 || bytes.length === 0) return;
    const part = bytes.length <= room ? bytes : bytes.subarray(0, room);
    this.#hash.update(part);
    this.#octets += part.length;
  }
}

/** How many octets from the start on are relaxed already: no TAB, and every space between two octets that are no blanks or CR. */
function countClean(bytes: Buffer): number {
  const last = bytes.length - 1;
  for (let i = 0; i <= last; i++) {
    const c = bytes[i] as number;
    if (c > SPACE) continue;
    if (c === TAB) return i;
    if (c !== SPACE) continue;
    if (i === last) return i;
    const next = bytes[i + 1] as number;
    if (next === SPACE || next === TAB || next === CR) return i;
  }
  return bytes.length;
}
