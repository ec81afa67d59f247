/** Gathers what goes out together into one write: small groups in one buffer that is used again and again, large ones by reference. */
import type { Writable } from 'node:stream';
import type { Trace } from './terms.js';

/** A group up to this size is copied into the buffer; it fits into any fresh socket, so the system takes it at once. */
const COPIED_BYTES = 16_384;

/** One group at a time: add texts and octets, then `send`. Shared by all connections of a process; nothing is kept between sends. */
export class Outbox {
  #buffer = Buffer.allocUnsafeSlow(COPIED_BYTES);
  #used = 0;
  /** Parts that do not fit; the buffer's share of them was cut off into `#large` too. */
  readonly #large: Uint8Array[] = [];

  text(text: string): void {
    // Three octets per UTF-16 unit is the most that UTF-8 takes.
    if (text.length * 3 > COPIED_BYTES - this.#used) {
      this.bytes(Buffer.from(text, 'utf8'));
      return;
    }
    this.#used += this.#buffer.write(text, this.#used, 'utf8');
  }

  bytes(bytes: Uint8Array): void {
    if (bytes.length <= COPIED_BYTES - this.#used) {
      this.#buffer.set(bytes, this.#used);
      this.#used += bytes.length;
      return;
    }
    this.#spill();
    this.#large.push(bytes);
  }

  /** Writes the group. False when the stream wants a pause. */
  send(stream: Writable, isEncrypted: boolean, trace?: Trace): boolean {
    if (this.#large.length > 0) {
      this.#spill();
      if (trace) for (const part of this.#large) trace('sent', part);
      stream.cork();
      for (const part of this.#large) stream.write(part);
      stream.uncork();
      this.#large.length = 0;
      return !stream.writableNeedDrain;
    }
    const group = this.#buffer.subarray(0, this.#used);
    this.#used = 0;
    trace?.('sent', group);
    if (isEncrypted) return stream.write(Buffer.from(group));
    const goesOn = stream.write(group);
    // The system did not take all of it at once: the stream still holds the buffer.
    if (stream.writableLength > 0) this.#buffer = Buffer.allocUnsafeSlow(COPIED_BYTES);
    return goesOn;
  }

  #spill(): void {
    if (this.#used === 0) return;
    this.#large.push(Buffer.from(this.#buffer.subarray(0, this.#used)));
    this.#used = 0;
  }
}
