/** A spool that forgets: for tests, and for measuring what durability costs. */
import type { Copy } from '../module/copy.js';
import { bodyOf } from '../module/copy.js';
import type { Body } from '../module/message.js';
import type { PlaceParts } from '../module/place.js';
import type { Found, LargeBody, RecoveryReport, Spool } from '../module/spool.js';
import { placeText } from './place-names.js';
import { problems } from './problems.js';
import { isThere } from './sweep.js';

export class MemorySpool implements Spool {
  readonly #copies = new Map<number, Copy>();
  readonly #free: number[] = [];
  #next = 0;
  refusing: string | undefined;
  blocked: string | undefined;

  async write(copies: readonly Copy[]): Promise<void> {
    if (this.refusing !== undefined) throw problems.DISK(this.refusing);
    for (const copy of copies) {
      copy.ticket = this.#free.pop() ?? this.#next++;
      this.#copies.set(copy.ticket, copy);
    }
  }

  async hold(copies: readonly Copy[]): Promise<boolean> {
    const mayWait = copies.every(({ unspooled, content }) => unspooled !== undefined && content.file === undefined);
    if (mayWait) await this.write(copies);
    return mayWait;
  }

  evict(): void {
    // There is nothing but memory.
  }

  async writeHeld(): Promise<void> {}

  async replace(gone: readonly number[], copies: readonly Copy[]): Promise<void> {
    await this.write(copies);
    for (const ticket of gone) this.gone(ticket);
  }

  async read(ticket: number): Promise<Copy> {
    const copy = this.#copies.get(ticket);
    if (!copy) throw problems.GONE(String(ticket));
    return copy;
  }

  change(ticket: number, attempts: number, nextAttempt: number, lastReply: string): void {
    const copy = this.#copies.get(ticket);
    if (!copy) return;
    copy.attempts = attempts;
    copy.nextAttempt = nextAttempt;
    copy.lastReply = lastReply;
  }

  async changeAll(where: PlaceParts, nextAttempt: number, lastReply: string): Promise<void> {
    for (const copy of this.#copies.values()) if (isThere(where, placeText(copy.place))) Object.assign(copy, { nextAttempt, lastReply });
  }

  gone(ticket: number): void {
    if (this.#copies.delete(ticket)) this.#free.push(ticket);
  }

  async purge(tickets: readonly number[]): Promise<void> {
    for (const ticket of tickets) this.gone(ticket);
  }

  move(ticket: number, place: { readonly group: string; readonly binding: string; readonly domain: string }): void {
    const copy = this.#copies.get(ticket);
    if (copy) copy.place = { ...place, index: -1 };
  }

  id(ticket: number): string {
    return this.#copies.get(ticket)?.id ?? '';
  }

  find(id: string): number | undefined {
    for (const [ticket, copy] of this.#copies) if (copy.id === id) return ticket;
    return undefined;
  }

  async openLarge(): Promise<LargeBody> {
    const chunks: Uint8Array[] = [];
    return {
      write: (chunk) => void chunks.push(chunk),
      finish: async (): Promise<Body> => bodyOf(chunks),
      abandon: async () => {},
    };
  }

  forget(): void {
    // What nobody holds is gone.
  }

  onHealth(): void {
    // Nothing can happen to memory that would change it.
  }

  async recover(_found: Found): Promise<RecoveryReport> {
    return { messages: 0, quarantined: 0, tornTails: 0, milliseconds: 0 };
  }

  stats(): { readonly messages: number; readonly liveBytes: number; readonly diskBytes: number; readonly segments: number } {
    let liveBytes = 0;
    for (const copy of this.#copies.values()) liveBytes += copy.size;
    return { messages: this.#copies.size, liveBytes, diskBytes: 0, segments: 0 };
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {
    this.#copies.clear();
  }
}
