/** What the spool keeps in memory of each message: about 40 octets in typed arrays, by ticket. */

const FIRST = 1024;

export const FLAG = { priority: 1, large: 2 } as const;

export class Table {
  #size = 0;
  #free: number[] = [];
  segment = new Uint32Array(FIRST);
  offset = new Uint32Array(FIRST);
  /** Which copy of its frame. */
  index = new Uint16Array(FIRST);
  idHigh = new Uint32Array(FIRST);
  idLow = new Uint32Array(FIRST);
  attempts = new Uint16Array(FIRST);
  next = new Float64Array(FIRST);
  /** Wall milliseconds. */
  received = new Float64Array(FIRST);
  /** FLAG bits. */
  flags = new Uint8Array(FIRST);
  /** Number of the last reply; 0 = none. */
  reply = new Uint32Array(FIRST);
  /** Number of the place. */
  place = new Uint32Array(FIRST);
  /** 1 while the ticket is in use. */
  used = new Uint8Array(FIRST);
  count = 0;

  /** A ticket that nobody has. */
  take(): number {
    const ticket = this.#free.pop() ?? this.#size++;
    if (ticket >= this.used.length) this.#grow();
    this.used[ticket] = 1;
    this.attempts[ticket] = 0;
    this.next[ticket] = 0;
    this.reply[ticket] = 0;
    this.place[ticket] = 0;
    this.flags[ticket] = 0;
    this.count++;
    return ticket;
  }

  give(ticket: number): void {
    this.used[ticket] = 0;
    this.count--;
    this.#free.push(ticket);
  }

  has(ticket: number): boolean {
    return this.used[ticket] === 1;
  }

  /** One above the highest ticket ever given. */
  get size(): number {
    return this.#size;
  }

  #grow(): void {
    const length = this.used.length * 2;
    const larger = <T extends { set(from: T): void }>(make: (n: number) => T, old: T): T => {
      const grown = make(length);
      grown.set(old);
      return grown;
    };
    this.segment = larger((n) => new Uint32Array(n), this.segment);
    this.offset = larger((n) => new Uint32Array(n), this.offset);
    this.index = larger((n) => new Uint16Array(n), this.index);
    this.received = larger((n) => new Float64Array(n), this.received);
    this.flags = larger((n) => new Uint8Array(n), this.flags);
    this.idHigh = larger((n) => new Uint32Array(n), this.idHigh);
    this.idLow = larger((n) => new Uint32Array(n), this.idLow);
    this.attempts = larger((n) => new Uint16Array(n), this.attempts);
    this.next = larger((n) => new Float64Array(n), this.next);
    this.reply = larger((n) => new Uint32Array(n), this.reply);
    this.place = larger((n) => new Uint32Array(n), this.place);
    this.used = larger((n) => new Uint8Array(n), this.used);
  }
}
