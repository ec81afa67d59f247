/** Mail that operators set aside: single messages, and everything of a sender, also what is still to come. */
import type { Copy } from '../module/copy.js';
import { LIST } from './entries.js';
import { MARKS } from './marks.js';
import type { ReadBack } from './read-back.js';
import { isFrom } from './selection.js';
import type { Stock } from './stock.js';

/** Senders that may be held at the same time: each is looked at for every mail that is handed out. */
const MOST_SENDERS = 100;
/** Records read at the same time. */
const AT_ONCE = 32;

export class Custody {
  readonly #stock: Stock;
  readonly #readBack: ReadBack;
  readonly #senders = new Set<string>();
  /** Senders that were released while old mail is still read; undefined when it is not. */
  #late: Set<string> | undefined;
  #released: string[] = [];

  constructor(stock: Stock, readBack: ReadBack) {
    this.#stock = stock;
    this.#readBack = readBack;
  }

  /** Senders whose mail is held. */
  get senders(): readonly string[] {
    return [...this.#senders];
  }

  /** The mail is one of a sender that is held. */
  claims(mail: Copy): boolean {
    if (this.#senders.size === 0) return false;
    for (const sender of this.#senders) if (isFrom(mail.sender, sender)) return true;
    return false;
  }

  /** Sets a mail aside; a restart keeps it so. */
  setAside(ticket: number): void {
    const { entries, residents, spool } = this.#stock;
    const lastReply = residents.at(ticket)?.lastReply ?? '';
    this.#stock.hold(ticket);
    spool.change(ticket, entries.attempts(ticket), MARKS.held, lastReply);
  }

  /**
   * From now on mail of a sender is set aside when its turn comes or when it comes in; in memory only, a restart forgets the sender
   * and keeps what was set aside. False when too many are held already.
   */
  holdSender(sender: string): boolean {
    if (this.#senders.size >= MOST_SENDERS) return false;
    this.#senders.add(sender.toLowerCase());
    this.#late?.delete(sender.toLowerCase());
    return true;
  }

  /** Old mail is read from now on until `endReading`: what is released meanwhile is released of it too. */
  beginReading(): void {
    this.#late = new Set();
  }

  /** All old mail has been read. */
  async endReading(signal: AbortSignal): Promise<void> {
    const late = this.#late ?? new Set();
    this.#late = undefined;
    for (const sender of late) if (!this.#senders.has(sender)) await this.#releaseAll(sender, signal);
  }

  /** Senders released since the last call, for workers that no command reaches. */
  takeReleased(): readonly string[] {
    const released = this.#released;
    this.#released = [];
    return released;
  }

  /**
   * Lets the mail of a sender go again; answers how many were set aside so far, undefined when the sender was not held and has none.
   * While old mail is read nobody knows whether it has some.
   */
  async releaseSender(sender: string, signal: AbortSignal): Promise<number | undefined> {
    const name = sender.toLowerCase();
    const wasHeld = this.#senders.delete(name) || this.#late !== undefined;
    this.#late?.add(name);
    if (this.#released.length < MOST_SENDERS) this.#released.push(name);
    const count = await this.#releaseAll(sender, signal);
    return wasHeld || count > 0 ? count : undefined;
  }

  async #releaseAll(sender: string, signal: AbortSignal): Promise<number> {
    const { entries, places } = this.#stock;
    const held: number[] = [];
    for (const place of places) held.push(...entries.walk(place.index, LIST.held));
    let count = 0;
    for (let next = 0; next < held.length; next += AT_ONCE) {
      signal.throwIfAborted();
      const freed = await Promise.all(held.slice(next, next + AT_ONCE).map((ticket) => this.#release(ticket, sender)));
      count += freed.filter(Boolean).length;
    }
    return count;
  }

  /** Makes a mail due that an operator set aside; one that a policy set aside stays. */
  async #release(ticket: number, sender: string): Promise<boolean> {
    const { entries, spool, anchor } = this.#stock;
    const id = spool.id(ticket);
    const mail = await this.#readBack.read(ticket).catch(() => undefined);
    if (!mail || mail.quarantined !== undefined || !isFrom(mail.sender, sender)) return false;
    if (entries.list(ticket) !== LIST.held || spool.id(ticket) !== id) return false;
    const now = anchor.mono();
    spool.change(ticket, entries.attempts(ticket), anchor.wallOf(now), mail.lastReply);
    this.#stock.makeDue(ticket, now);
    return true;
  }
}
