/** Mails that are in memory, by ticket, with an exact count of their bytes: what copies share counts once. */
import type { Copy } from '../module/copy.js';
import type { Share } from './settings.js';

export class Residents {
  readonly #mails = new Map<number, Copy>();
  /** How many mails hold a header block or body that several may share. */
  readonly #uses = new Map<object, number>();
  /** Scopes with a limit of their own that a mail counts for. */
  readonly #shares = new Map<number, Share>();
  #bytes = 0;

  get count(): number {
    return this.#mails.size;
  }

  /** Octets of header blocks and bodies in memory; bodies in their own files are not. */
  get bytes(): number {
    return this.#bytes;
  }

  at(ticket: number): Copy | undefined {
    return this.#mails.get(ticket);
  }

  /** All of them, in no order. */
  mails(): IterableIterator<Copy> {
    return this.#mails.values();
  }

  keep(ticket: number, mail: Copy, share?: Share): void {
    if (this.#mails.has(ticket)) this.drop(ticket);
    this.#mails.set(ticket, mail);
    if (share) {
      share.count++;
      this.#shares.set(ticket, share);
    }
    if (this.#use(mail.headers)) this.#bytes += mail.headers.bytes().length;
    if (this.#use(mail.content)) this.#bytes += residentBytes(mail);
  }

  drop(ticket: number): void {
    const mail = this.#mails.get(ticket);
    if (!mail) return;
    this.#mails.delete(ticket);
    const share = this.#shares.get(ticket);
    if (share) {
      share.count--;
      this.#shares.delete(ticket);
    }
    if (this.#unuse(mail.headers)) this.#bytes -= mail.headers.bytes().length;
    if (this.#unuse(mail.content)) this.#bytes -= residentBytes(mail);
  }

  #use(thing: object): boolean {
    const uses = this.#uses.get(thing) ?? 0;
    this.#uses.set(thing, uses + 1);
    return uses === 0;
  }

  #unuse(thing: object): boolean {
    const uses = (this.#uses.get(thing) ?? 1) - 1;
    if (uses > 0) this.#uses.set(thing, uses);
    else this.#uses.delete(thing);
    return uses <= 0;
  }
}

function residentBytes(mail: Copy): number {
  let sum = 0;
  for (const chunk of mail.content.resident ?? []) sum += chunk.length;
  return sum;
}
