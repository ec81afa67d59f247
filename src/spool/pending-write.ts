/** A reception that waits for the disk: one object instead of a handful of closures a message. */
import type { Copy } from '../module/copy.js';
import type { EncodedFrame, IdNumbers } from './encode-reception.js';
import type { Part } from './part.js';
import type { Segment } from './segment.js';

/** Something that waits to be durable. */
export interface Entry {
  readonly frame: EncodedFrame;
  /** The octets are durable there; called before `done`, in order. */
  placed(segment: Segment, offset: number): void;
  done(): void;
  failed(error: Error): void;
}

/** A message that ends with another one's arrival. */
export interface End extends IdNumbers {
  readonly ticket: number;
}

/** Where copies go once they are durable, or when they cannot be. */
export interface Landing {
  land(copies: readonly Copy[], ends: readonly End[], segment: Segment, offset: number, length: number): void;
  giveUp(part: Part, copies: readonly Copy[]): void;
}

export class PendingWrite implements Entry {
  readonly frame: EncodedFrame;
  readonly done: () => void;
  readonly #part: Part;
  readonly #copies: readonly Copy[];
  readonly #ends: readonly End[];
  readonly #landing: Landing;
  readonly #reject: (error: unknown) => void;

  constructor(
    frame: EncodedFrame,
    part: Part,
    copies: readonly Copy[],
    ends: readonly End[],
    landing: Landing,
    done: () => void,
    reject: (error: unknown) => void,
  ) {
    this.frame = frame;
    this.#part = part;
    this.#copies = copies;
    this.#ends = ends;
    this.#landing = landing;
    this.done = done;
    this.#reject = reject;
  }

  placed(segment: Segment, offset: number): void {
    this.#landing.land(this.#copies, this.#ends, segment, offset, this.frame.length);
  }

  failed(error: Error): void {
    this.#landing.giveUp(this.#part, this.#copies);
    this.#reject(error);
  }
}
