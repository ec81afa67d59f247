/**
 * Message, batch and connection ids in Momentum's form: `CC/CC-PPPPP-SSSSSSSS`, where the counter (16 bits) and the
 * slot (32 bits of epoch seconds) are written as hexadecimal digits in reverse order and the pid field is decimal.
 * The pid is an incarnation here: a number that is durable before the first id of a start is given out.
 */
import type { Clock } from './clock.js';

export interface IdParts {
  /** Epoch seconds, 32 bits. */
  readonly slot: number;
  /** 16 bits. */
  readonly incarnation: number;
  /** 16 bits. */
  readonly counter: number;
}

/** Octets of an encoded id. */
export const ID_BYTES = 8;

const reverse = (text: string): string => {
  let result = '';
  for (let i = text.length - 1; i >= 0; i--) result += text.charAt(i);
  return result;
};

/** Reversed four-digit forms of all counters would be 65,536 strings; two halves are 256 each. */
const REVERSED_BYTE: readonly string[] = Array.from({ length: 256 }, (_, n) => reverse(n.toString(16).toUpperCase().padStart(2, '0')));

const slotText = (slot: number): string => reverse((slot >>> 0).toString(16).toUpperCase().padStart(8, '0'));

/** Text form of the parts. */
export function formatId({ slot, incarnation, counter }: IdParts): string {
  return `${REVERSED_BYTE[counter & 0xff]}/${REVERSED_BYTE[counter >>> 8]}-${String(incarnation).padStart(5, '0')}-${slotText(slot)}`;
}

const FORM = /^([0-9A-F]{2})\/([0-9A-F]{2})-(\d{5})-([0-9A-F]{8})$/i;

/** Parts of a text form, or undefined when it is none. */
export function parseId(text: string): IdParts | undefined {
  const found = FORM.exec(text);
  if (!found) return undefined;
  const [, low = '', high = '', pid = '', slot = ''] = found;
  const incarnation = Number(pid);
  if (incarnation > 0xffff) return undefined;
  return { slot: Number.parseInt(reverse(slot), 16), incarnation, counter: Number.parseInt(reverse(low + high), 16) };
}

/** Writes an id as 8 octets. Throws RangeError when the text is no id. */
export function encodeId(text: string, into: Buffer, at: number): void {
  const parts = parseId(text);
  if (!parts) throw new RangeError(`"${text}" is no message id`);
  into.writeUInt32BE(parts.slot, at);
  into.writeUInt16BE(parts.incarnation, at + 4);
  into.writeUInt16BE(parts.counter, at + 6);
}

/** Text form of 8 octets. */
export function decodeId(buffer: Buffer, at: number): string {
  return formatId({ slot: buffer.readUInt32BE(at), incarnation: buffer.readUInt16BE(at + 4), counter: buffer.readUInt16BE(at + 6) });
}

/** Gives out ids: the slot is the second, or one more when the counter wrapped; never backwards, whatever the clock does. */
export class IdSource {
  readonly #clock: Clock;
  readonly #middle: string;
  #slot: number;
  #slotText: string;
  #counter = 0;

  /** `floorSlot` is the highest slot in use; ids begin above it. */
  constructor(clock: Clock, incarnation: number, floorSlot = 0) {
    this.#clock = clock;
    this.#middle = `-${String(incarnation & 0xffff).padStart(5, '0')}-`;
    this.#slot = Math.max(this.#second(), floorSlot + 1);
    this.#slotText = slotText(this.#slot);
  }

  /** The next id; unique for this incarnation. */
  next(): string {
    const second = this.#second();
    if (second > this.#slot) this.#moveTo(second);
    else if (this.#counter > 0xffff) this.#moveTo(this.#slot + 1);
    const counter = this.#counter;
    this.#counter = counter + 1;
    return `${REVERSED_BYTE[counter & 0xff]}/${REVERSED_BYTE[counter >>> 8]}${this.#middle}${this.#slotText}`;
  }

  #second(): number {
    return Math.floor(this.#clock.now() / 1000) >>> 0;
  }

  #moveTo(slot: number): void {
    this.#slot = slot;
    this.#slotText = slotText(slot);
    this.#counter = 0;
  }
}
