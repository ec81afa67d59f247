/** The connections through one door: at most so many, who comes later waits in line, what is free is kept for a while. */
import type { Clock, Timer } from '../../kernel/clock.js';

/** A connection as far as rooms know it. */
export interface Lendable {
  readonly hasClosed: boolean;
  /** Says goodbye; the socket is gone some time later. */
  leave(): void;
  whenGone(tell: () => void): void;
}

/** Permission for one connection at a time: it is given back when nobody needs it and every socket that was opened under it is gone. */
export class Slot<C extends Lendable> {
  /** The connection that was kept for this visitor. */
  kept: C | undefined;
  #open = 0;
  #isNeeded = true;
  readonly #back: () => void;

  constructor(back: () => void) {
    this.#back = back;
  }

  /** This connection uses the slot from now on. */
  take(connection: C): void {
    this.#open++;
    connection.whenGone(() => {
      this.#open--;
      this.#settle();
    });
  }

  /** Somebody may open connections under it. */
  reserve(): void {
    this.#isNeeded = true;
  }

  /** Nobody opens connections under it any more. */
  giveUp(): void {
    this.#isNeeded = false;
    this.#settle();
  }

  #settle(): void {
    if (!this.#isNeeded && this.#open === 0) this.#back();
  }
}

interface Waiting<C extends Lendable> {
  readonly most: number;
  start(slot: Slot<C>): void;
}

/** A connection that waits for its next visitor. */
export interface Kept {
  /** Says goodbye to it. */
  dismiss(): void;
}

interface KeptHere<C extends Lendable> extends Kept {
  readonly slot: Slot<C>;
  readonly connection: C;
  readonly timer: Timer;
}

/** Connections kept in all rooms together; the one that waits longest goes first. */
export const MOST_KEPT = 256;

export class Room<C extends Lendable> {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #shelf: Set<Kept>;
  readonly #emptied: () => void;
  /** Slots that are out: of visitors, of kept connections, and of those whose goodbye is not over. */
  #slots = 0;
  readonly #kept: KeptHere<C>[] = [];
  readonly #line = new Set<Waiting<C>>();

  /** `shelf`: what all rooms together keep. `emptied`: no connection is left, and nobody waits. */
  constructor(clock: Pick<Clock, 'after'>, shelf: Set<Kept>, emptied: () => void) {
    this.#clock = clock;
    this.#shelf = shelf;
    this.#emptied = emptied;
  }

  get connections(): number {
    return this.#slots;
  }

  get waiting(): number {
    return this.#line.size;
  }

  /** A slot when fewer than `most` are in use and nobody waits before; with a kept connection where there is one. Rejects with the signal's reason. */
  enter(most: number, signal: AbortSignal): Promise<Slot<C>> {
    if (signal.aborted) return Promise.reject(signal.reason);
    return new Promise((done, fail) => {
      const leave = (): void => {
        this.#line.delete(waiting);
        fail(signal.reason);
        this.#admit();
      };
      const waiting: Waiting<C> = {
        most: Math.max(1, most),
        start: (slot) => {
          signal.removeEventListener('abort', leave);
          done(slot);
        },
      };
      this.#line.add(waiting);
      signal.addEventListener('abort', leave, { once: true });
      this.#admit();
    });
  }

  /** Keeps a connection, and its slot with it, for the next visitor. */
  keep(slot: Slot<C>, connection: C, ms: number): void {
    const kept: KeptHere<C> = {
      slot,
      connection,
      timer: this.#clock.after(ms, () => kept.dismiss()),
      dismiss: () => {
        this.#remove(kept);
        connection.leave();
      },
    };
    this.#kept.push(kept);
    this.#shelf.add(kept);
    slot.giveUp();
    if (this.#shelf.size > MOST_KEPT) this.#shelf.values().next().value?.dismiss();
    this.#admit();
  }

  #admit(): void {
    for (const waiting of this.#line) {
      if (this.#slots - this.#kept.length >= waiting.most) return;
      const kept = this.#kept.at(-1);
      this.#line.delete(waiting);
      if (kept) {
        this.#remove(kept);
        kept.slot.reserve();
        kept.slot.kept = kept.connection;
        waiting.start(kept.slot);
      } else waiting.start(this.#makeSlot());
    }
    if (this.#slots === 0) this.#emptied();
  }

  #makeSlot(): Slot<C> {
    this.#slots++;
    const slot: Slot<C> = new Slot(() => {
      const kept = this.#kept.find((each) => each.slot === slot);
      if (kept) this.#remove(kept);
      this.#slots--;
      this.#admit();
    });
    return slot;
  }

  #remove(kept: KeptHere<C>): void {
    kept.timer.cancel();
    this.#shelf.delete(kept);
    this.#kept.splice(this.#kept.indexOf(kept), 1);
  }
}
