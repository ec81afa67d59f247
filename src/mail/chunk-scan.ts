/** Reads the octets of BDAT chunks (RFC 3030): no end mark, no stuffed dots; the same facts as for DATA. */
import { DataScan, type HalfFacts } from './data-scan.js';

const DOT = 0x2e;
const LF = 0x0a;
const CR = 0x0d;
const STUFFED = Buffer.from('.', 'latin1');

/** Stuffs what comes, so that one scanner decides about both ways in. */
export class ChunkScan {
  readonly #scan = new DataScan();
  /** Octets back: 0 = CRLF stands before the next octet. */
  #atLineStart = true;
  #afterCr = false;

  push(chunk: Buffer): void {
    let from = 0;
    for (let i = 0; i < chunk.length; ) {
      if (this.#atLineStart && chunk[i] === DOT) {
        this.#scan.push(chunk.subarray(from, i));
        this.#scan.push(STUFFED);
        from = i;
      }
      const lf = chunk.indexOf(LF, i);
      if (lf < 0) {
        this.#afterCr = chunk[chunk.length - 1] === CR;
        this.#atLineStart = false;
        break;
      }
      this.#atLineStart = lf > 0 ? chunk[lf - 1] === CR : this.#afterCr;
      i = lf + 1;
      this.#afterCr = false;
    }
    if (from < chunk.length) this.#scan.push(chunk.subarray(from));
  }

  get size(): number {
    return this.#scan.size;
  }
  get header(): Buffer[] {
    return this.#scan.header;
  }
  get body(): Buffer[] {
    return this.#scan.body;
  }
  get headerFacts(): HalfFacts {
    return this.#scan.headerFacts;
  }
  get bodyFacts(): HalfFacts {
    return this.#scan.bodyFacts;
  }
  get dots(): boolean {
    return this.#scan.dots;
  }
  get eightBit(): boolean {
    return this.#scan.eightBit;
  }
  get hasNul(): boolean {
    return this.#scan.hasNul;
  }
  get headerEnded(): boolean {
    return this.#scan.headerEnded;
  }
  takeBody(): Buffer[] {
    return this.#scan.takeBody();
  }
}
